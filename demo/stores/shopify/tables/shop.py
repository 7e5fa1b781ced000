"""The shop itself, the app that reads it, and what happened in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from demo.stores.business.model import Deletion, Shop
from demo.stores.shopify.graph import Context, Thing, simple, table
from demo.stores.shopify.search import Field
from demo.stores.shopify.values import gid, stamp
from demo.stores.shopify.wanted import API_VERSION


def _offset(thing: Thing, context: Context, *_rest: Any) -> str:
    return context.shop.now.astimezone(ZoneInfo(thing.value.profile.timezone)).strftime("%z")


table(
    "Shop",
    {
        **simple(
            id=lambda _s: gid("Shop", 61_000_000_001),
            name=lambda s: s.profile.name,
            myshopifyDomain=lambda s: s.profile.domain,
            url=lambda s: f"https://{s.profile.domain}",
            email=lambda s: f"owner@{s.profile.company}.example.com",
            contactEmail=lambda s: f"shop@{s.profile.company}.example.com",
            shopOwnerName=lambda _s: "Shop Owner",
            createdAt=lambda s: stamp(s.opened_at),
            updatedAt=lambda s: stamp(s.opened_at),
            currencyCode=lambda s: s.profile.currency,
            enabledPresentmentCurrencies=lambda s: [s.profile.currency, *s.profile.rates],
            ianaTimezone=lambda s: s.profile.timezone,
            taxesIncluded=lambda s: s.profile.taxes_included,
            taxShipping=lambda s: s.profile.taxes_included,
            orderNumberFormatPrefix=lambda _s: "#",
            orderNumberFormatSuffix=lambda _s: "",
            plan=lambda _s: {
                "displayName": "Basic",
                "publicDisplayName": "Basic",
                "partnerDevelopment": False,
                "shopifyPlus": False,
            },
            primaryDomain=lambda s: {
                "id": gid("Domain", 81_000_000_001),
                "host": s.profile.domain,
                "sslEnabled": True,
                "url": f"https://{s.profile.domain}",
            },
            setupRequired=lambda _s: False,
            checkoutApiSupported=lambda _s: True,
            transactionalSmsDisabled=lambda _s: True,
            unitSystem=lambda _s: "METRIC_SYSTEM",
            weightUnit=lambda _s: "GRAMS",
        ),
        "timezoneOffset": _offset,
    },
)


def scopes(context: Context) -> list[dict[str, str]]:
    """Returns the scopes of the request's token."""
    return [{"handle": each, "description": each} for each in sorted(context.scopes)]


table(
    "AppInstallation",
    {
        "id": lambda *_rest: gid("AppInstallation", 4_100_000_001),
        "accessScopes": lambda _thing, context, *_rest: scopes(context),
        "launchUrl": lambda _thing, context, *_rest: f"https://{context.shop.profile.domain}/admin",
        "app": lambda _thing, _context, *_rest: {
            "id": gid("App", 580_111),
            "title": "CLV",
            "apiKey": "0" * 32,
            "embedded": False,
        },
    },
)


@dataclass(frozen=True, slots=True)
class Happening:
    """An event: something was created, placed or destroyed."""

    action: str
    kind: str
    subject_id: int
    at: datetime

    @property
    def id(self) -> int:
        """A number that grows with the time, as events are numbered when they happen."""
        return int(self.at.timestamp()) * 1_000_000 + self.subject_id % 1_000_000


# Only the deletion of products and collections is told; of orders and customers nothing is.
_TOLD = {"product": "Product"}


def happenings(shop: Shop) -> Iterator[Happening]:
    """Yields the events of the shop."""
    for product in shop.products.values():
        yield Happening("create", "Product", product.id, product.created_at)
    for order in shop.orders.values():
        yield Happening("placed", "Order", order.id, order.created_at)
    for found in shop.deletions:
        if found.entity in _TOLD:
            yield Happening("destroy", _TOLD[found.entity], found.entity_id, found.at)


EVENT_SEARCH = {
    "id": Field("number", lambda e: e.id),
    "action": Field("text", lambda e: e.action),
    "created_at": Field("time", lambda e: e.at),
    "subject_type": Field("text", lambda e: e.kind),
}

table(
    "BasicEvent",
    simple(
        id=lambda e: gid("BasicEvent", e.id),
        action=lambda e: e.action,
        createdAt=lambda e: stamp(e.at),
        subjectId=lambda e: gid(e.kind, e.subject_id),
        subjectType=lambda e: e.kind.upper(),
        message=lambda e: f"{e.kind} {e.action}",
        attributeToApp=lambda _e: False,
        attributeToUser=lambda _e: True,
        criticalAlert=lambda _e: False,
        hasAdditionalContent=lambda _e: False,
    ),
)


def told_deletions(shop: Shop) -> list[Deletion]:
    """Returns the deletions that the API tells of."""
    return [each for each in shop.deletions if each.entity in _TOLD]


DELETION_SEARCH = {
    "id": Field("number", lambda d: d.id),
    "occurred_at": Field("time", lambda d: d.at),
    "subject_type": Field("text", lambda d: d.entity),
}

table(
    "DeletionEvent",
    simple(
        occurredAt=lambda d: stamp(d.at),
        subjectId=lambda d: gid(_TOLD[d.entity], d.entity_id),
        subjectType=lambda d: d.entity.upper(),
    ),
)


def versions() -> list[dict[str, Any]]:
    """Returns the API's versions: there is one."""
    return [{"handle": API_VERSION, "displayName": API_VERSION, "supported": True}]
