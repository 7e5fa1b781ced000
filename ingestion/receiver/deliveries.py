"""What a delivery of each store looks like: its signature, and what it tells to have changed.

Pure functions of headers and body. Belongs here: the vendors' rules. Does not belong here: HTTP
(`webhooks.py`) and what is done about an event (`ingestion/inbox.py`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

#: Stripe's own: a signed body is good for that long.
STRIPE_TOLERANCE_SECONDS = 300

#: Ids of the stores are far shorter.
LONGEST_ID = 200

Body = dict[str, Any]


class RefusedError(Exception):
    """A delivery isn't taken.

    Attributes:
        status: Of the HTTP answer.
        reason: Why, for the log; never holds anything of the delivery.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class Delivery:
    """What one delivery tells.

    Attributes:
        delivery_id: The same when the store repeats it.
        event_id: What happened, which may be told in several deliveries; None where none is given.
        topic: The store's word for what happened.
        objects: What has changed, as entity/id with the names of the landed tables.
        occurred_at: When it happened, as far as the store says.
        problem: What a person has to do about it; None where its objects are read again.
    """

    delivery_id: str
    event_id: str | None
    topic: str
    objects: tuple[str, ...]
    occurred_at: datetime | None = None
    problem: str | None = None


class Vendor(Protocol):
    """The rules of one store's webhooks."""

    def verify(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float
    ) -> None:
        """Checks who has sent a body.

        Args:
            headers: Of the request, names in lower case.
            body: As it came.
            secrets: The current one, and the old one as long as it is valid.
            now: Seconds since 1970.

        Raises:
            RefusedError: It is unsigned, signed with another secret, or too old.
        """

    def read(self, headers: Mapping[str, str], body: Body) -> Delivery:
        """Reads a delivery that is known to be the store's.

        Raises:
            RefusedError: It lacks what such a delivery has.
        """


def is_ping(headers: Mapping[str, str], body: bytes) -> bool:
    """Says whether a request is what WooCommerce sends, unsigned, when a webhook is made."""
    form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    signed = "x-wc-webhook-signature" in headers
    return form and not signed and re.fullmatch(rb"webhook_id=\d{1,20}", body) is not None


