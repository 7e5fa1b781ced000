"""From a purchase to an order: lines, discounts, taxes, shipping, payments, refunds."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from demo.stores.business.model import (
    Adjustment,
    Allocation,
    Application,
    Customer,
    Discount,
    Fee,
    Line,
    Order,
    Product,
    Refund,
    RefundLine,
    RefundShipping,
    Shipping,
    Shop,
    Tax,
    Transaction,
    Variant,
    Visit,
)
from demo.stores.business.money import ZERO, Currencies, Money, rounded, total

CARDS = "shopify_payments"
STRIPE = "stripe"
#: The gateways that take cards, and keep a fee.
CARD_GATEWAYS = frozenset({CARDS, STRIPE})
_MONTHLY_DRIFT = (0, 4, 9, 13, 8, 2, -3, -9, -12, -7, -4, 1)
_CHANNELS = {"web": 82, "pos": 7, "shopify_draft_order": 3, "shop_app": 5, "marketplace": 3}
# source, tactic, utm source, medium, campaign: weight
_SOURCES = {
    ("direct", None, None, None, None): 34,
    ("google", "SEO", None, None, None): 22,
    ("google", "AD", "google", "cpc", "brand"): 16,
    ("facebook", "AD", "facebook", "paid_social", "lookalike"): 12,
    ("newsletter", "NEWSLETTER", "newsletter", "email", "weekly"): 11,
    ("affiliate", "AFFILIATE", "musicblog", "affiliate", "reviews"): 5,
}


@dataclass(frozen=True, slots=True)
class Basket:
    """What is bought: variants with pieces."""

    items: tuple[tuple[Product, Variant, int], ...]


def fill(shop: Shop, rng: random.Random, pieces: int, value: Decimal) -> Basket:
    """Chooses variants whose price is near the purchase's own price a piece.

    The pieces are split over at most four lines; the value is in CDNOW's dollars.
    """
    each = value / pieces * shop.profile.price_factor
    offers = [
        (product, variant) for product in shop.products.values() for variant in product.variants
    ]
    offers.sort(key=lambda offer: (abs(offer[1].price - each), offer[1].id))
    near = offers[:24]
    count = min(pieces, rng.choice((1, 1, 2, 2, 3, 4)))
    chosen = rng.sample(near, count)
    quantities = [1] * count
    for _ in range(pieces - count):
        quantities[rng.randrange(count)] += 1
    return Basket(
        tuple(
            (product, variant, n) for (product, variant), n in zip(chosen, quantities, strict=True)
        )
    )


def currencies(shop: Shop, rng: random.Random, at: datetime) -> Currencies:
    """Chooses what the buyer pays in; rates move from month to month and are never one."""
    profile = shop.profile
    drawn = rng.random()
    for currency, (share, rate) in profile.rates.items():
        drawn -= share
        if drawn < 0:
            drift = 1 + Decimal(_MONTHLY_DRIFT[at.month - 1]) / 1000
            return Currencies(profile.currency, currency, (rate * drift).quantize(Decimal("1e-6")))
    return Currencies(profile.currency, profile.currency, Decimal(1))


def place(
    shop: Shop,
    rng: random.Random,
    basket: Basket,
    customer: Customer | None,
    email: str | None,
    at: datetime,
    money: Currencies,
    discounts: list[Discount],
) -> Order:
    """Makes the order, without any payment yet, and leaves it outside the shop.

    Of the discounts, which all apply, at most one has a code.
    """
    lines = [
        Line(
            id=shop.ids.next("line"),
            product_id=product.id,
            variant_id=variant.id,
            title=product.title,
            variant_title=variant.title,
            sku=variant.sku,
            vendor=product.vendor,
            quantity=quantity,
            current_quantity=quantity,
            unit_price=money.of(variant.price),
            allocations=[],
            taxes=[],
        )
        for product, variant, quantity in basket.items
    ]
    channel = rng.choices(list(_CHANNELS), list(_CHANNELS.values()))[0]
    shipping = None
    if channel != "pos":
        goods = total(line.original for line in lines).shop
        free = goods >= shop.profile.free_shipping_from
        shipping = Shipping(
            id=shop.ids.next("shipping"),
            title="Free shipping" if free else "Standard",
            price=ZERO if free else money.of(shop.profile.shipping),
            allocations=[],
            taxes=[],
        )
    order = Order(
        id=shop.ids.next("order"),
        number=1_000 + len(shop.orders) + 1,
        customer_id=customer.id if customer else None,
        email=email,
        created_at=at,
        processed_at=at,
        updated_at=at,
        currencies=money,
        taxes_included=shop.profile.taxes_included,
        channel=channel,
        test=False,
        tags=sorted(rng.sample(("fragile", "gift", "priority"), 1)) if rng.random() < 0.08 else [],
        note="Please wrap it" if rng.random() < 0.04 else None,
        lines=lines,
        shipping=shipping,
        applications=[],
        address=customer.address if customer and shipping else None,
        visits=_visits(shop, rng, at) if channel in {"web", "shop_app"} else [],
    )
    for discount in discounts:
        _discount(order, discount)
    tax(shop, order)
    return order


def _visits(shop: Shop, rng: random.Random, at: datetime) -> list[Visit]:
    moments = [at - timedelta(minutes=rng.randrange(5, 60))]
    if rng.random() < 0.6:
        moments.insert(0, at - timedelta(hours=rng.randrange(3, 400)))
    drawn = rng.choices(list(_SOURCES), list(_SOURCES.values()), k=len(moments))
    return [
        Visit(shop.ids.next("visit"), moment, *source)
        for moment, source in zip(moments, drawn, strict=True)
    ]


def _discount(order: Order, discount: Discount) -> None:
    money, index = order.currencies, len(order.applications)
    kind = "automatic" if discount.automatic else "code"
    title = (
        discount.title if discount.automatic else discount.codes[order.number % len(discount.codes)]
    )
    amount = money.of(discount.amount) if discount.amount is not None else None
    application = Application(index, kind, title, discount.percent, amount, discount.free_shipping)
    if discount.free_shipping:
        if order.shipping and order.shipping.discounted != ZERO:
            order.shipping.allocations.append(Allocation(index, order.shipping.discounted))
            order.applications.append(application)
        return
    if discount.percent is not None:
        for line in order.lines:
            line.allocations.append(
                Allocation(index, money.scaled(line.discounted, discount.percent))
            )
    elif amount is not None:
        left = Money(
            min(amount.shop, order.subtotal.shop),
            min(amount.presentment, order.subtotal.presentment),
        )
        for line in order.lines:
            part = Money(
                min(left.shop, line.discounted.shop),
                min(left.presentment, line.discounted.presentment),
            )
            if part != ZERO:
                line.allocations.append(Allocation(index, part))
                left -= part
    order.applications.append(application)


def tax(shop: Shop, order: Order) -> None:
    """Computes the taxes of all lines and of the shipping."""
    rate = shop.profile.tax_rate
    share = rate / (1 + rate) if order.taxes_included else rate
    parts: list[Line | Shipping] = [*order.lines]
    if order.shipping and order.taxes_included:
        parts.append(order.shipping)
    for part in parts:
        amount = order.currencies.scaled(part.discounted, share)
        part.taxes = [Tax(shop.profile.tax_title, rate, amount)] if amount != ZERO else []


def transact(
    shop: Shop,
    order: Order,
    kind: str,
    amount: Money,
    at: datetime,
    *,
    status: str = "SUCCESS",
    gateway: str | None = None,
    parent: Transaction | None = None,
    refund: Refund | None = None,
    error: str | None = None,
) -> Transaction:
    """Adds a transaction to the order; cards cost a fee when money comes in."""
    rate, flat = shop.profile.gateway_fee
    gateway = gateway or shop.gateway
    fees = []
    moved = kind in {"SALE", "CAPTURE"} and status == "SUCCESS"
    if gateway in CARD_GATEWAYS and moved and not order.test:
        kept = rounded(amount.shop * rate, shop.profile.currency) + flat
        fees = [Fee(shop.ids.next("fee"), rate, flat, kept)]
    transaction = Transaction(
        id=shop.ids.next("transaction"),
        kind=kind,
        status=status,
        gateway=gateway,
        amount=amount,
        created_at=at,
        parent_id=parent.id if parent else None,
        refund_id=refund.id if refund else None,
        test=order.test,
        error=error,
        fees=fees,
    )
    order.transactions.append(transaction)
    return transaction


def refund(
    shop: Shop,
    order: Order,
    at: datetime,
    quantities: dict[int, int],
    *,
    restock: str = "RETURN",
    with_shipping: bool = False,
    goodwill: Money = ZERO,
) -> Refund:
    """Refunds pieces of lines, shipping, or an amount that belongs to neither.

    The last piece of a line takes what is left of it, so that parts add up to the cent. The money
    goes back over the payments it came by, first to last, and never more than came.

    Quantities are pieces by line id. Goodwill is an amount without lines, and becomes an order
    adjustment.

    Raises:
        ValueError: More pieces than the line has left.
    """
    made = Refund(shop.ids.next("refund"), at, None, [], [], [])
    for line in order.lines:
        pieces = quantities.get(line.id, 0)
        if pieces > line.current_quantity:
            raise ValueError(
                f"line {line.id} has {line.current_quantity} pieces left, not {pieces}"
            )
        if pieces:
            made.lines.append(_refund_line(shop, order, line, pieces, restock))
            line.current_quantity -= pieces
    if with_shipping and order.shipping and order.refunded_shipping == ZERO:
        shipping = order.shipping
        made.shipping.append(
            RefundShipping(shop.ids.next("refund_shipping"), shipping.discounted, shipping.tax)
        )
    if goodwill != ZERO:
        made.adjustments.append(
            Adjustment(shop.ids.next("adjustment"), -goodwill, "REFUND_DISCREPANCY")
        )
        made.note = "Goodwill"
    due = made.subtotal + goodwill
    if not order.taxes_included:
        due += made.tax
    order.refunds.append(made)
    _pay_back(shop, order, made, due, at)
    return made


def _refund_line(shop: Shop, order: Order, line: Line, pieces: int, restock: str) -> RefundLine:
    before = [each for done in order.refunds for each in done.lines if each.line_id == line.id]
    if pieces == line.current_quantity:
        subtotal = line.discounted - total(each.subtotal for each in before)
        tax = line.tax - total(each.tax for each in before)
    else:
        share = Decimal(pieces) / line.quantity
        subtotal = order.currencies.scaled(line.discounted, share)
        tax = order.currencies.scaled(line.tax, share)
    price = order.currencies.scaled(line.discounted, Decimal(1) / line.quantity)
    return RefundLine(shop.ids.next("refund_line"), line.id, pieces, restock, price, subtotal, tax)


def _pay_back(shop: Shop, order: Order, made: Refund, due: Money, at: datetime) -> None:
    paid = [
        each
        for each in order.transactions
        if each.kind in {"SALE", "CAPTURE"} and each.status == "SUCCESS"
    ]
    for payment in paid:
        gone = total(
            each.amount
            for each in order.transactions
            if each.kind == "REFUND" and each.parent_id == payment.id and each.status == "SUCCESS"
        )
        left = payment.amount - gone
        part = Money(min(due.shop, left.shop), min(due.presentment, left.presentment))
        if part.presentment > 0:
            transact(
                shop,
                order,
                "REFUND",
                part,
                at,
                gateway=payment.gateway,
                parent=payment,
                refund=made,
            )
            due -= part
