"""Objects as the API answers with them: ids, smallest units, seconds since 1970."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from demo.stores.stripe import model
from demo.stores.stripe.model import Account, Thing
from demo.stores.stripe.money import minor, places

Json = dict[str, Any]

API_VERSION = "2026-10-28.endive"

#: How many of a list inside of an object come with it.
NESTED = 10


def at(moment: datetime | None) -> int | None:
    """Returns seconds since 1970."""
    return None if moment is None else int(moment.timestamp())


def nested(url: str, found: Sequence[Json]) -> Json:
    """Returns a list inside of an object: its beginning."""
    return {
        "object": "list",
        "data": list(found[:NESTED]),
        "has_more": len(found) > NESTED,
        "url": url,
    }


def _base(thing: Thing, **fields: Any) -> Json:
    return {
        "id": thing.id,
        "object": thing.object,
        "created": at(thing.created),
        "livemode": True,
        **fields,
    }


def _customer(account: Account, it: model.Customer) -> Json:
    return _base(
        it,
        address=None if it.country is None else {"country": it.country, "city": None},
        balance=0,
        currency=it.currency.lower() if it.currency else None,
        default_source=None,
        delinquent=it.delinquent,
        description=None,
        email=it.email,
        invoice_prefix=it.id[-8:].upper(),
        invoice_settings={"custom_fields": None, "default_payment_method": None},
        metadata=dict(it.metadata),
        name=it.name,
        phone=it.phone,
        preferred_locales=[],
        shipping=None,
        tax_exempt="none",
    )


def _product(account: Account, it: model.Product) -> Json:
    return _base(
        it,
        active=it.active,
        attributes=[],
        default_price=None,
        description=it.description,
        images=[],
        metadata={},
        name=it.name,
        type="service",
        updated=at(it.updated),
        url=None,
    )


def _price(account: Account, it: model.Price) -> Json:
    units = it.amount.scaleb(places(it.currency))
    whole = units == units.to_integral_value()
    recurring = it.interval and {
        "interval": it.interval,
        "interval_count": 1,
        "trial_period_days": None,
        "usage_type": "licensed",
        "meter": None,
    }
    return _base(
        it,
        active=it.active,
        billing_scheme="per_unit",
        currency=it.currency.lower(),
        lookup_key=None,
        metadata={},
        nickname=it.nickname,
        product=it.product,
        recurring=recurring or None,
        tax_behavior="unspecified",
        tiers_mode=None,
        type="recurring" if it.interval else "one_time",
        unit_amount=int(units) if whole else None,
        unit_amount_decimal=f"{units.normalize():f}",
    )


def _coupon(account: Account, it: model.Coupon) -> Json:
    return _base(
        it,
        amount_off=_amount(it.amount_off, it.currency),
        currency=it.currency.lower() if it.currency else None,
        duration=it.duration,
        duration_in_months=it.duration_in_months,
        max_redemptions=None,
        metadata={},
        name=it.name,
        percent_off=None if it.percent_off is None else float(it.percent_off),
        redeem_by=None,
        times_redeemed=it.times_redeemed,
        valid=it.valid,
    )


def _amount(amount: Decimal | None, currency: str | None) -> int | None:
    return None if amount is None or currency is None else minor(amount, currency)


def _intent(account: Account, it: model.Intent) -> Json:
    return _base(
        it,
        amount=minor(it.amount, it.currency),
        amount_capturable=minor(
            it.amount if it.status == "requires_capture" else model.ZERO, it.currency
        ),
        amount_received=minor(it.received, it.currency),
        automatic_payment_methods={"enabled": True, "allow_redirects": "always"},
        canceled_at=at(it.canceled_at),
        cancellation_reason="abandoned" if it.canceled_at else None,
        capture_method="automatic",
        client_secret=None,
        confirmation_method="automatic",
        currency=it.currency.lower(),
        customer=it.customer,
        description=it.description,
        last_payment_error=None,
        latest_charge=it.latest_charge,
        metadata=dict(it.metadata),
        next_action=None,
        payment_method_types=["card"],
        receipt_email=None,
        setup_future_usage=None,
        status=it.status,
    )


def _charge(account: Account, it: model.Charge) -> Json:
    return _base(
        it,
        amount=minor(it.amount, it.currency),
        amount_captured=minor(it.captured, it.currency),
        amount_refunded=minor(it.refunded, it.currency),
        balance_transaction=it.balance_transaction,
        billing_details={
            "address": {"country": it.country, "city": None},
            "email": it.email,
            "name": None,
            "phone": None,
        },
        calculated_statement_descriptor=account.company.upper(),
        captured=it.status == "succeeded" and it.captured > 0,
        currency=it.currency.lower(),
        customer=it.customer,
        description=None,
        disputed=it.disputed,
        failure_balance_transaction=None,
        failure_code=it.failure_code,
        failure_message="Your card was declined." if it.failure_code else None,
        metadata=dict(it.metadata),
        outcome={
            "network_status": "declined_by_network" if it.failure_code else "approved_by_network",
            "type": "issuer_declined" if it.failure_code else "authorized",
        },
        paid=it.status == "succeeded",
        payment_intent=it.intent,
        payment_method_details={"type": "card", "card": {"brand": "visa", "last4": "4242"}},
        receipt_email=None,
        refunded=it.refunded >= it.captured > 0,
        status=it.status,
    )


def _refund(account: Account, it: model.Refund) -> Json:
    failure = {}
    if it.failure_reason is not None:
        failure = {
            "failure_balance_transaction": it.failure_balance_transaction,
            "failure_reason": it.failure_reason,
        }
    return _base(
        it,
        amount=minor(it.amount, it.currency),
        balance_transaction=it.balance_transaction,
        charge=it.charge,
        currency=it.currency.lower(),
        destination_details={"card": {"type": "refund"}, "type": "card"},
        metadata={},
        payment_intent=it.intent,
        reason=it.reason,
        receipt_number=None,
        status=it.status,
        **failure,
    )


def _dispute(account: Account, it: model.Dispute) -> Json:
    return _base(
        it,
        amount=minor(it.amount, it.currency),
        # Whole objects: this list is always there and never ids.
        balance_transactions=[
            render(account, account.of("balance_transactions")[each])
            for each in it.balance_transactions
        ],
        charge=it.charge,
        currency=it.currency.lower(),
        evidence={},
        evidence_details={"due_by": at(it.due_by), "has_evidence": False, "past_due": False},
        is_charge_refundable=False,
        metadata={},
        payment_intent=it.intent,
        reason=it.reason,
        status=it.status,
    )


def _movement(account: Account, it: model.Movement) -> Json:
    found = _base(
        it,
        amount=minor(it.amount, it.currency),
        available_on=at(it.available_on),
        balance_type="payments",
        currency=it.currency.lower(),
        description=it.description,
        exchange_rate=None if it.exchange_rate is None else float(it.exchange_rate),
        fee=minor(it.fee, it.currency),
        fee_details=[
            {
                "amount": minor(it.fee, it.currency),
                "application": None,
                "currency": it.currency.lower(),
                "description": "Stripe processing fees",
                "type": "stripe_fee",
            }
        ]
        if it.fee
        else [],
        net=minor(it.net, it.currency),
        reporting_category=it.category,
        source=it.source,
        status="available" if account.is_available(it) else "pending",
        type=it.type,
    )
    del found["livemode"]
    return found


def _item(account: Account, it: model.Item) -> Json:
    price = render(account, account.of("prices")[it.price])
    found = _base(
        it,
        billing_thresholds=None,
        current_period_end=at(it.period_end),
        current_period_start=at(it.period_start),
        discounts=[],
        metadata={},
        price=price,
        quantity=it.quantity,
        subscription=it.subscription,
        tax_rates=[],
    )
    del found["livemode"]
    return found


def items(account: Account, it: model.Subscription) -> list[Json]:
    """Returns all items of a subscription, the newest first."""
    return [_item(account, each) for each in reversed(it.items)]


def _subscription(account: Account, it: model.Subscription) -> Json:
    return _base(
        it,
        automatic_tax={"enabled": False},
        billing_cycle_anchor=at(it.created),
        billing_mode={"type": "flexible"},
        cancel_at=None,
        cancel_at_period_end=it.cancel_at_period_end,
        canceled_at=at(it.canceled_at),
        cancellation_details={"comment": None, "feedback": None, "reason": None},
        collection_method="charge_automatically",
        currency=it.currency.lower(),
        customer=it.customer,
        default_payment_method=None,
        description=None,
        discounts=_discounts(it.id, it.coupon),
        ended_at=at(it.ended_at),
        items=nested(f"/v1/subscription_items?subscription={it.id}", items(account, it)),
        latest_invoice=it.latest_invoice,
        metadata={},
        pause_collection=None,
        schedule=None,
        start_date=at(it.created),
        status=it.status,
        trial_end=at(it.trial_end),
        trial_start=at(it.trial_start),
    )


def _discounts(owner: str, coupon: str | None) -> list[str]:
    return [] if coupon is None else [model.made_id("di", owner, coupon)]


def lines(account: Account, it: model.Invoice) -> list[Json]:
    """Returns all lines of an invoice."""
    return [_line(it, each) for each in it.lines]


def _line(invoice: model.Invoice, it: model.Line) -> Json:
    parent: Json | None = None
    details = {
        "invoice_item": None,
        "proration": it.proration,
        "proration_details": {"credited_items": None},
        "subscription": it.subscription,
    }
    if it.subscription_item is not None:
        parent = {
            "type": "subscription_item_details",
            "invoice_item_details": None,
            "subscription_item_details": details | {"subscription_item": it.subscription_item},
        }
    pricing = it.price and {
        "type": "price_details",
        "price_details": {"price": it.price, "product": it.product},
        "unit_amount_decimal": f"{(minor(it.amount, it.currency) / Decimal(it.quantity)):f}",
    }
    discount = model.made_id("di", invoice.subscription or invoice.id, invoice.coupon)
    return {
        "id": it.id,
        "object": "line_item",
        "amount": minor(it.amount, it.currency),
        "currency": it.currency.lower(),
        "description": it.description,
        "discount_amounts": [{"amount": minor(it.discount, it.currency), "discount": discount}]
        if it.discount
        else [],
        "discountable": not it.proration,
        "discounts": [],
        "invoice": it.invoice,
        "livemode": True,
        "metadata": {},
        "parent": parent,
        "period": {"start": at(it.period_start), "end": at(it.period_end)},
        "pretax_credit_amounts": [],
        "pricing": pricing or None,
        "quantity": it.quantity,
        "subtotal": minor(it.amount, it.currency),
        "taxes": [],
    }


def _invoice(account: Account, it: model.Invoice) -> Json:
    def of(amount: Decimal) -> int:
        return minor(amount, it.currency)

    parent = it.subscription and {
        "type": "subscription_details",
        "quote_details": None,
        "subscription_details": {"metadata": {}, "subscription": it.subscription},
    }
    discount = _discounts(it.subscription or it.id, it.coupon)
    return _base(
        it,
        account_country="US",
        amount_due=of(it.due),
        amount_overpaid=0,
        amount_paid=of(it.paid),
        amount_remaining=of(max(it.due - it.paid, model.ZERO)),
        amount_shipping=0,
        attempt_count=it.attempts,
        attempted=it.attempts > 0,
        auto_advance=False,
        automatic_tax={"enabled": False},
        billing_reason=it.billing_reason,
        collection_method="charge_automatically",
        currency=it.currency.lower(),
        customer=it.customer,
        customer_email=None,
        description=None,
        discounts=discount,
        due_date=at(it.due_date),
        ending_balance=0,
        lines=nested(f"/v1/invoices/{it.id}/lines", lines(account, it)),
        metadata={},
        number=it.number,
        parent=parent or None,
        period_end=at(it.created),
        period_start=at(it.created),
        post_payment_credit_notes_amount=of(it.credited_after),
        pre_payment_credit_notes_amount=of(it.credited_before),
        starting_balance=0,
        status=it.status,
        status_transitions={
            "finalized_at": at(it.finalized_at),
            "marked_uncollectible_at": None,
            "paid_at": at(it.paid_at),
            "voided_at": at(it.voided_at),
        },
        subtotal=of(it.subtotal),
        subtotal_excluding_tax=of(it.subtotal),
        total=of(it.total),
        total_discount_amounts=[{"amount": of(it.discount), "discount": discount[0]}]
        if discount and it.discount
        else [],
        total_excluding_tax=of(it.total),
        total_taxes=[],
    )


def _invoice_payment(account: Account, it: model.InvoicePayment) -> Json:
    return _base(
        it,
        amount_paid=_amount(it.paid, it.currency),
        amount_requested=minor(it.requested, it.currency),
        currency=it.currency.lower(),
        invoice=it.invoice,
        is_default=it.is_default,
        payment={"type": "payment_intent", "payment_intent": it.intent},
        status=it.status,
        status_transitions={"canceled_at": None, "paid_at": at(it.paid_at)},
    )


def credit_lines(account: Account, it: model.CreditNote) -> list[Json]:
    """Returns all lines of a credit note."""
    return [
        {
            "id": line.id,
            "object": "credit_note_line_item",
            "amount": minor(line.amount, line.currency),
            "description": line.description,
            "discount_amount": 0,
            "discount_amounts": [],
            "invoice_line_item": line.invoice_line,
            "livemode": True,
            "quantity": line.quantity,
            "tax_rates": [],
            "taxes": [],
            "type": "invoice_line_item" if line.invoice_line else "custom_line_item",
            "unit_amount": None,
            "unit_amount_decimal": None,
        }
        for line in it.lines
    ]


def _credit_note(account: Account, it: model.CreditNote) -> Json:
    amount = minor(it.amount, it.currency)
    before = it.type == "pre_payment"
    return _base(
        it,
        amount=amount,
        amount_shipping=0,
        currency=it.currency.lower(),
        customer=it.customer,
        customer_balance_transaction=None,
        discount_amount=0,
        discount_amounts=[],
        effective_at=at(it.created),
        invoice=it.invoice,
        lines=nested(f"/v1/credit_notes/{it.id}/lines", credit_lines(account, it)),
        memo=None,
        metadata={},
        number=it.number,
        out_of_band_amount=None,
        post_payment_amount=0 if before else amount,
        pre_payment_amount=amount if before else 0,
        reason=it.reason,
        refunds=[
            {"amount_refunded": minor(amount, it.currency), "refund": refund, "type": "refund"}
            for refund, amount in it.refunds
        ],
        shipping_cost=None,
        status=it.status,
        subtotal=amount,
        subtotal_excluding_tax=amount,
        total=amount,
        total_excluding_tax=amount,
        total_taxes=[],
        type=it.type,
        voided_at=at(it.voided_at),
    )


def _event(account: Account, it: model.Event) -> Json:
    return _base(
        it,
        api_version=API_VERSION,
        data={"object": it.data},
        pending_webhooks=0,
        request={"id": None, "idempotency_key": None},
        type=it.type,
    )


_RENDERERS: dict[type[Thing], Callable[[Account, Any], Json]] = {
    model.Customer: _customer,
    model.Product: _product,
    model.Price: _price,
    model.Coupon: _coupon,
    model.Intent: _intent,
    model.Charge: _charge,
    model.Refund: _refund,
    model.Dispute: _dispute,
    model.Movement: _movement,
    model.Item: _item,
    model.Subscription: _subscription,
    model.Invoice: _invoice,
    model.InvoicePayment: _invoice_payment,
    model.CreditNote: _credit_note,
    model.Event: _event,
}


def render(account: Account, thing: Thing) -> Json:
    """Returns an object as the API has it now."""
    return _RENDERERS[type(thing)](account, thing)


def tombstone(object_type: str, thing_id: str) -> Json:
    """Returns what is left of a deleted object."""
    return {"id": thing_id, "object": object_type, "deleted": True}
