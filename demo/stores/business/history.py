"""What happens to an order after it was placed, until the data end."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from demo.stores.business.model import Dispute, Order, Shop
from demo.stores.business.money import ZERO, rounded
from demo.stores.business.orders import CARD_GATEWAYS, refund, transact

_ERRORS = ("CARD_DECLINED", "EXPIRED_CARD", "INCORRECT_CVC", "INSUFFICIENT_FUNDS")
_RESTOCKS = ("RETURN", "RETURN", "NO_RESTOCK", "CANCEL")


Pay = Callable[[Shop, random.Random, Order, datetime], None]


def live(
    shop: Shop,
    rng: random.Random,
    order: Order,
    end: datetime,
    pay: Pay | None = None,
) -> None:
    """Lets the order be paid, shipped, cancelled, returned, disputed; nothing is after `end`.

    It is paid as in a Shopify shop unless `pay` does it otherwise.
    """
    (pay or _pay)(shop, rng, order, end)
    if order.received != ZERO or order.price == ZERO:
        _ship_and_return(shop, rng, order, end)
    moments = [
        order.created_at,
        *(each.created_at for each in order.transactions),
        *(each.created_at for each in order.refunds),
        *(each for each in (order.cancelled_at, order.fulfilled_at) if each),
    ]
    order.updated_at = max(moments)


def _pay(shop: Shop, rng: random.Random, order: Order, end: datetime) -> None:
    due, at = order.price, order.created_at
    if due == ZERO:
        return
    drawn = rng.random()
    if drawn < 0.04:
        for attempt in range(rng.randrange(1, 3)):
            failed = at - timedelta(minutes=10 - attempt)
            error = rng.choice(_ERRORS)
            transact(shop, order, "SALE", due, failed, status="FAILURE", error=error)
    if drawn < 0.015:
        transact(shop, order, "SALE", due, at, status="PENDING", gateway="bank_transfer")
    elif drawn < 0.025:
        transact(shop, order, "AUTHORIZATION", due, at)
        voided = at + timedelta(days=6)
        if voided <= end:
            authorization = order.transactions[-1]
            transact(shop, order, "VOID", due, voided, parent=authorization)
            order.cancelled_at, order.cancel_reason = voided, "FRAUD"
    elif drawn < 0.17:
        authorization = transact(shop, order, "AUTHORIZATION", due, at)
        captured = at + timedelta(hours=rng.randrange(2, 70))
        if captured <= end:
            transact(shop, order, "CAPTURE", due, captured, parent=authorization)
    elif drawn < 0.20:
        gift = order.currencies.scaled(due, Decimal("0.4"))
        transact(shop, order, "SALE", gift, at, gateway="gift_card")
        transact(shop, order, "SALE", due - gift, at)
    elif drawn < 0.34:
        transact(shop, order, "SALE", due, at, gateway="paypal")
    elif order.channel == "pos" and drawn < 0.6:
        transact(shop, order, "SALE", due, at, gateway="cash")
    else:
        transact(shop, order, "SALE", due, at)


def _ship_and_return(shop: Shop, rng: random.Random, order: Order, end: datetime) -> None:
    # What comes back comes back over a payment, so nothing is undone before the last of them.
    paid = max((each.created_at for each in order.transactions), default=order.created_at)
    shipped = paid + timedelta(hours=rng.randrange(4, 90))
    drawn = rng.random()
    if drawn < 0.015:
        cancelled = paid + timedelta(hours=rng.randrange(1, 30))
        if cancelled <= end:
            order.cancelled_at = cancelled
            order.cancel_reason = rng.choice(("CUSTOMER", "INVENTORY", "OTHER"))
            everything = {line.id: line.quantity for line in order.lines}
            refund(shop, order, cancelled, everything, restock="CANCEL", with_shipping=True)
        return
    if shipped <= end:
        order.fulfilled_at = shipped
    if drawn < 0.075:
        _return(shop, rng, order, shipped, end)
    elif drawn < 0.08 and any(each.gateway in CARD_GATEWAYS for each in order.transactions):
        _dispute(shop, rng, order, end)


def _return(shop: Shop, rng: random.Random, order: Order, shipped: datetime, end: datetime) -> None:
    at = shipped + timedelta(days=rng.randrange(3, 25), minutes=rng.randrange(1440))
    if at > end:
        return
    drawn = rng.random()
    restock = rng.choice(_RESTOCKS)
    if drawn < 0.35:
        everything = {line.id: line.quantity for line in order.lines}
        refund(shop, order, at, everything, restock=restock, with_shipping=rng.random() < 0.5)
    elif drawn < 0.85:
        line = rng.choice(order.lines)
        refund(shop, order, at, {line.id: rng.randint(1, line.quantity)}, restock=restock)
        again = at + timedelta(days=rng.randrange(1, 20))
        left = [line for line in order.lines if line.current_quantity]
        if rng.random() < 0.3 and left and again <= end:
            other = rng.choice(left)
            refund(shop, order, again, {other.id: 1}, restock="NO_RESTOCK")
    else:
        goodwill = order.currencies.scaled(order.received, Decimal("0.15"))
        refund(shop, order, at, {}, goodwill=goodwill)
    if rng.random() < 0.05 and order.received != ZERO:
        failed = order.currencies.scaled(order.received, Decimal("0.1"))
        gateway = next(each.gateway for each in order.transactions if each.status == "SUCCESS")
        error = "PROCESSING_ERROR"
        transact(shop, order, "REFUND", failed, at, status="FAILURE", gateway=gateway, error=error)


def _dispute(shop: Shop, rng: random.Random, order: Order, end: datetime) -> None:
    opened = order.created_at + timedelta(days=rng.randrange(8, 60))
    if opened > end:
        return
    decided = opened + timedelta(days=rng.randrange(20, 75))
    inquiry = rng.random() < 0.2
    status = rng.choice(("WON", "LOST", "LOST"))
    if decided > end:
        status = rng.choice(("NEEDS_RESPONSE", "UNDER_REVIEW"))
    dispute_id = shop.ids.next("dispute")
    shop.disputes[dispute_id] = Dispute(
        id=dispute_id,
        order_id=order.id,
        amount=rounded(order.received.shop, shop.profile.currency),
        kind="INQUIRY" if inquiry else "CHARGEBACK",
        status=status,
        reason=rng.choice(("FRAUDULENT", "PRODUCT_NOT_RECEIVED", "UNRECOGNIZED")),
        initiated_at=opened,
        finalized_at=decided if decided <= end else None,
    )
