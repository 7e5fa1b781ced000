"""Shopify's webhooks: topics, bodies and signature, as its documents have them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any

from demo.stores.business.model import Shop
from demo.stores.shopify.wanted import API_VERSION
from demo.stores.webhooks import Message, Watched, made_uuid

_TYPES = {"orders": "Order", "customers": "Customer", "products": "Product"}
_TOPICS = {"create": "create", "update": "updated", "delete": "delete"}


def _look(shop: Shop) -> dict[tuple[str, int], Any]:
    things: dict[str, dict[int, Any]] = {
        "orders": shop.orders,
        "customers": shop.customers,
        "products": shop.products,
    }
    return {
        (entity, each.id): each.updated_at
        for entity, them in things.items()
        for each in them.values()
    }


class Teller:
    """Tells of orders, refunds, customers, merges and products."""

    def __init__(self) -> None:
        self._watched = Watched(_look)
        self._refunds: set[int] = set()
        self._merges = 0
        self._sent = 0

    def tell(self, shop: Shop) -> Iterator[Message]:
        """See `demo.stores.webhooks.Teller`."""
        changes = self._watched.changes(shop)
        refunds = {each.id: order.id for order in shop.orders.values() for each in order.refunds}
        fresh = refunds.keys() - self._refunds if self._refunds else set()
        self._refunds = set(refunds)
        merges, self._merges = shop.merges[self._merges :], len(shop.merges)
        for entity, number, kind in changes:
            gid = f"gid://shopify/{_TYPES[entity]}/{number}"
            body: dict[str, Any] = {"id": number}
            if kind != "delete":
                body |= {"admin_graphql_api_id": gid, "updated_at": shop.now.isoformat()}
            word = "update" if entity in {"customers", "products"} and kind == "update" else None
            yield self._message(shop, f"{entity}/{word or _TOPICS[kind]}", body)
        if not changes:
            return
        for number in sorted(fresh):
            body = {"id": number, "order_id": refunds[number]}
            yield self._message(shop, "refunds/create", body)
        for merge in merges:
            body = {
                f"admin_graphql_api_customer_{which}_id": f"gid://shopify/Customer/{number}"
                for which, number in (("kept", merge.into_id), ("deleted", merge.from_id))
            }
            yield self._message(shop, "customers/merge", body)

    def sign(self, message: Message, secret: str) -> Mapping[str, str]:
        """See `demo.stores.webhooks.Teller`."""
        digest = hmac.new(secret.encode(), message.body, hashlib.sha256).digest()
        return {"X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode()}

    def greet(self, number: int) -> None:
        """Nothing is sent to a new subscription."""

    def _message(self, shop: Shop, topic: str, body: dict[str, Any]) -> Message:
        company = shop.profile.company
        self._sent += 1
        return Message(
            json.dumps(body).encode(),
            {
                "Content-Type": "application/json",
                "X-Shopify-Topic": topic,
                "X-Shopify-Shop-Domain": f"{company}.myshopify.com",
                "X-Shopify-API-Version": API_VERSION,
                "X-Shopify-Webhook-Id": made_uuid(company, "delivery", self._sent),
                "X-Shopify-Event-Id": made_uuid(company, "event", shop.version),
                "X-Shopify-Triggered-At": shop.now.isoformat(),
            },
            topic,
        )
