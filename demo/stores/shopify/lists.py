"""The shop's lists as a query sees them: visible, searched, sorted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from demo.stores.business.model import Order
from demo.stores.shopify.access import ALL_ORDERS
from demo.stores.shopify.connections import DEPTH_LIMIT, Row
from demo.stores.shopify.graph import Context, Rows, Thing, time_key
from demo.stores.shopify.search import Field

# Older orders need a scope of their own.
ORDER_WINDOW = timedelta(days=60)

SortKeys = Mapping[str, Callable[[Any], str | int]]


def visible_orders(context: Context) -> Iterable[Order]:
    """Yields the orders that the token may see."""
    orders = context.shop.orders.values()
    if ALL_ORDERS in context.scopes:
        return orders
    return [each for each in orders if is_visible(context, each)]


def is_visible(context: Context, order: Order) -> bool:
    """Tells whether the token may see an order."""
    return ALL_ORDERS in context.scopes or order.created_at >= context.shop.now - ORDER_WINDOW


def orders_by_customer(context: Context) -> dict[int | None, list[Order]]:
    """Groups all orders by their customer's id; kept until the shop changes."""

    def grouped() -> dict[int | None, list[Order]]:
        found: dict[int | None, list[Order]] = {}
        for order in context.shop.orders.values():
            found.setdefault(order.customer_id, []).append(order)
        return found

    return context.kept("orders by customer", grouped)


def rows(
    context: Context,
    info: GraphQLResolveInfo,
    args: dict[str, Any],
    things: Iterable[Thing],
    keys: SortKeys,
    fields: Mapping[str, Field],
    default: str = "ID",
) -> Rows:
    """Searches and sorts a list.

    Sorted lists are kept until the shop changes, as sorting is what a page costs most.

    Raises:
        GraphQLError: A sort key that the stand-in can't sort by.
    """
    name = args.get("sortKey") or default
    if name not in keys:
        raise GraphQLError(
            f"The stand-in can't sort by {name}", extensions={"code": "NOT_IN_STAND_IN"}
        )
    search = context.search(args.get("query"), fields, info)
    if info.parent_type.name != "QueryRoot":
        return Rows(_sorted(things, keys[name], search.keeps))
    place = (
        context.scopes,
        info.field_name,
        name,
        args.get("query"),
        str(args.get("subjectTypes")),
    )
    found = context.kept(place, lambda: _sorted(things, keys[name], search.keeps))
    return Rows(found, DEPTH_LIMIT)


def _sorted(
    things: Iterable[Thing], key: Callable[[Any], str | int], keeps: Callable[[Any], bool]
) -> list[Row]:
    kept = [Row(key(each.value), each.value.id, each) for each in things if keeps(each.value)]
    kept.sort(key=lambda row: (row.value, row.id))
    return kept


def count(context: Context, number: int, args: dict[str, Any]) -> dict[str, Any]:
    """Returns a Count: up to the limit exact, beyond it the limit."""
    limit = args.get("limit")
    if limit is not None and number > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": number, "precision": "EXACT"}


def _status(order: Order) -> str:
    if order.cancelled_at:
        return "cancelled"
    return "closed" if order.fulfilled_at else "open"


ORDER_SEARCH = {
    "id": Field("number", lambda o: o.id),
    "name": Field("text", lambda o: f"#{o.number}"),
    "email": Field("text", lambda o: o.email),
    "created_at": Field("time", lambda o: o.created_at),
    "processed_at": Field("time", lambda o: o.processed_at),
    "updated_at": Field("time", lambda o: o.updated_at),
    "customer_id": Field("number", lambda o: o.customer_id),
    "financial_status": Field("text", lambda o: o.financial_status),
    "fulfillment_status": Field("text", lambda o: "fulfilled" if o.fulfilled_at else "unfulfilled"),
    "status": Field("text", _status),
    "source_name": Field("text", lambda o: o.channel),
    "tag": Field("texts", lambda o: o.tags),
    "test": Field("flag", lambda o: o.test),
    "discount_code": Field("texts", lambda o: [each.title for each in o.applications]),
    "sku": Field("texts", lambda o: [line.sku for line in o.lines]),
}

ORDER_SORT: SortKeys = {
    "ID": lambda o: o.id,
    "CREATED_AT": lambda o: time_key(o.created_at),
    "PROCESSED_AT": lambda o: time_key(o.processed_at),
    "UPDATED_AT": lambda o: time_key(o.updated_at),
    "ORDER_NUMBER": lambda o: o.number,
    "TOTAL_PRICE": lambda o: int(o.price.shop * 1000),
    "CURRENT_TOTAL_PRICE": lambda o: int(o.current_price.shop * 1000),
    "FINANCIAL_STATUS": lambda o: o.financial_status,
    "TOTAL_ITEMS_QUANTITY": lambda o: sum(line.quantity for line in o.lines),
}


def order_rows(
    context: Context, info: GraphQLResolveInfo, args: dict[str, Any], orders: Iterable[Order]
) -> Rows:
    """Searches and sorts orders; the root's own order is by processing, a customer's by id."""
    default = "ID" if info.parent_type.name == "Customer" else "PROCESSED_AT"
    things = (Thing("Order", each) for each in orders)
    return rows(context, info, args, things, ORDER_SORT, ORDER_SEARCH, default)
