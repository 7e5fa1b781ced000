"""The vendors' signatures and bodies: their documented examples, and what must be refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.receiver.deliveries import (
    RefusedError,
    Shopify,
    Stripe,
    WooCommerce,
    is_ping,
)

SHOP = Shopify("acme.myshopify.com")
NOW = 1_790_000_000.0


def base64_of(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def shopify_headers(body: bytes, secret: str, **more: str) -> dict[str, str]:
    return {
        "x-shopify-hmac-sha256": base64_of(body, secret),
        "x-shopify-shop-domain": "acme.myshopify.com",
        "x-shopify-webhook-id": "w1",
        **more,
    }


def stripe_header(body: bytes, *secrets: str, at: float = NOW) -> dict[str, str]:
    signed = [
        hmac.new(each.encode(), f"{int(at)}.".encode() + body, hashlib.sha256).hexdigest()
        for each in secrets
    ]
    versions = ",".join(f"v1={each}" for each in signed)
    return {"stripe-signature": f"t={int(at)},{versions},v0={'0' * 64}"}


def refusal(work: Any) -> int:
    with pytest.raises(RefusedError) as raised:
        work()
    return raised.value.status


def test_a_signature_of_a_known_text_is_what_openssl_says() -> None:
    # printf '{"id":1}' | openssl dgst -sha256 -hmac hush -binary | base64
    signature = "VnKUjZsLuN5iZWjn5EntcBVCF9kMN43LglzCE1/GSeY="
    headers = {"x-wc-webhook-signature": signature}
    WooCommerce().verify(headers, b'{"id":1}', ["hush"], NOW)
    assert refusal(lambda: WooCommerce().verify(headers, b'{"id":2}', ["hush"], NOW)) == 401


@pytest.mark.parametrize("secrets", [["new", "old"], ["old", "new"], ["old"]])
def test_an_old_secret_is_good_as_long_as_it_is_set(secrets: list[str]) -> None:
    body = b"{}"
    SHOP.verify(shopify_headers(body, "old"), body, secrets, NOW)
    WooCommerce().verify({"x-wc-webhook-signature": base64_of(body, "old")}, body, secrets, NOW)
    Stripe().verify(stripe_header(body, "old"), body, secrets, NOW)


def test_any_of_stripes_signatures_may_fit() -> None:
    Stripe().verify(stripe_header(b"{}", "another", "mine"), b"{}", ["mine"], NOW)
    assert refusal(lambda: Stripe().verify(stripe_header(b"{}", "x"), b"{}", ["mine"], NOW)) == 401


def test_stripes_signature_is_good_for_five_minutes() -> None:
    headers = stripe_header(b"{}", "mine")
    Stripe().verify(headers, b"{}", ["mine"], NOW + 300)
    assert refusal(lambda: Stripe().verify(headers, b"{}", ["mine"], NOW + 301)) == 403
    # A time that isn't the signed one is a forgery, however young.
    young = {
        "stripe-signature": headers["stripe-signature"].replace("t=1790000000", "t=1790000300")
    }
    assert refusal(lambda: Stripe().verify(young, b"{}", ["mine"], NOW + 300)) == 401


@pytest.mark.parametrize(
    "header", ["", "t=1", "v1=00", "t=x,v1=00", "t=1,t=2,v1=00", "t=1,v0=00", "nonsense", "=,=,"]
)
def test_a_signature_of_no_scheme_is_refused(header: str) -> None:
    headers = {"stripe-signature": header}
    assert refusal(lambda: Stripe().verify(headers, b"{}", ["mine"], NOW)) == 401


@given(st.binary(max_size=40), st.text(max_size=60))
def test_whatever_is_sent_is_refused_and_never_an_error(body: bytes, signature: str) -> None:
    for vendor, header in (
        (SHOP, "x-shopify-hmac-sha256"),
        (Stripe(), "stripe-signature"),
        (WooCommerce(), "x-wc-webhook-signature"),
    ):
        assert refusal(lambda v=vendor, h=header: v.verify({h: signature}, body, ["s"], NOW)) == 401


@given(st.binary(max_size=200), st.integers(0, 199), st.integers(1, 255))
def test_one_changed_byte_is_noticed(body: bytes, place: int, change: int) -> None:
    if place >= len(body):
        return
    changed = bytearray(body)
    changed[place] ^= change
    headers = stripe_header(body, "mine")
    Stripe().verify(headers, body, ["mine"], NOW)
    assert refusal(lambda: Stripe().verify(headers, bytes(changed), ["mine"], NOW)) == 401


def test_another_shop_of_the_same_app_is_refused() -> None:
    headers = shopify_headers(b"{}", "app", **{"x-shopify-shop-domain": "bolt.myshopify.com"})
    assert refusal(lambda: SHOP.verify(headers, b"{}", ["app"], NOW)) == 403


@pytest.mark.parametrize(
    ("topic", "body", "objects"),
    [
        ("orders/create", {"id": 820982911946154508}, ("orders/820982911946154508",)),
        ("orders/delete", {"id": 7}, ("orders/7",)),
        ("orders/edited", {"order_edit": {"id": 1, "order_id": 7}}, ("orders/7",)),
        ("refunds/create", {"id": 1, "order_id": 7}, ("orders/7",)),
        ("order_transactions/create", {"id": 1, "order_id": 7}, ("orders/7",)),
        ("customers/update", {"id": 7}, ("customers/7",)),
        ("products/delete", {"id": 7}, ("products/7",)),
        ("disputes/create", {"id": 7}, ("disputes/7",)),
        (
            "customers/merge",
            {
                "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/1",
                "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/2",
            },
            ("customers/1", "customers/2"),
        ),
        ("themes/publish", {"id": 7}, ()),
        ("draft_orders/create", {"id": 7}, ()),
    ],
)
def test_what_shopify_tells(topic: str, body: dict[str, Any], objects: tuple[str, ...]) -> None:
    headers = shopify_headers(b"", "", **{"x-shopify-topic": topic, "x-shopify-event-id": "e1"})
    delivery = SHOP.read(headers, body)
    assert (delivery.delivery_id, delivery.event_id, delivery.objects) == ("w1", "e1", objects)
    assert delivery.problem is None


def test_a_duty_is_left_to_people() -> None:
    headers = shopify_headers(b"", "", **{"x-shopify-topic": "customers/redact"})
    delivery = SHOP.read(headers, {"customer": {"id": 7, "email": "a@example.com"}})
    assert delivery.objects == ()
    assert delivery.problem is not None
    assert "clv erase" in delivery.problem
    assert "a@example.com" not in delivery.problem


def test_what_stripe_tells_is_read_again_with_what_it_names() -> None:
    charge = {"object": "charge", "id": "ch_1", "balance_transaction": "txn_1"}
    event = {"object": "event", "id": "evt_1", "type": "charge.succeeded", "created": 1_790_000_000}
    delivery = Stripe().read({}, {**event, "data": {"object": charge}})
    assert delivery.objects == ("charges/ch_1", "balance_transactions/txn_1")
    refund = {"object": "refund", "id": "re_1", "charge": "ch_1", "balance_transaction": None}
    delivery = Stripe().read({}, {**event, "data": {"object": refund}})
    assert delivery.objects == ("refunds/re_1", "charges/ch_1")
    # Of a connected account nothing is landed.
    connected = {**event, "account": "acct_2", "data": {"object": charge}}
    assert Stripe().read({}, connected).objects == ()


def test_deliveries_of_woocommerce_within_a_second_are_told_apart() -> None:
    headers = {"x-wc-webhook-topic": "order.updated", "x-wc-webhook-delivery-id": "d1"}
    read = WooCommerce().read
    told = [
        read(headers, {"id": 7, "status": "pending"}),
        read(headers, {"id": 7, "status": "processing"}),
        read(headers, {"id": 8, "status": "pending"}),
    ]
    assert len({each.delivery_id for each in told}) == 3
    assert told[0] == read(headers, {"id": 7, "status": "pending"})
    assert [each.objects for each in told] == [("orders/7",), ("orders/7",), ("orders/8",)]


def test_a_variation_is_read_with_its_product() -> None:
    headers = {"x-wc-webhook-topic": "product.updated", "x-wc-webhook-delivery-id": "d1"}
    variation = {"id": 9, "type": "variation", "parent_id": 7}
    assert WooCommerce().read(headers, variation).objects == ("products/7",)


@pytest.mark.parametrize("value", [None, True, "", "x", -1, 1.5, [7], {"a": 1}, "7" * 30, "1/x"])
def test_an_id_that_is_none_is_malformed(value: object) -> None:
    shopify = shopify_headers(b"", "", **{"x-shopify-topic": "orders/create"})
    assert refusal(lambda: SHOP.read(shopify, {"id": value})) == 400
    woo = {"x-wc-webhook-topic": "order.created", "x-wc-webhook-delivery-id": "d1"}
    assert refusal(lambda: WooCommerce().read(woo, {"id": value})) == 400


@pytest.mark.parametrize(
    ("body", "headers", "ping"),
    [
        (b"webhook_id=12", {}, True),
        (b"webhook_id=12", {"x-wc-webhook-signature": "x"}, False),
        (b"webhook_id=12&order=1", {}, False),
        (b"webhook_id=", {}, False),
        (b'{"webhook_id":12}', {}, False),
    ],
)
def test_only_the_ping_itself_is_taken_unsigned(
    body: bytes, headers: dict[str, str], ping: bool
) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert is_ping(form | headers, body) is ping
    assert not is_ping({"content-type": "application/json"} | headers, body)
