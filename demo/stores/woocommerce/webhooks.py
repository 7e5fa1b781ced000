"""WooCommerce's webhooks: topics, bodies as the API has them, signature, and the first ping."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any

from demo.stores.business.model import Shop
from demo.stores.webhooks import Message, Watched
from demo.stores.woocommerce.values import Writer

_WORDS = {"create": "created", "update": "updated", "delete": "deleted"}


def _look(shop: Shop) -> dict[tuple[str, int], Any]:
    found: dict[tuple[str, int], Any] = {}
    for entity, things in (
        ("order", shop.orders),
        ("customer", shop.customers),
        ("product", shop.products),
        ("coupon", shop.discounts),
    ):
        for each in things.values():
            # What lies in the trash is told to be deleted.
            if not getattr(each, "trashed", False):
                found[entity, each.id] = each.updated_at
    for product in shop.products.values():
        if len(product.variants) > 1 and not product.trashed:
            for variant in product.variants:
                found["variation", variant.id] = variant.updated_at
    return found


class Teller:
    """Tells of orders, customers, products with their variations, and coupons."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._watched = Watched(_look)

    def tell(self, shop: Shop) -> Iterator[Message]:
        """See `demo.stores.webhooks.Teller`."""
        for entity, number, kind in self._watched.changes(shop):
            body = {"id": number} if kind == "delete" else self._body(shop, entity, number)
            # Variations have no topic of their own.
            topic = f"{entity.replace('variation', 'product')}.{_WORDS[kind]}"
            second = f"1{int(shop.now.timestamp())}"
            yield Message(
                json.dumps(body, ensure_ascii=False).encode(),
                {
                    "Content-Type": "application/json",
                    "X-WC-Webhook-Topic": topic,
                    "X-WC-Webhook-Resource": topic.split(".", maxsplit=1)[0],
                    "X-WC-Webhook-Event": topic.split(".")[1],
                    "X-WC-Webhook-ID": "1",
                    # Made of the webhook and the second, as the plugin makes it.
                    "X-WC-Webhook-Delivery-ID": hashlib.sha256(second.encode()).hexdigest()[:32],
                },
                topic,
            )

    def sign(self, message: Message, secret: str) -> Mapping[str, str]:
        """See `demo.stores.webhooks.Teller`."""
        digest = hmac.new(secret.encode(), message.body, hashlib.sha256).digest()
        return {"X-WC-Webhook-Signature": base64.b64encode(digest).decode()}

    def greet(self, number: int) -> Message:
        """Returns the ping of a new webhook."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return Message(f"webhook_id={number}".encode(), form, "ping")

    def _body(self, shop: Shop, entity: str, number: int) -> dict[str, Any]:
        if entity == "order":
            return self._writer.order(shop.orders[number])
        if entity == "customer":
            return self._writer.customer(shop.customers[number])
        if entity == "coupon":
            return self._writer.coupon(shop.discounts[number])
        if entity == "product":
            return self._writer.product(shop.products[number])
        product = next(
            each for each in shop.products.values() if number in {one.id for one in each.variants}
        )
        variant = next(each for each in product.variants if each.id == number)
        return {**self._writer.variation(product, variant), "type": "variation"}
