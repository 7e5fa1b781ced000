"""Customers and their merges."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLResolveInfo

from demo.stores.business.model import Customer, Merge, Order
from demo.stores.business.money import total
from demo.stores.shopify.graph import Context, Rows, Thing, in_order, simple, table
from demo.stores.shopify.lists import is_visible, order_rows, orders_by_customer
from demo.stores.shopify.tables.orders import address
from demo.stores.shopify.values import gid, money, stamp


def _orders(context: Context, customer: Customer) -> list[Order]:
    return [each for each in _all_orders(context, customer) if is_visible(context, each)]


def _all_orders(context: Context, customer: Customer) -> list[Order]:
    return orders_by_customer(context).get(customer.id, [])


def _paged_orders(
    thing: Thing, context: Context, info: GraphQLResolveInfo, args: dict[str, Any]
) -> Rows:
    return order_rows(context, info, args, _orders(context, thing.value))


def _last_order(thing: Thing, context: Context, *_rest: Any) -> Thing | None:
    found = _orders(context, thing.value)
    return Thing("Order", max(found, key=lambda each: each.processed_at)) if found else None


def _spent(thing: Thing, context: Context, *_rest: Any) -> dict[str, str]:
    paid = [each for each in _all_orders(context, thing.value) if not each.test]
    amount = total(each.received - each.refunded for each in paid)
    return money(amount.shop, context.shop.profile.currency)


def _email(customer: Customer) -> dict[str, Any] | None:
    if customer.email is None:
        return None
    return {
        "emailAddress": customer.email,
        "marketingState": "SUBSCRIBED" if customer.subscribed else "NOT_SUBSCRIBED",
        "marketingOptInLevel": "SINGLE_OPT_IN" if customer.subscribed else None,
        "marketingUpdatedAt": stamp(customer.created_at) if customer.subscribed else None,
        "openTrackingLevel": "UNKNOWN",
        "validFormat": True,
    }


def _phone(customer: Customer) -> dict[str, Any] | None:
    if customer.phone is None:
        return None
    return {"phoneNumber": customer.phone, "marketingState": "NOT_SUBSCRIBED"}


table(
    "Customer",
    {
        **simple(
            id=lambda c: gid("Customer", c.id),
            legacyResourceId=lambda c: str(c.id),
            firstName=lambda c: c.first_name,
            lastName=lambda c: c.last_name,
            displayName=lambda c: f"{c.first_name} {c.last_name}",
            email=lambda c: c.email,
            phone=lambda c: c.phone,
            defaultEmailAddress=_email,
            defaultPhoneNumber=_phone,
            createdAt=lambda c: stamp(c.created_at),
            updatedAt=lambda c: stamp(c.updated_at),
            note=lambda c: c.note,
            tags=lambda c: c.tags,
            state=lambda c: c.state,
            locale=lambda c: c.locale,
            taxExempt=lambda _c: False,
            dataSaleOptOut=lambda _c: False,
            verifiedEmail=lambda c: c.email is not None,
            validEmailAddress=lambda c: c.email is not None,
            hasTimelineComment=lambda _c: False,
            productSubscriberStatus=lambda _c: "NEVER_SUBSCRIBED",
            defaultAddress=lambda c: address(c.address),
            addresses=lambda c: [address(c.address)] if c.address else [],
            mergeable=lambda _c: {"isMergeable": True, "errorFields": []},
            statistics=lambda _c: {},
        ),
        "addressesV2": lambda thing, *_rest: in_order(
            [address(thing.value.address)] if thing.value.address else []
        ),
        "amountSpent": _spent,
        "numberOfOrders": lambda thing, context, *_rest: str(
            len(_all_orders(context, thing.value))
        ),
        "canDelete": lambda thing, context, *_rest: not _all_orders(context, thing.value),
        "lastOrder": _last_order,
        "orders": _paged_orders,
        "lifetimeDuration": lambda thing, context, *_rest: (
            f"{(context.shop.now - thing.value.created_at).days} days"
        ),
    },
)


def merge_request(found: Merge) -> dict[str, Any]:
    """Returns a CustomerMergeRequest."""
    return {
        "jobId": gid("Job", found.job_id),
        "resultingCustomerId": gid("Customer", found.into_id),
        "status": "COMPLETED",
        "customerMergeErrors": [],
    }
