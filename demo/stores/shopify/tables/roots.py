"""The fields of QueryRoot and Mutation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from demo.stores.shopify.graph import Context, Read, Rows, Thing, table, time_key
from demo.stores.shopify.lists import (
    ORDER_SEARCH,
    SortKeys,
    count,
    order_rows,
    rows,
    visible_orders,
)
from demo.stores.shopify.search import Field
from demo.stores.shopify.tables.customers import merge_request
from demo.stores.shopify.tables.discounts import DISCOUNT_SEARCH, DISCOUNT_SORT, discount_things
from demo.stores.shopify.tables.payments import dispute_rows, tender_rows
from demo.stores.shopify.tables.products import (
    PRODUCT_SEARCH,
    PRODUCT_SORT,
    VARIANT_SEARCH,
    VARIANT_SORT,
    product_things,
    variant_things,
)
from demo.stores.shopify.tables.shop import (
    DELETION_SEARCH,
    EVENT_SEARCH,
    happenings,
    told_deletions,
    versions,
)
from demo.stores.shopify.values import split_gid

CUSTOMER_SEARCH = {
    "id": Field("number", lambda c: c.id),
    "email": Field("text", lambda c: c.email),
    "first_name": Field("text", lambda c: c.first_name),
    "last_name": Field("text", lambda c: c.last_name),
    "phone": Field("text", lambda c: c.phone),
    "tag": Field("texts", lambda c: c.tags),
    "state": Field("text", lambda c: c.state),
    # Customers call it customer_date and updated_at.
    "customer_date": Field("time", lambda c: c.created_at),
    "updated_at": Field("time", lambda c: c.updated_at),
}
CUSTOMER_SORT: SortKeys = {
    "ID": lambda c: c.id,
    "CREATED_AT": lambda c: time_key(c.created_at),
    "UPDATED_AT": lambda c: time_key(c.updated_at),
    "NAME": lambda c: f"{c.last_name}, {c.first_name}",
}
_BY_TIME: SortKeys = {"ID": lambda each: each.id, "CREATED_AT": lambda each: time_key(each.at)}

Find = Callable[[Context, int], Thing | None]


def _customer_things(context: Context) -> list[Thing]:
    return [Thing("Customer", each) for each in context.shop.customers.values()]


def _find_order(context: Context, number: int) -> Thing | None:
    found = next((each for each in visible_orders(context) if each.id == number), None)
    return Thing("Order", found) if found else None


def _find_in(kind: str, things: Callable[[Context], list[Thing]]) -> Find:
    def find(context: Context, number: int) -> Thing | None:
        return next(
            (
                Thing(kind, each.value, each.owner)
                for each in things(context)
                if each.value.id == number
            ),
            None,
        )

    return find


def _find_customer(context: Context, number: int) -> Thing | None:
    found = context.shop.customers.get(number)
    return Thing("Customer", found) if found else None


def _find_product(context: Context, number: int) -> Thing | None:
    found = context.shop.products.get(number)
    return Thing("Product", found) if found else None


def _parts(kind: str, of: str) -> Find:
    def find(context: Context, number: int) -> Thing | None:
        for order in visible_orders(context):
            for each in getattr(order, of):
                if each.id == number:
                    return Thing(kind, each, order)
        return None

    return find


def _find_dispute(context: Context, number: int) -> Thing | None:
    found = context.shop.disputes.get(number)
    return Thing("ShopifyPaymentsDispute", found) if found else None


def _find_bulk(context: Context, number: int) -> Thing | None:
    found = context.desk.operations.get(number)
    return Thing("BulkOperation", found) if found else None


_FINDERS: dict[str, Find] = {
    "Order": _find_order,
    "Customer": _find_customer,
    "Product": _find_product,
    "ProductVariant": _find_in("ProductVariant", variant_things),
    "InventoryItem": _find_in("InventoryItem", variant_things),
    "Refund": _parts("Refund", "refunds"),
    "LineItem": _parts("LineItem", "lines"),
    "OrderTransaction": _parts("OrderTransaction", "transactions"),
    "ShopifyPaymentsDispute": _find_dispute,
    "BulkOperation": _find_bulk,
    **{
        kind: _find_in(kind, lambda context, kind=kind: discount_things(context, kind))  # type: ignore[misc]
        for kind in ("DiscountNode", "DiscountCodeNode", "DiscountAutomaticNode")
    },
}


def _find(context: Context, value: str, kind: str | None = None) -> Thing | None:
    """Returns what an id stands for, None if there is no such thing.

    Raises:
        GraphQLError: It is no id, or not one of this kind.
    """
    parts = split_gid(value)
    if parts is None or (kind is not None and parts[0] != kind):
        raise GraphQLError(
            f"Invalid global id '{value}'", extensions={"code": "argumentLiteralsIncompatible"}
        )
    finder = _FINDERS.get(parts[0])
    return finder(context, parts[1]) if finder else None


def _by_id(kind: str) -> Read:
    return lambda _thing, context, _info, args: _find(context, args["id"], kind)


def _listed(
    things: Callable[[Context], list[Thing]],
    keys: SortKeys,
    fields: dict[str, Field],
    default: str = "ID",
) -> Read:
    return lambda _thing, context, info, args: rows(
        context, info, args, things(context), keys, fields, default
    )


def _counted(things: Callable[[Context], list[Thing]], fields: dict[str, Field]) -> Read:
    def read(_thing: Any, context: Context, info: GraphQLResolveInfo, args: dict[str, Any]) -> Any:
        keeps = context.search(args.get("query"), fields, info).keeps
        return count(context, sum(keeps(each.value) for each in things(context)), args)

    return read


def _orders(_thing: Any, context: Context, info: GraphQLResolveInfo, args: dict[str, Any]) -> Rows:
    return order_rows(context, info, args, visible_orders(context))


def _by_order_identifier(
    _thing: Any, context: Context, _info: GraphQLResolveInfo, args: dict[str, Any]
) -> Thing | None:
    value = args["identifier"].get("id")
    return _find(context, value, "Order") if value else None


def _by_customer_identifier(
    _thing: Any, context: Context, _info: GraphQLResolveInfo, args: dict[str, Any]
) -> Thing | None:
    wanted = args["identifier"]
    if wanted.get("id"):
        return _find(context, wanted["id"], "Customer")
    for each in context.shop.customers.values():
        email, phone = wanted.get("emailAddress"), wanted.get("phoneNumber")
        if (email and (each.email or "").lower() == email.lower()) or (
            phone and each.phone == phone
        ):
            return Thing("Customer", each)
    return None


def _deletions(
    _thing: Any, context: Context, info: GraphQLResolveInfo, args: dict[str, Any]
) -> Rows:
    wanted = args.get("subjectTypes")
    things = [
        Thing("DeletionEvent", each)
        for each in told_deletions(context.shop)
        if wanted is None or each.entity.upper() in wanted
    ]
    return rows(context, info, args, things, _BY_TIME, DELETION_SEARCH)


def _merge_status(
    _thing: Any, context: Context, _info: GraphQLResolveInfo, args: dict[str, Any]
) -> dict[str, Any] | None:
    parts = split_gid(args["jobId"])
    for each in context.shop.merges:
        if parts and each.job_id == parts[1]:
            return merge_request(each)
    return None


def _events(context: Context) -> list[Thing]:
    return [Thing("BasicEvent", each) for each in happenings(context.shop)]


def _discounts(kind: str) -> Callable[[Context], list[Thing]]:
    return lambda context: discount_things(context, kind)


def _order_things(context: Context) -> list[Thing]:
    return [Thing("Order", each) for each in visible_orders(context)]


def _latest_bulk(
    _thing: Any, context: Context, _info: GraphQLResolveInfo, args: dict[str, Any]
) -> Thing | None:
    found = list(context.desk.operations.values())
    return Thing("BulkOperation", found[-1]) if found and args.get("type") == "QUERY" else None


def _bulk_things(context: Context) -> list[Thing]:
    return [Thing("BulkOperation", each) for each in context.desk.operations.values()]


_BULK_SEARCH = {
    "id": Field("number", lambda b: b.id),
    "status": Field("text", lambda b: b.status),
    "created_at": Field("time", lambda b: b.created_at),
}
_BULK_SORT: SortKeys = {
    "CREATED_AT": lambda b: time_key(b.created_at),
    "COMPLETED_AT": lambda b: time_key(b.completed_at),
}

table(
    "QueryRoot",
    {
        "orders": _orders,
        "order": _by_id("Order"),
        "orderByIdentifier": _by_order_identifier,
        "ordersCount": _counted(_order_things, ORDER_SEARCH),
        "refund": _by_id("Refund"),
        "customers": _listed(_customer_things, CUSTOMER_SORT, CUSTOMER_SEARCH),
        "customer": _by_id("Customer"),
        "customerByIdentifier": _by_customer_identifier,
        "customersCount": _counted(_customer_things, CUSTOMER_SEARCH),
        "customerMergeJobStatus": _merge_status,
        "products": _listed(product_things, PRODUCT_SORT, PRODUCT_SEARCH),
        "product": _by_id("Product"),
        "productsCount": _counted(product_things, PRODUCT_SEARCH),
        "productVariants": _listed(variant_things, VARIANT_SORT, VARIANT_SEARCH),
        "productVariant": _by_id("ProductVariant"),
        # Seen on the real API: this count ignores every filter, warns, and calls itself exact.
        "productVariantsCount": _counted(variant_things, {}),
        "inventoryItem": _by_id("InventoryItem"),
        "discountNodes": _listed(_discounts("DiscountNode"), DISCOUNT_SORT, DISCOUNT_SEARCH),
        "discountNode": _by_id("DiscountNode"),
        "discountNodesCount": _counted(_discounts("DiscountNode"), DISCOUNT_SEARCH),
        "codeDiscountNodes": _listed(
            _discounts("DiscountCodeNode"), DISCOUNT_SORT, DISCOUNT_SEARCH
        ),
        "codeDiscountNode": _by_id("DiscountCodeNode"),
        "automaticDiscountNodes": _listed(
            _discounts("DiscountAutomaticNode"), DISCOUNT_SORT, DISCOUNT_SEARCH
        ),
        "automaticDiscountNode": _by_id("DiscountAutomaticNode"),
        "disputes": dispute_rows,
        "dispute": _by_id("ShopifyPaymentsDispute"),
        "tenderTransactions": tender_rows,
        "shopifyPaymentsAccount": lambda _thing, context, *_rest: Thing(
            "ShopifyPaymentsAccount", context.shop
        ),
        "deletionEvents": _deletions,
        "events": _listed(_events, _BY_TIME, EVENT_SEARCH),
        "eventsCount": _counted(_events, EVENT_SEARCH),
        "shop": lambda _thing, context, *_rest: Thing("Shop", context.shop),
        "currentAppInstallation": lambda _thing, context, *_rest: Thing(
            "AppInstallation", context.shop
        ),
        "publicApiVersions": lambda *_rest: versions(),
        "node": lambda _thing, context, _info, args: _find(context, args["id"]),
        "nodes": lambda _thing, context, _info, args: [
            _find(context, each) for each in args["ids"]
        ],
        "bulkOperation": _by_id("BulkOperation"),
        "bulkOperations": _listed(_bulk_things, _BULK_SORT, _BULK_SEARCH, "CREATED_AT"),
        "currentBulkOperation": _latest_bulk,
    },
)
table(
    "ShopifyPaymentsAccount",
    {
        "id": lambda *_rest: "gid://shopify/ShopifyPaymentsAccount/7100000001",
        "activated": lambda *_rest: True,
        "onboardable": lambda *_rest: False,
        "country": lambda thing, *_rest: thing.value.profile.country_code,
        "defaultCurrency": lambda thing, *_rest: thing.value.profile.currency,
        "disputes": dispute_rows,
    },
)
table(
    "Mutation",
    {
        "bulkOperationRunQuery": lambda _thing, context, _info, args: context.desk.run(
            context, args["query"], args["groupObjects"]
        ),
        "bulkOperationCancel": lambda _thing, context, _info, args: context.desk.cancel(
            _find(context, args["id"], "BulkOperation")
        ),
    },
)
