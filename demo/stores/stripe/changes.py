"""What can be ordered to happen in an account while somebody reads it, by name.

Each change moves the account's clock on by a second.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from demo.stores.stripe import billing, payments
from demo.stores.stripe.model import Account, Intent, Price, Product, made_id
from demo.stores.stripe.payments import emit

Json = dict[str, Any]

#: What can be deleted, its event, and whether asking for it by id still answers.
DELETABLE = {
    "customers": ("customer.deleted", True),
    "products": ("product.deleted", True),
    "coupons": ("coupon.deleted", False),
    "invoices": ("invoice.deleted", False),
}


def tick(account: Account, seconds: int = 1) -> None:
    """Moves the clock and counts a change."""
    account.now += timedelta(seconds=seconds)
    account.version += 1


def _find(account: Account, collection: str, thing_id: str) -> Any:
    if thing_id not in account.of(collection):
        raise LookupError(f"no {thing_id} among the {collection}")
    return account.of(collection)[thing_id]


def _add_payments(account: Account, order: Json) -> Json:
    made = []
    for _ in range(int(order.get("count", 1))):
        tick(account, int(order.get("seconds", 1)))
        at = account.now
        currency = order.get("currency", account.currency)
        number = len(account.of("payment_intents"))
        amount = Decimal(str(order.get("amount", "25.00")))
        intent = Intent(
            id=made_id("pi", account.company, "later", number),
            created=at,
            amount=amount,
            currency=currency,
            status="requires_payment_method",
            customer=order.get("customer"),
            metadata={"later": str(number)},
        )
        account.add(intent)
        emit(account, "payment_intent.created", intent, at)
        charge = payments.pay(
            account, amount, currency, at, intent=intent, charge_id=made_id("ch", intent.id)
        )
        made.append(charge.id)
    return {"ids": made}


def _add_customers(account: Account, order: Json) -> Json:
    made = []
    for _ in range(int(order.get("count", 1))):
        tick(account, int(order.get("seconds", 1)))
        number = 20_000 + len(account.of("customers")) + len(account.deleted)
        rng = random.Random(f"{account.company}:later:{number}")
        customer = billing.new_customer(account, rng, number, account.now, account.currency)
        made.append(customer.id)
    return {"ids": made}


def _edit(account: Account, order: Json) -> Json:
    tick(account, int(order.get("seconds", 1)))
    collection, at = order["entity"], account.now
    thing = _find(account, collection, order["id"])
    if collection == "customers":
        thing.name = order.get("name", thing.name)
        thing.email = order.get("email", thing.email)
        emit(account, "customer.updated", thing, at)
    elif collection == "products":
        thing.name, thing.updated = order["name"], at
        emit(account, "product.updated", thing, at)
    elif collection == "prices":
        thing.active = bool(order["active"])
        emit(account, "price.updated", thing, at)
    elif collection == "charges":
        thing.metadata |= order["metadata"]
        emit(account, "charge.updated", thing, at)
    else:
        raise ValueError(f"{collection} can't be edited")
    return {"id": thing.id}


def _refund(account: Account, order: Json) -> Json:
    tick(account)
    charge = _find(account, "charges", order["id"])
    left = charge.captured - charge.refunded
    amount = Decimal(str(order["amount"])) if "amount" in order else left
    refund_id = made_id("re", charge.id, len(account.of("refunds")))
    refund = payments.give_back(
        account, charge, amount, account.now, refund_id, status=order.get("status", "succeeded")
    )
    return {"id": refund.id}


def _fail_refund(account: Account, order: Json) -> Json:
    tick(account)
    payments.fail_refund(account, _find(account, "refunds", order["id"]), account.now)
    return {"id": order["id"]}


def _dispute(account: Account, order: Json) -> Json:
    tick(account)
    charge = _find(account, "charges", order["id"])
    return {"id": payments.complain(account, charge, account.now, made_id("du", charge.id)).id}


def _decide(account: Account, order: Json) -> Json:
    tick(account)
    dispute = _find(account, "disputes", order["id"])
    payments.decide(account, dispute, bool(order["won"]), account.now)
    return {"id": dispute.id}


def _subscribe(account: Account, order: Json) -> Json:
    tick(account)
    customer = _find(account, "customers", order["customer"])
    currency = order.get("currency", account.currency)
    price = billing.price_of(account, order.get("plan", "Collector"), currency)
    made = billing.subscribe(account, customer, price, account.now, coupon=order.get("coupon"))
    return {"id": made.id}


def _upgrade(account: Account, order: Json) -> Json:
    tick(account)
    subscription = _find(account, "subscriptions", order["id"])
    if subscription.items[0].period_end < account.now + timedelta(days=10):
        # Otherwise hardly anything would be left to charge.
        billing.renew(account, subscription, account.now)
        tick(account)
    invoice = billing.upgrade(account, subscription, order.get("plan", "Archive"), account.now)
    return {"id": invoice.id}


def _renew(account: Account, order: Json) -> Json:
    tick(account)
    subscription = _find(account, "subscriptions", order["id"])
    invoice = billing.renew(account, subscription, account.now, fails=bool(order.get("fails")))
    return {"id": invoice.id}


def _cancel(account: Account, order: Json) -> Json:
    tick(account)
    billing.cancel(account, _find(account, "subscriptions", order["id"]), account.now)
    return {"id": order["id"]}


def _drop_item(account: Account, order: Json) -> Json:
    """Takes one of several items off a subscription."""
    tick(account)
    subscription = _find(account, "subscriptions", order["id"])
    if len(subscription.items) == 1:
        raise ValueError(f"{subscription.id} has one item only")
    gone = subscription.items.pop()
    emit(account, "customer.subscription.updated", subscription, account.now)
    return {"id": gone.id}


def _collect(account: Account, order: Json) -> Json:
    tick(account)
    invoice = _find(account, "invoices", order["id"])
    left = invoice.due - invoice.paid
    billing.collect(account, invoice, Decimal(str(order.get("amount", left))), account.now)
    return {"id": invoice.id}


def _credit(account: Account, order: Json) -> Json:
    tick(account)
    invoice = _find(account, "invoices", order["id"])
    note = billing.credit(account, invoice, Decimal(str(order["amount"])), account.now)
    return {"id": note.id}


def _void_note(account: Account, order: Json) -> Json:
    tick(account)
    note = _find(account, "credit_notes", order["id"])
    note.status, note.voided_at = "void", account.now
    emit(account, "credit_note.voided", note, account.now)
    return {"id": note.id}


def _add_product(account: Account, order: Json) -> Json:
    tick(account)
    at = account.now
    product = Product(
        id=made_id("prod", account.company, "later", account.version),
        created=at,
        name=order.get("name", "Later"),
        updated=at,
    )
    account.add(product)
    emit(account, "product.created", product, at)
    price = Price(
        id=made_id("price", product.id),
        created=at,
        product=product.id,
        currency=order.get("currency", account.currency),
        amount=Decimal(str(order.get("amount", "9.00"))),
        interval=None,
    )
    account.add(price)
    emit(account, "price.created", price, at)
    return {"id": product.id, "price": price.id}


def _delete(account: Account, order: Json) -> Json:
    """Deletes something; a customer's subscriptions end with them."""
    collection, thing_id = order["entity"], order["id"]
    if collection not in DELETABLE:
        raise ValueError(f"{collection} can't be deleted, only {', '.join(DELETABLE)}")
    thing = _find(account, collection, thing_id)
    if collection == "invoices" and thing.status != "draft":
        raise ValueError(f"{thing_id} is {thing.status}; only drafts can be deleted")
    tick(account)
    if collection == "customers":
        for each in account.of("subscriptions").values():
            if each.customer == thing_id and each.status != "canceled":
                billing.cancel(account, each, account.now)
    emit(account, DELETABLE[collection][0], thing, account.now)
    account.remove(collection, thing_id)
    return {"id": thing_id}


def _advance(account: Account, order: Json) -> Json:
    tick(account, int(order["seconds"]))
    return {"now": account.now.isoformat()}


_ACTIONS: dict[str, Callable[[Account, Json], Json]] = {
    "add_payments": _add_payments,
    "add_customers": _add_customers,
    "add_product": _add_product,
    "edit": _edit,
    "refund": _refund,
    "fail_refund": _fail_refund,
    "dispute": _dispute,
    "decide": _decide,
    "subscribe": _subscribe,
    "upgrade": _upgrade,
    "renew": _renew,
    "cancel": _cancel,
    "drop_item": _drop_item,
    "collect": _collect,
    "credit": _credit,
    "void_note": _void_note,
    "delete": _delete,
    "advance": _advance,
}


def change(account: Account, order: Json) -> Json:
    """Makes one change.

    Raises:
        LookupError: Something of that id is not there, or a key of the order is missing.
        ValueError: No such action, or it can't be done.
    """
    action = order.get("action")
    if action not in _ACTIONS:
        raise ValueError(f"no such action: {action}; known are {', '.join(sorted(_ACTIONS))}")
    return _ACTIONS[action](account, order)
