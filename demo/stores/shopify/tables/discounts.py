"""Discounts, with and without a code."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from demo.stores.business.model import Discount
from demo.stores.shopify.connections import Row
from demo.stores.shopify.graph import Context, Read, Rows, Thing, simple, table, time_key
from demo.stores.shopify.lists import SortKeys
from demo.stores.shopify.search import Field
from demo.stores.shopify.values import gid, money, stamp

DISCOUNT_SEARCH = {
    "id": Field("number", lambda d: d.id),
    "title": Field("text", lambda d: d.title),
    "code": Field("texts", lambda d: d.codes),
    "method": Field("text", lambda d: "automatic" if d.automatic else "code"),
    "created_at": Field("time", lambda d: d.created_at),
    "updated_at": Field("time", lambda d: d.updated_at),
    "starts_at": Field("time", lambda d: d.starts_at),
    "ends_at": Field("time", lambda d: d.ends_at),
}
DISCOUNT_SORT: SortKeys = {
    "ID": lambda d: d.id,
    "CREATED_AT": lambda d: time_key(d.created_at),
    "UPDATED_AT": lambda d: time_key(d.updated_at),
    "STARTS_AT": lambda d: time_key(d.starts_at),
    "ENDS_AT": lambda d: time_key(d.ends_at),
    "TITLE": lambda d: d.title,
}


def discount_things(context: Context, kind: str) -> list[Thing]:
    """Returns the discounts as nodes of a kind: all, automatic ones, or those with a code."""
    wanted = {"DiscountAutomaticNode": (True,), "DiscountCodeNode": (False,)}
    return [
        Thing(kind, each)
        for each in context.shop.discounts.values()
        if each.automatic in wanted.get(kind, (True, False))
    ]


def _discount(thing: Thing, *_rest: Any) -> Thing:
    found: Discount = thing.value
    method = "Automatic" if found.automatic else "Code"
    return Thing(f"Discount{method}{'FreeShipping' if found.free_shipping else 'Basic'}", found)


for _kind, _field in (
    ("DiscountNode", "discount"),
    ("DiscountCodeNode", "codeDiscount"),
    ("DiscountAutomaticNode", "automaticDiscount"),
):
    table(
        _kind,
        {
            "id": lambda thing, *_rest: gid(thing.type, thing.value.id),
            _field: _discount,
        },
    )


def _status(thing: Thing, context: Context, *_rest: Any) -> str:
    found: Discount = thing.value
    if found.ends_at and found.ends_at <= context.shop.now:
        return "EXPIRED"
    return "ACTIVE" if found.starts_at <= context.shop.now else "SCHEDULED"


def _gets(thing: Thing, context: Context, *_rest: Any) -> dict[str, Any]:
    found: Discount = thing.value
    if found.amount is not None:
        amount = money(found.amount, context.shop.profile.currency)
        value = Thing("DiscountAmount", {"amount": amount, "appliesOnEachItem": False})
    else:
        value = Thing("DiscountPercentage", {"percentage": float(found.percent or Decimal(0))})
    return {"appliesOnOneTimePurchase": True, "appliesOnSubscription": False, "value": value}


table("DiscountAmount", simple(amount=lambda v: v["amount"], appliesOnEachItem=lambda _v: False))
table("DiscountPercentage", simple(percentage=lambda v: v["percentage"]))


def _used(thing: Thing, context: Context) -> int:
    names = {*thing.value.codes, *([thing.value.title] if thing.value.automatic else [])}
    return sum(
        any(each.title in names for each in order.applications)
        for order in context.shop.orders.values()
    )


def _codes(thing: Thing, *_rest: Any) -> Rows:
    found: Discount = thing.value
    first = found.id * 100
    return Rows(
        [
            Row(
                first + place,
                first + place,
                {
                    "id": gid("DiscountRedeemCode", first + place),
                    "code": code,
                    "asyncUsageCount": 0,
                },
            )
            for place, code in enumerate(found.codes)
        ]
    )


_SHARED: dict[str, Read] = {
    **simple(
        title=lambda d: d.title,
        startsAt=lambda d: stamp(d.starts_at),
        endsAt=lambda d: stamp(d.ends_at),
        createdAt=lambda d: stamp(d.created_at),
        updatedAt=lambda d: stamp(d.updated_at),
        summary=lambda d: d.title,
        shortSummary=lambda d: d.title,
        discountClasses=lambda d: ["SHIPPING" if d.free_shipping else "ORDER"],
        discountClass=lambda d: "SHIPPING" if d.free_shipping else "ORDER",
        combinesWith=lambda _d: {
            "orderDiscounts": True,
            "productDiscounts": True,
            "shippingDiscounts": True,
        },
        appliesOncePerCustomer=lambda _d: False,
        appliesOnOneTimePurchase=lambda _d: True,
        appliesOnSubscription=lambda _d: False,
        hasTimelineComment=lambda _d: False,
        codesCount=lambda d: {"count": len(d.codes), "precision": "EXACT"},
    ),
    "status": _status,
    "customerGets": _gets,
    "asyncUsageCount": lambda thing, context, *_rest: _used(thing, context),
    "usageCount": lambda thing, context, *_rest: _used(thing, context),
    "codes": _codes,
}
for _kind in (
    "DiscountCodeBasic",
    "DiscountCodeFreeShipping",
    "DiscountAutomaticBasic",
    "DiscountAutomaticFreeShipping",
):
    table(_kind, _SHARED)
