"""Disputes and what was tendered."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLResolveInfo

from demo.stores.business.model import Dispute
from demo.stores.shopify.graph import Context, Rows, Thing, simple, table
from demo.stores.shopify.lists import SortKeys, rows, visible_orders
from demo.stores.shopify.search import Field
from demo.stores.shopify.values import gid, money, stamp

DISPUTE_SEARCH = {
    "id": Field("number", lambda d: d.id),
    "initiated_at": Field("time", lambda d: d.initiated_at),
    "status": Field("text", lambda d: d.status),
}
_BY_ID: SortKeys = {"ID": lambda each: each.id}


def dispute_rows(
    _thing: Any, context: Context, info: GraphQLResolveInfo, args: dict[str, Any]
) -> Rows:
    """Lists disputes by id; nothing says when one changed."""
    things = [Thing("ShopifyPaymentsDispute", each) for each in context.shop.disputes.values()]
    return rows(context, info, args, things, _BY_ID, DISPUTE_SEARCH)


def _amount(thing: Thing, context: Context, *_rest: Any) -> dict[str, str]:
    return money(thing.value.amount, context.shop.profile.currency)


def _order(thing: Thing, context: Context, *_rest: Any) -> Thing | None:
    for each in visible_orders(context):
        if each.id == thing.value.order_id:
            return Thing("Order", each)
    return None


def _due(dispute: Dispute) -> str | None:
    return None if dispute.finalized_at else stamp(dispute.initiated_at)


table(
    "ShopifyPaymentsDispute",
    {
        **simple(
            id=lambda d: gid("ShopifyPaymentsDispute", d.id),
            legacyResourceId=lambda d: str(d.id),
            type=lambda d: d.kind,
            status=lambda d: d.status,
            initiatedAt=lambda d: stamp(d.initiated_at),
            finalizedOn=lambda d: stamp(d.finalized_at),
            evidenceDueBy=_due,
            reasonDetails=lambda d: {"reason": d.reason, "networkReasonCode": None},
        ),
        "amount": _amount,
        "order": _order,
    },
)

TENDER_SEARCH = {
    "id": Field("number", lambda t: t.id),
    "processed_at": Field("time", lambda t: t.created_at),
    "test": Field("flag", lambda t: t.test),
}


def tender_rows(
    _thing: Any, context: Context, info: GraphQLResolveInfo, args: dict[str, Any]
) -> Rows:
    """Lists money that moved: successful sales, captures and, negative, refunds."""
    things = [
        Thing("TenderTransaction", each, order)
        for order in visible_orders(context)
        for each in order.transactions
        if each.status == "SUCCESS" and each.kind in {"SALE", "CAPTURE", "REFUND"}
    ]
    return rows(context, info, args, things, _BY_ID, TENDER_SEARCH)


table(
    "TenderTransaction",
    {
        **simple(
            id=lambda t: gid("TenderTransaction", t.id),
            test=lambda t: t.test,
            processedAt=lambda t: stamp(t.created_at),
            paymentMethod=lambda t: t.gateway,
            remoteReference=lambda t: f"r{t.id}",
        ),
        "amount": lambda thing, *_rest: money(
            thing.value.amount.presentment * (-1 if thing.value.kind == "REFUND" else 1),
            thing.owner.currencies.presentment,
        ),
        "order": lambda thing, *_rest: Thing("Order", thing.owner),
    },
)
