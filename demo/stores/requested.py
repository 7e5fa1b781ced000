"""The changes that can be ordered over the control plane, by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from demo.stores.business import changes
from demo.stores.business.model import Shop
from demo.stores.business.money import ZERO

Json = dict[str, Any]


def number(value: str | int) -> int:
    """Reads a number, or the number at the end of a global id."""
    return int(str(value).rsplit("/", 1)[-1])


def moment(value: str | None) -> datetime | None:
    """Reads a time; without an offset it is UTC."""
    if value is None:
        return None
    at = datetime.fromisoformat(value)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _edit_order(shop: Shop, order: Json) -> Json:
    at = order.get("updated_at")
    found = changes.find_order(shop, number(order["id"]))
    old = found.updated_at
    changes.edit_order(
        shop,
        found.id,
        note=order.get("note"),
        tags=order.get("tags"),
        remove_line=order.get("remove_line"),
        add_line=bool(order.get("add_line")),
        updated_at=old if at == "same" else moment(at),
    )
    return {"id": found.id}


def _edit_customer(shop: Shop, order: Json) -> Json:
    changes.edit_customer(
        shop, number(order["id"]), note=order.get("note"), email=order.get("email")
    )
    return {"id": number(order["id"])}


def _edit_product(shop: Shop, order: Json) -> Json:
    changes.edit_product(shop, number(order["id"]), title=order["title"])
    return {"id": number(order["id"])}


def _add_orders(shop: Shop, order: Json) -> Json:
    made = changes.add_orders(shop, int(order.get("count", 1)), moment(order.get("created_at")))
    return {"ids": [each.id for each in made]}


def _refund_order(shop: Shop, order: Json) -> Json:
    found = changes.find_order(shop, number(order["id"]))
    share = order.get("goodwill_share")
    pieces = order.get("quantities")
    changes.refund_order(
        shop,
        found.id,
        quantities={number(line): int(n) for line, n in pieces.items()} if pieces else None,
        restock=order.get("restock", "RETURN"),
        with_shipping=bool(order.get("with_shipping")),
        goodwill=found.currencies.scaled(found.received, Decimal(str(share))) if share else ZERO,
    )
    return {"id": found.id, "refund_id": found.refunds[-1].id}


def _delete(shop: Shop, order: Json) -> Json:
    changes.delete(shop, order["entity"], number(order["id"]))
    return {"id": number(order["id"])}


def _merge_customers(shop: Shop, order: Json) -> Json:
    merge = changes.merge_customers(
        shop,
        number(order["from"]),
        number(order["into"]),
        touch_orders=bool(order.get("touch_orders")),
    )
    return {"job_id": merge.job_id}


def _trash(shop: Shop, order: Json) -> Json:
    restore = order["action"] == "restore"
    changes.trash(shop, order["entity"], number(order["id"]), restore=restore)
    return {"id": number(order["id"])}


def _delete_refund(shop: Shop, order: Json) -> Json:
    changes.delete_refund(shop, number(order["id"]))
    return {"id": number(order["id"])}


def _edit_variant(shop: Shop, order: Json) -> Json:
    changes.edit_variant(shop, number(order["id"]), Decimal(str(order["price"])))
    return {"id": number(order["id"])}


def _delete_variant(shop: Shop, order: Json) -> Json:
    changes.delete_variant(shop, number(order["id"]))
    return {"id": number(order["id"])}


def _advance(shop: Shop, order: Json) -> Json:
    return {"now": changes.tick(shop, int(order["seconds"])).isoformat()}


_ACTIONS: dict[str, Callable[[Shop, Json], Json]] = {
    "edit_order": _edit_order,
    "edit_customer": _edit_customer,
    "edit_product": _edit_product,
    "add_orders": _add_orders,
    "refund_order": _refund_order,
    "delete": _delete,
    "merge_customers": _merge_customers,
    "trash": _trash,
    "restore": _trash,
    "delete_refund": _delete_refund,
    "edit_variant": _edit_variant,
    "delete_variant": _delete_variant,
    "advance": _advance,
}


def change(shop: Shop, order: Json) -> Json:
    """Makes one change.

    The order holds an ``action`` and what that needs.

    Returns:
        The ids of what was changed or made.

    Raises:
        LookupError: Something of that id is not there, or a key of the order is missing.
        ValueError: No such action, or it can't be done.
    """
    action = order.get("action")
    if action not in _ACTIONS:
        raise ValueError(f"no such action: {action}; known are {', '.join(sorted(_ACTIONS))}")
    return _ACTIONS[action](shop, order)
