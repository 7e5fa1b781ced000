"""The payments of a shop's orders, as a card gateway made them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from demo.stores.business.model import Order, Refund, Shop, Transaction
from demo.stores.business.orders import STRIPE
from demo.stores.business.payments import charge_id, intent_id, order_key, site_url
from demo.stores.stripe import payments
from demo.stores.stripe.model import Account, Charge, Intent, made_id

_ERRORS = {
    "CARD_DECLINED": "card_declined",
    "EXPIRED_CARD": "expired_card",
    "INCORRECT_CVC": "incorrect_cvc",
    "INSUFFICIENT_FUNDS": "insufficient_funds",
}
_REASONS = {"FRAUDULENT": "fraudulent", "PRODUCT_NOT_RECEIVED": "product_not_received"}
_STATUSES = {
    "WON": "won",
    "LOST": "lost",
    "NEEDS_RESPONSE": "needs_response",
    "UNDER_REVIEW": "under_review",
}


def pay_orders(account: Account, shop: Shop) -> None:
    """Adds what a shop's card payments, refunds and disputes have left in the account.

    An order paid otherwise leaves nothing. The gateway makes no customers for guests, and none here
    for anybody, so payments are told apart by their metadata alone.
    """
    disputes = {each.order_id: each for each in shop.disputes.values()}
    for order in shop.orders.values():
        cards = [each for each in order.transactions if each.gateway == STRIPE]
        if order.test or not any(each.kind in {"SALE", "AUTHORIZATION"} for each in cards):
            continue
        charges = _pay(account, shop, order, cards)
        _give_back(account, order, cards, charges)
        dispute = disputes.get(order.id)
        paid = [each for each in charges.values() if each.captured]
        if dispute is None or not paid:
            continue
        found = payments.complain(
            account,
            paid[-1],
            dispute.initiated_at,
            made_id("du", account.company, dispute.id),
            _REASONS.get(dispute.reason, "general"),
        )
        found.status = _STATUSES[dispute.status]
        if dispute.finalized_at is not None:
            payments.decide(account, found, dispute.status == "WON", dispute.finalized_at)


def _pay(account: Account, shop: Shop, order: Order, cards: list[Transaction]) -> dict[int, Charge]:
    """Adds the intent of an order and its charges, by their transaction."""
    tried = [each for each in cards if each.kind in {"SALE", "AUTHORIZATION"}]
    currency = order.currencies.presentment
    intent = Intent(
        id=intent_id(order),
        created=min(each.created_at for each in tried) - timedelta(seconds=2),
        amount=tried[-1].amount.presentment,
        currency=currency,
        status="requires_payment_method",
        customer=None,
        description=f"{shop.profile.name} - Order {order.number}",
        metadata={
            "order_id": str(order.number),
            "order_key": order_key(order),
            "site_url": site_url(shop.profile),
            "payment_type": "single",
        },
    )
    account.add(intent)
    payments.emit(account, "payment_intent.created", intent, intent.created)
    captures = {each.parent_id: each for each in cards if each.kind == "CAPTURE"}
    charges: dict[int, Charge] = {}
    for each in tried:
        capture = captures.get(each.id)
        charges[each.id] = charge = payments.pay(
            account,
            each.amount.presentment,
            currency,
            each.created_at,
            intent=intent,
            charge_id=charge_id(each),
            failure=_ERRORS.get(each.error or "", "card_declined")
            if each.status == "FAILURE"
            else None,
            email=order.email,
            country=order.address.country_code if order.address else None,
            captured_at=capture.created_at if capture else None,
            capture=each.kind == "SALE" or capture is not None,
        )
        if capture is not None:
            charges[capture.id] = charge
    voids = [each for each in cards if each.kind == "VOID"]
    if voids:
        intent.status, intent.canceled_at = "canceled", voids[0].created_at
        payments.emit(account, "payment_intent.canceled", intent, voids[0].created_at)
    return charges


def _give_back(
    account: Account, order: Order, cards: list[Transaction], charges: dict[int, Charge]
) -> None:
    reasons: dict[int, Refund] = {each.id: each for each in order.refunds}
    for each in cards:
        if each.kind != "REFUND":
            continue
        charge = charges.get(each.parent_id or 0) or next(
            (found for found in charges.values() if found.captured), None
        )
        amount = each.amount.presentment
        if charge is None or amount > charge.captured - charge.refunded or amount == Decimal(0):
            continue
        payments.give_back(
            account,
            charge,
            amount,
            each.created_at,
            made_id("re", account.company, each.id),
            reason="requested_by_customer" if each.refund_id in reasons else None,
            status="failed" if each.status == "FAILURE" else "succeeded",
        )
