"""Subscriptions and what they bring: invoices, their payments, credit notes."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal

from demo.stores.stripe import payments
from demo.stores.stripe.model import (
    ZERO,
    Account,
    Coupon,
    CreditLine,
    CreditNote,
    Customer,
    Intent,
    Invoice,
    InvoicePayment,
    Item,
    Line,
    Price,
    Product,
    Subscription,
    made_id,
)
from demo.stores.stripe.money import chargeable

_PLANS = {"Listener": "4.99", "Collector": "14.99", "Archive": "39.00"}
_FACTORS = {
    "USD": "1",
    "EUR": "0.92",
    "JPY": "150",
    "KWD": "0.31",
    "ISK": "138",
    "UGX": "3700",
}
_NAMES = ("Alva", "Bela", "Cleo", "Dario", "Edda", "Femi", "Gala", "Hiro", "Ines", "Jona")

#: Lines of the invoice that doesn't come with all of them, and items of such a subscription.
LONG_INVOICE = 134
MANY_ITEMS = 14


def stock(account: Account, opened: datetime) -> None:
    """Adds products, prices in all currencies, and coupons."""
    for number, (name, dollars) in enumerate(_PLANS.items()):
        at = opened - timedelta(days=30, seconds=-number)
        product = Product(
            id=made_id("prod", account.company, name), created=at, name=name, updated=at
        )
        account.add(product)
        payments.emit(account, "product.created", product, at)
        for currency, factor in _FACTORS.items():
            for interval, months in (("month", 1), ("year", 10)):
                amount = chargeable(Decimal(dollars) * Decimal(factor) * months, currency)
                _add_price(account, product, currency, amount, interval, at)
    first = next(iter(account.of("products").values()))
    # A price of less than a cent, as one for what is metered.
    _add_price(account, first, "USD", Decimal("0.00451"), "month", opened - timedelta(days=29))
    _add_coupon(account, "Half off", opened, percent_off=Decimal(50), duration_in_months=3)
    _add_coupon(account, "Tenth off", opened, percent_off=Decimal("12.5"))
    _add_coupon(account, "Welcome", opened, amount_off=Decimal("3.00"), currency=account.currency)


def _add_price(
    account: Account,
    product: Product,
    currency: str,
    amount: Decimal,
    interval: str,
    at: datetime,
) -> None:
    price = Price(
        id=made_id("price", product.id, currency, interval, amount),
        created=at,
        product=product.id,
        currency=currency,
        amount=amount,
        interval=interval,
        nickname=f"{product.name} a {interval}",
    )
    account.add(price)
    payments.emit(account, "price.created", price, at)


def _add_coupon(account: Account, name: str, at: datetime, **how: object) -> None:
    months = how.get("duration_in_months")
    coupon = Coupon(
        id=name.upper().replace(" ", ""),
        created=at,
        name=name,
        duration="repeating" if months else "once" if "amount_off" in how else "forever",
        **how,  # type: ignore[arg-type]
    )
    account.add(coupon)
    payments.emit(account, "coupon.created", coupon, at)


def price_of(account: Account, plan: str, currency: str, interval: str = "month") -> Price:
    """Returns the price of a plan."""
    product = made_id("prod", account.company, plan)
    found: Price = next(
        each
        for each in account.of("prices").values()
        if (each.product, each.currency, each.interval) == (product, currency, interval)
    )
    return found


def subscribers(account: Account, opened: datetime, end: datetime, count: int) -> None:
    """Adds customers with subscriptions, and all that these bring until `end`."""
    for number in range(count):
        rng = random.Random(f"{account.company}:subscriber:{number}")
        currency = _currency(account, number)
        at = opened + timedelta(seconds=rng.randrange(int((end - opened).total_seconds() * 0.8)))
        customer = new_customer(account, rng, number, at, currency)
        interval = "year" if number % 7 == 3 else "month"
        plan = rng.choice([*_PLANS][:2])
        subscription = subscribe(
            account,
            customer,
            price_of(account, plan, currency, interval),
            at + timedelta(minutes=5),
            coupon=_coupon(account, number, currency),
            trial_days=14 if number % 5 == 2 else 0,
        )
        upgrade_at = at + timedelta(days=46) if number % 4 == 0 else None
        leaves_at = at + timedelta(days=160) if number % 4 == 1 else None
        fails = number % 9 == 5
        live(account, subscription, end, upgrade_at, leaves_at, fails=fails)
    _special_invoices(account, opened, end)


def _currency(account: Account, number: int) -> str:
    odd = {1: "JPY", 3: "KWD", 6: "ISK", 8: "UGX", 10: "EUR", 11: "USD"}
    return odd.get(number % 20, account.currency)


def _coupon(account: Account, number: int, currency: str) -> str | None:
    if number % 6 == 4:
        return "WELCOME" if currency == account.currency else None
    return {0: "HALFOFF", 5: "TENTHOFF"}.get(number % 10)


def new_customer(
    account: Account, rng: random.Random, number: int, at: datetime, currency: str
) -> Customer:
    """Adds a customer."""
    name = f"{rng.choice(_NAMES)} {rng.choice(_NAMES)}son"
    customer = Customer(
        id=made_id("cus", account.company, "subscriber", number),
        created=at,
        email=None if number % 13 == 12 else f"{name.replace(' ', '.')}.{number}@example.com",
        name=name,
        country=rng.choice(("US", "DE", "JP", None)),
        currency=currency,
        metadata={"member": str(number)},
    )
    account.add(customer)
    payments.emit(account, "customer.created", customer, at)
    return customer


def later(moment: datetime, interval: str) -> datetime:
    """Returns the end of a period; days that a month doesn't have become its last."""
    months = 12 if interval == "year" else 1
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    first = moment.replace(year=year, month=month + 1, day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return first.replace(day=min(moment.day, (following - timedelta(days=1)).day))


def subscribe(
    account: Account,
    customer: Customer,
    price: Price,
    at: datetime,
    *,
    coupon: str | None = None,
    trial_days: int = 0,
    quantity: int = 1,
) -> Subscription:
    """Adds a subscription with its first invoice."""
    subscription_id = made_id("sub", customer.id, price.id, at)
    trial_end = at + timedelta(days=trial_days) if trial_days else None
    item = Item(
        id=made_id("si", subscription_id, 0),
        created=at,
        subscription=subscription_id,
        price=price.id,
        quantity=quantity,
        period_start=at,
        period_end=trial_end or later(at, price.interval or "month"),
    )
    subscription = Subscription(
        id=subscription_id,
        created=at,
        customer=customer.id,
        currency=price.currency,
        status="trialing" if trial_end else "active",
        items=[item],
        trial_start=at if trial_end else None,
        trial_end=trial_end,
        coupon=coupon,
    )
    account.add(subscription)
    if coupon:
        account.of("coupons")[coupon].times_redeemed += 1
    payments.emit(account, "customer.subscription.created", subscription, at)
    bill(account, subscription, at, "subscription_create")
    return subscription


def live(
    account: Account,
    subscription: Subscription,
    end: datetime,
    upgrade_at: datetime | None = None,
    leaves_at: datetime | None = None,
    *,
    fails: bool = False,
) -> None:
    """Lets time pass until `end`: renewals, perhaps an upgrade, an end, a card that fails."""
    item = subscription.items[0]
    while True:
        renewal = item.period_end
        if leaves_at and leaves_at <= min(renewal, end):
            cancel(account, subscription, leaves_at)
            return
        if upgrade_at and upgrade_at <= min(renewal, end):
            upgrade(account, subscription, "Archive", upgrade_at)
            upgrade_at = None
            continue
        if renewal > end:
            return
        renew(account, subscription, renewal, fails=fails and later(renewal, "month") > end)


def renew(
    account: Account, subscription: Subscription, at: datetime, *, fails: bool = False
) -> Invoice:
    """Begins the next period."""
    for item in subscription.items:
        price = account.of("prices")[item.price]
        item.period_start, item.period_end = at, later(at, price.interval or "month")
    subscription.status = "active"
    payments.emit(account, "customer.subscription.updated", subscription, at)
    return bill(account, subscription, at, "subscription_cycle", fails=fails)


def upgrade(account: Account, subscription: Subscription, plan: str, at: datetime) -> Invoice:
    """Changes to another plan in the middle of a period, and bills the difference at once.

    Of the old price the unused time is credited, of the new one the remaining time is charged, by
    the second.
    """
    item = subscription.items[0]
    old = account.of("prices")[item.price]
    new = price_of(account, plan, subscription.currency, old.interval)
    whole = (item.period_end - item.period_start).total_seconds()
    share = Decimal(int((item.period_end - at).total_seconds())) / Decimal(int(whole))
    invoice = _draft(account, subscription.customer, subscription.currency, at, subscription)
    invoice.billing_reason, invoice.coupon = "subscription_update", None
    if subscription.status == "trialing":
        share = ZERO
    for price, sign, what in ((old, -1, "Unused time on"), (new, 1, "Remaining time on")):
        amount = chargeable(price.amount * item.quantity * share * sign, subscription.currency)
        _add_line(
            invoice,
            amount,
            f"{what} {price.nickname}",
            (at, item.period_end),
            price=price,
            item=item,
            proration=True,
        )
    item.price = new.id
    payments.emit(account, "customer.subscription.updated", subscription, at)
    finish(account, invoice, at)
    subscription.latest_invoice = invoice.id
    return invoice


def cancel(account: Account, subscription: Subscription, at: datetime) -> None:
    """Ends a subscription at once; the object stays, although its event is called deleted."""
    subscription.status = "canceled"
    subscription.canceled_at = subscription.ended_at = at
    payments.emit(account, "customer.subscription.deleted", subscription, at)


def bill(
    account: Account, subscription: Subscription, at: datetime, reason: str, *, fails: bool = False
) -> Invoice:
    """Adds the invoice of a period that begins, and its payment."""
    invoice = _draft(account, subscription.customer, subscription.currency, at, subscription)
    invoice.billing_reason = reason
    invoice.coupon = subscription.coupon if _still(account, subscription, at) else None
    free = subscription.status == "trialing"
    for item in subscription.items:
        price = account.of("prices")[item.price]
        amount = ZERO if free else price.amount * item.quantity
        _add_line(
            invoice,
            chargeable(amount, invoice.currency),
            f"{item.quantity} × {price.nickname}",
            (item.period_start, item.period_end),
            price=price,
            item=item,
            quantity=item.quantity,
        )
    _discount(account, invoice)
    subscription.latest_invoice = invoice.id
    finish(account, invoice, at, fails=fails)
    if fails:
        subscription.status = "past_due"
        customer = account.of("customers")[subscription.customer]
        customer.delinquent = True
        payments.emit(account, "customer.subscription.updated", subscription, at)
        payments.emit(account, "customer.updated", customer, at)
    return invoice


def _still(account: Account, subscription: Subscription, at: datetime) -> bool:
    """Says whether a subscription's coupon still counts."""
    coupon = account.of("coupons").get(subscription.coupon or "")
    if coupon is None:
        return False
    if coupon.duration == "repeating":
        return at < subscription.created + timedelta(days=30 * coupon.duration_in_months)
    return coupon.duration == "forever" or at == subscription.created


def _discount(account: Account, invoice: Invoice) -> None:
    coupon = account.of("coupons").get(invoice.coupon or "")
    if coupon is None:
        return
    left = coupon.amount_off or ZERO
    for line in invoice.lines:
        if coupon.percent_off is not None:
            share = line.amount * coupon.percent_off / 100
            line.discount = chargeable(share, line.currency)
        else:
            line.discount = min(left, line.amount)
            left -= line.discount


def _draft(
    account: Account,
    customer: str,
    currency: str,
    at: datetime,
    subscription: Subscription | None = None,
) -> Invoice:
    number = len(account.of("invoices"))
    invoice = Invoice(
        id=made_id("in", account.company, number),
        created=at,
        customer=customer,
        currency=currency,
        status="draft",
        lines=[],
        subscription=subscription.id if subscription else None,
    )
    account.add(invoice)
    return invoice


def _add_line(
    invoice: Invoice,
    amount: Decimal,
    description: str,
    period: tuple[datetime, datetime],
    *,
    price: Price | None = None,
    item: Item | None = None,
    quantity: int = 1,
    proration: bool = False,
) -> None:
    invoice.lines.append(
        Line(
            id=made_id("il", invoice.id, len(invoice.lines)),
            created=invoice.created,
            invoice=invoice.id,
            amount=amount,
            currency=invoice.currency,
            quantity=quantity,
            description=description,
            period_start=period[0],
            period_end=period[1],
            proration=proration,
            price=price.id if price else None,
            product=price.product if price else None,
            subscription=item.subscription if item else None,
            subscription_item=item.id if item else None,
        )
    )


def finish(
    account: Account,
    invoice: Invoice,
    at: datetime,
    *,
    fails: bool = False,
    parts: int = 1,
    paid: bool = True,
) -> None:
    """Makes an invoice final and pays it, in several payments if wanted."""
    payments.emit(account, "invoice.created", invoice, at)
    invoice.status, invoice.finalized_at = "open", at
    invoice.number = f"{account.company[:4].upper()}-{len(account.of('invoices')):05d}"
    payments.emit(account, "invoice.finalized", invoice, at)
    if invoice.due == ZERO:
        _settle(account, invoice, at)
        return
    if not paid:
        return
    share = chargeable(invoice.due / parts, invoice.currency)
    for part in range(parts):
        amount = share if part < parts - 1 else invoice.due - share * (parts - 1)
        moment = at + timedelta(days=part)
        collect(account, invoice, amount, moment, default=part == parts - 1, fails=fails)


def collect(
    account: Account,
    invoice: Invoice,
    amount: Decimal,
    at: datetime,
    *,
    default: bool = True,
    fails: bool = False,
) -> None:
    """Tries to collect a part of an invoice, or all that is left of it."""
    number = invoice.attempts
    intent = Intent(
        id=made_id("pi", invoice.id, number),
        created=at,
        amount=amount,
        currency=invoice.currency,
        status="requires_payment_method",
        customer=invoice.customer,
        description="Subscription update" if number else "Subscription creation",
    )
    account.add(intent)
    payment = InvoicePayment(
        id=made_id("inpay", intent.id),
        created=at,
        invoice=invoice.id,
        requested=amount,
        currency=invoice.currency,
        status="open",
        intent=intent.id,
        is_default=default,
    )
    account.add(payment)
    payments.emit(account, "payment_intent.created", intent, at)
    invoice.attempts += 1
    customer = account.of("customers").get(invoice.customer)
    payments.pay(
        account,
        amount,
        invoice.currency,
        at,
        intent=intent,
        charge_id=made_id("ch", intent.id),
        failure="card_declined" if fails else None,
        email=customer.email if customer else None,
        country=customer.country if customer else None,
    )
    if fails:
        payments.emit(account, "invoice.payment_failed", invoice, at)
        return
    payment.status, payment.paid, payment.paid_at = "paid", amount, at
    invoice.paid += amount
    payments.emit(account, "invoice_payment.paid", payment, at)
    if invoice.paid >= invoice.due:
        _settle(account, invoice, at)
    else:
        payments.emit(account, "invoice.updated", invoice, at)


def _settle(account: Account, invoice: Invoice, at: datetime) -> None:
    invoice.status, invoice.paid_at = "paid", at
    payments.emit(account, "invoice.paid", invoice, at)


def credit(
    account: Account, invoice: Invoice, amount: Decimal, at: datetime, *, money_back: bool = True
) -> CreditNote:
    """Takes something off a final invoice: before it is paid, or after it, with a refund."""
    before = invoice.status == "open"
    number = len(account.of("credit_notes"))
    note = CreditNote(
        id=made_id("cn", invoice.id, number),
        created=at,
        invoice=invoice.id,
        customer=invoice.customer,
        amount=amount,
        currency=invoice.currency,
        type="pre_payment" if before else "post_payment",
        number=f"{invoice.number}-CN-{number:02d}",
        reason="order_change",
        lines=[],
    )
    note.lines.append(
        CreditLine(
            id=made_id("cnli", note.id, 0),
            created=at,
            amount=amount,
            currency=invoice.currency,
            quantity=1,
            description=f"Credit for {invoice.number}",
            invoice_line=invoice.lines[0].id,
        )
    )
    if before:
        invoice.credited_before += amount
        if invoice.due == invoice.paid:
            _settle(account, invoice, at)
    else:
        invoice.credited_after += amount
        if money_back:
            charge = _charge_of(account, invoice)
            refund = payments.give_back(account, charge, amount, at, made_id("re", note.id))
            note.refunds.append((refund.id, amount))
    account.add(note)
    payments.emit(account, "credit_note.created", note, at)
    payments.emit(account, "invoice.updated", invoice, at)
    return note


def _charge_of(account: Account, invoice: Invoice) -> payments.Charge:
    paid = [
        each
        for each in account.of("invoice_payments").values()
        if each.invoice == invoice.id and each.status == "paid"
    ]
    intent = account.of("payment_intents")[paid[-1].intent]
    charge: payments.Charge = account.of("charges")[intent.latest_charge]
    return charge


def _special_invoices(account: Account, opened: datetime, end: datetime) -> None:
    """Adds what seldom happens: long invoices, two payments of one, credit notes, a draft."""
    rng = random.Random(f"{account.company}:special")
    at = opened + timedelta(days=100)
    firm = new_customer(account, rng, 9_001, at, account.currency)
    period = (at, at + timedelta(days=30))

    def invoice(days: int, amounts: list[Decimal]) -> Invoice:
        found = _draft(account, firm.id, account.currency, at + timedelta(days=days))
        for number, amount in enumerate(amounts):
            _add_line(found, amount, f"Position {number + 1}", period)
        return found

    long = invoice(1, [Decimal(number + 1) for number in range(LONG_INVOICE)])
    finish(account, long, long.created)
    halves = invoice(2, [Decimal("1000.01")])
    finish(account, halves, halves.created, parts=2)
    credit(account, halves, Decimal("120.00"), halves.created + timedelta(days=5))
    lessened = invoice(3, [Decimal("500.00")])
    finish(account, lessened, lessened.created, paid=False)
    credit(account, lessened, Decimal("40.00"), lessened.created + timedelta(hours=3))
    collect(account, lessened, lessened.due, lessened.created + timedelta(days=2))
    voided = invoice(4, [Decimal("77.00")])
    finish(account, voided, voided.created, paid=False)
    voided.status, voided.voided_at = "void", voided.created + timedelta(days=1)
    payments.emit(account, "invoice.voided", voided, voided.voided_at)
    draft = invoice((end - at).days - 1, [Decimal("12.00")])
    payments.emit(account, "invoice.created", draft, draft.created)
    many = subscribe(account, firm, price_of(account, "Archive", account.currency), at)
    for number in range(1, MANY_ITEMS):
        many.items.append(
            Item(
                id=made_id("si", many.id, number),
                created=at,
                subscription=many.id,
                price=price_of(account, "Listener", account.currency).id,
                quantity=number,
                period_start=at,
                period_end=many.items[0].period_end,
            )
        )
    live(account, many, end)
