"""How the money at Stripe is tied to the orders of a company's site.

The gateway writes Stripe's ids into the order and the order's key into Stripe's metadata. Both
sides derive them from the order, so that two stand-ins in two processes agree.
"""

from __future__ import annotations

import hashlib

from demo.stores.business.model import Order, Transaction
from demo.stores.business.orders import STRIPE
from demo.stores.business.profiles import Profile

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def site_url(profile: Profile) -> str:
    """Returns the address of a company's site."""
    return f"https://{profile.company}-records.example.com"


def order_key(order: Order) -> str:
    """Returns the key by which a buyer reaches the order: 13 letters and digits after a prefix."""
    return f"wc_order_{_code(f'key {_name(order)}', 13)}"


def intent_id(order: Order) -> str:
    """Returns the id of the payment intent at Stripe; an order has one, however often it is tried.

    It is that of an order that was to be paid by the gateway stripe.
    """
    return f"pi_3{_code(f'intent {_name(order)}', 23)}"


def charge_id(transaction: Transaction) -> str:
    """Returns the id of the charge at Stripe of a sale, an authorization, or its capture.

    A capture is of the charge that was authorized.
    """
    return f"ch_3{_code(f'charge {transaction.parent_id or transaction.id}', 23)}"


def paid_by_stripe(order: Order) -> bool:
    """Says whether the order was to be paid by the gateway stripe, however that ended."""
    return any(each.gateway == STRIPE for each in order.transactions)


def _name(order: Order) -> str:
    # The ids of two sites are the same small numbers; the times are not.
    return f"{order.id} {order.created_at.isoformat()} {order.email}"


def _code(name: str, length: int) -> str:
    number = int.from_bytes(hashlib.sha256(name.encode()).digest())
    letters = []
    for _ in range(length):
        number, place = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[place])
    return "".join(letters)