def _signed(body: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


def _verify_base64(body: bytes, given: str | None, secrets: Sequence[str]) -> None:
    """Checks a signature in base64; every secret is tried, whichever fits."""
    if not given:
        raise RefusedError(401, "unsigned")
    fits = [
        hmac.compare_digest(base64.b64encode(_signed(body, each)), given.strip().encode())
        for each in secrets
    ]
    if not any(fits):
        raise RefusedError(401, "wrong signature")


def _text(value: object, what: str) -> str:
    """Returns an id as text.

    Raises:
        RefusedError: It is none.
    """
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not 0 < len(text) <= LONGEST_ID or not text.isprintable():
        raise RefusedError(400, f"{what} is missing or none")
    return text


def _number(value: object, what: str) -> str:
    """Returns a number, or the one at the end of a global id, as text.

    Raises:
        RefusedError: There is none.
    """
    text = _text(value, what).rsplit("/", 1)[-1]
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise RefusedError(400, f"{what} is no number")
    return text


def _moment(value: object) -> datetime | None:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


#: By the first word of a topic: the landed table, and the field that holds the object's id.
_SHOPIFY_TOPICS = {
    "orders": ("orders", "id"),
    "refunds": ("orders", "order_id"),
    "order_transactions": ("orders", "order_id"),
    "fulfillments": ("orders", "order_id"),
    "customers": ("customers", "id"),
    "products": ("products", "id"),
    "disputes": ("disputes", "id"),
    "discounts": ("discounts", "admin_graphql_api_id"),
}

#: Told by law to every app; nothing of them is landed.
_SHOPIFY_DUTIES = {
    "customers/redact": "Shopify asks to erase customer {id}: find the e-mail and run clv erase.",
    "customers/data_request": "Customer {id} wants to know their data: clv export writes them.",
    "shop/redact": "The shop has left the app: take the company out of companies.yml.",
}


@dataclass(frozen=True)
class Shopify:
    """Shopify's webhooks.

    Attributes:
        shop: The shop's domain; the secret is the app's, and signs for all shops of the app.
    """

    shop: str

    def verify(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float
    ) -> None:
        """See `Vendor`."""
        _verify_base64(body, headers.get("x-shopify-hmac-sha256"), secrets)
        if headers.get("x-shopify-shop-domain", "").lower() != self.shop:
            raise RefusedError(403, "of another shop")

    def read(self, headers: Mapping[str, str], body: Body) -> Delivery:
        """See `Vendor`."""
        topic = _text(headers.get("x-shopify-topic"), "topic")
        problem = None
        objects: tuple[str, ...] = ()
        if topic in _SHOPIFY_DUTIES:
            customer = body.get("customer")
            customer_id = customer.get("id") if isinstance(customer, dict) else None
            problem = _SHOPIFY_DUTIES[topic].format(id=customer_id)
        elif topic == "customers/merge":
            objects = tuple(
                f"customers/{_number(body.get(f'admin_graphql_api_customer_{which}_id'), which)}"
                for which in ("kept", "deleted")
            )
        elif topic == "orders/edited":
            edit = body.get("order_edit")
            order_id = edit.get("order_id") if isinstance(edit, dict) else None
            objects = (f"orders/{_number(order_id, 'order_id')}",)
        elif (known := _SHOPIFY_TOPICS.get(topic.split("/", 1)[0])) is not None:
            entity, field = known
            read = _text if entity == "discounts" else _number
            objects = (f"{entity}/{read(body.get(field), field)}",)
        event_id = headers.get("x-shopify-event-id")
        return Delivery(
            _text(headers.get("x-shopify-webhook-id"), "X-Shopify-Webhook-Id"),
            _text(event_id, "X-Shopify-Event-Id") if event_id else None,
            topic,
            objects,
            _moment(headers.get("x-shopify-triggered-at")),
            problem,
        )


class Stripe:
    """Stripe's webhooks."""

    def verify(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float
    ) -> None:
        """See `Vendor`; any of the signatures may fit, while a secret is rolled there are two."""
        given = headers.get("stripe-signature")
        if not given:
            raise RefusedError(401, "unsigned")
        pairs = [part.strip().partition("=") for part in given.split(",")]
        times = [value for name, _, value in pairs if name == "t"]
        signatures = [value.encode() for name, _, value in pairs if name == "v1"]
        if len(times) != 1 or not re.fullmatch(r"\d{1,12}", times[0]) or not signatures:
            raise RefusedError(401, "signature of no known scheme")
        payload = times[0].encode() + b"." + body
        fits = [
            hmac.compare_digest(_signed(payload, secret).hex().encode(), signature)
            for secret in secrets
            for signature in signatures
        ]
        if not any(fits):
            raise RefusedError(401, "wrong signature")
        # Only what is signed has an age.
        if int(times[0]) < now - STRIPE_TOLERANCE_SECONDS:
            raise RefusedError(403, "replayed: signed too long ago")

    def read(self, headers: Mapping[str, str], body: Body) -> Delivery:
        """See `Vendor`."""
        from ingestion.sources.stripe.reading import references

        event_id = _text(body.get("id"), "id")
        topic = _text(body.get("type"), "type")
        data = body.get("data")
        node = data.get("object") if isinstance(data, dict) else None
        if body.get("object") != "event" or not isinstance(node, dict):
            raise RefusedError(400, "no event")
        found = list(references(body))
        # What moved the balance has no event of its own.
        movement = node.get("balance_transaction")
        if node.get("object") in {"charge", "refund"} and isinstance(movement, str) and movement:
            found.append(("balance_transactions", movement))
        # An account that is connected to this one has objects of its own.
        if body.get("account"):
            found = []
        objects = tuple(dict.fromkeys(f"{name}/{_text(each, 'id')}" for name, each in found))
        return Delivery(event_id, None, topic, objects, _moment(body.get("created")))


_WOOCOMMERCE_ENTITIES = {
    "order": "orders",
    "customer": "customers",
    "product": "products",
    "coupon": "coupons",
}


class WooCommerce:
    """WooCommerce's webhooks."""

    def verify(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float
    ) -> None:
        """See `Vendor`."""
        _verify_base64(body, headers.get("x-wc-webhook-signature"), secrets)

    def read(self, headers: Mapping[str, str], body: Body) -> Delivery:
        """See `Vendor`.

        The id of a delivery is the same for all that one webhook sends within a second, so the
        object and its content belong to it.
        """
        topic = _text(headers.get("x-wc-webhook-topic"), "topic")
        entity = _WOOCOMMERCE_ENTITIES.get(topic.split(".", 1)[0])
        delivery = _text(headers.get("x-wc-webhook-delivery-id"), "X-WC-Webhook-Delivery-ID")
        objects: tuple[str, ...] = ()
        if entity is not None:
            number = _number(body.get("id"), "id")
            # A variation comes under the topic of products, and is read with its product.
            parent = body.get("parent_id")
            if entity == "products" and body.get("type") == "variation" and parent:
                number = _number(parent, "parent_id")
            objects = (f"{entity}/{number}",)
        content = hashlib.sha256(repr(body).encode()).hexdigest()[:16]
        changed_at = body.get("date_modified_gmt")
        return Delivery(
            f"{delivery}:{body.get('id')}:{content}", None, topic, objects, _moment(changed_at)
        )
