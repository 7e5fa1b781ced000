"""The changes that can be ordered over the control plane, by name."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from demo.stores.square.model import Seller

Json = dict[str, Any]


def change(seller: Seller, order: Json) -> Json:
    """Makes an ordered change, a minute later unless it says how many `seconds`.

    Raises:
        LookupError: What it names isn't there.
        ValueError: There is no such change, or it can't be made.
    """
    order = dict(order)
    action = order.pop("action", None)
    seller.now += timedelta(seconds=order.pop("seconds", 60))
    seller.version += 1
    match action:
        case "advance":
            return {"now": seller.now.isoformat()}
        case "add_payments":
            location = seller.locations[order.get("location", 0)]
            made = [
                seller.pay(
                    location,
                    Decimal(order.get("amount", "12.50")),
                    seller.now,
                    "CARD",
                    order.get("status", "COMPLETED"),
                ).id
                for _ in range(order.get("count", 1))
            ]
            return {"ids": made}
        case "complete":
            payment = seller.payments[order["id"]]
            payment.tip = Decimal(order.get("tip", "0"))
            seller.complete(payment, seller.now)
            return {"id": payment.id}
        case "touch":
            payment = seller.payments[order["id"]]
            payment.email, payment.updated = order.get("email"), seller.now
            return {"id": payment.id}
        case "refund":
            payment = seller.payments[order["id"]]
            made_refund = seller.refund(payment, Decimal(order["amount"]), seller.now, "PENDING")
            return {"id": made_refund.id}
        case "settle":
            refund = seller.refunds[order["id"]]
            seller.settle(refund, order.get("status", "COMPLETED"), seller.now)
            return {"id": refund.id}
    raise ValueError(f"no such change: {action}")
