"""Stripe's stand-in: it answers as the documents say, and its account adds up."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from demo.stores.business.profiles import ACME
from demo.stores.business.site import build_site
from demo.stores.stripe import truth
from demo.stores.stripe.account import build
from demo.stores.stripe.app import StandIn, key_for
from demo.stores.stripe.model import COLLECTIONS, Account
from demo.stores.stripe.money import chargeable, minor
from demo.stores.stripe.render import API_VERSION

KEY = key_for("acme")


@pytest.fixture(scope="module")
def built() -> Account:
    return build(ACME, scale=0.05)


class Api:
    """Asks the stand-in."""

    def __init__(self, account: Account) -> None:
        self.client = TestClient(StandIn(account).app)

    def get(self, path: str, expected: int = 200, /, key: str = KEY, **params: Any) -> Any:
        answer = self.client.get(
            f"/v1/{path}", params=params, headers={"Authorization": f"Bearer {key}"}
        )
        assert answer.status_code == expected, answer.text[:300]
        return answer.json()

    def order(self, what: str, body: dict[str, Any]) -> Any:
        answer = self.client.post(f"/_control/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def change(self, action: str, **what: Any) -> Any:
        return self.order("changes", {"action": action, **what})


@pytest.fixture
def api(built: Account) -> Api:
    return Api(copy.deepcopy(built))


def test_the_same_arguments_make_the_same_account(built: Account) -> None:
    again = build(ACME, scale=0.05)
    for entity in truth.ENTITIES:
        assert list(truth.rows(again, entity)) == list(truth.rows(built, entity))


@pytest.mark.parametrize("collection", [name for name in COLLECTIONS if name != "events"])
def test_a_list_is_newest_first_and_whole(api: Api, built: Account, collection: str) -> None:
    read: list[Any] = []
    params: dict[str, Any] = {"limit": 100}
    if collection == "subscriptions":
        params["status"] = "all"
    while True:
        page = api.get(collection, **params)
        assert len(page["data"]) <= 100
        read += page["data"]
        if not page["has_more"]:
            break
        params["starting_after"] = read[-1]["id"]
    assert [each["id"] for each in read] == [each.id for each in built.newest_first(collection)]
    created = [each["created"] for each in read]
    assert created == sorted(created, reverse=True)
    if len(read) > 5:
        asked = {key: value for key, value in params.items() if key != "starting_after"}
        before = api.get(collection, **asked | {"ending_before": read[5]["id"], "limit": 3})
        assert [each["id"] for each in before["data"]] == [each["id"] for each in read[2:5]]


def test_subscriptions_without_a_status_lack_the_canceled(api: Api) -> None:
    every = {each["status"] for each in api.get("subscriptions", limit=100, status="all")["data"]}
    assert "canceled" in every
    some = {each["status"] for each in api.get("subscriptions", limit=100)["data"]}
    assert some == every - {"canceled"}


def test_shapes_since_basil(api: Api) -> None:
    charge = api.get("charges")["data"][0]
    assert not {"invoice", "refunds"} & charge.keys()
    assert not {"invoice", "charges"} & api.get("payment_intents")["data"][0].keys()
    subscription = api.get("subscriptions")["data"][0]
    assert not {"current_period_end", "discount", "plan"} & subscription.keys()
    assert "current_period_end" in subscription["items"]["data"][0]
    invoices = api.get("invoices", limit=100)["data"]
    assert not {"charge", "payment_intent", "subscription", "paid"} & invoices[0].keys()
    of_subscription = next(each for each in invoices if each["parent"])
    line = of_subscription["lines"]["data"][0]
    assert (
        line["parent"]["subscription_item_details"]["subscription"]
        == (of_subscription["parent"]["subscription_details"]["subscription"])
    )
    assert line["pricing"]["price_details"]["price"].startswith("price_")
    expanded = api.get(f"invoices/{of_subscription['id']}", **{"expand[]": "payments"})
    assert expanded["payments"]["data"][0]["object"] == "invoice_payment"
    assert api.get(f"charges/{charge['id']}", **{"expand[]": "customer"})["id"] == charge["id"]


def test_lists_inside_bring_their_beginning(api: Api, built: Account) -> None:
    long = max(built.of("invoices").values(), key=lambda each: len(each.lines))
    inside = api.get(f"invoices/{long.id}")["lines"]
    assert (len(inside["data"]), inside["has_more"]) == (10, True)
    first = api.get(f"invoices/{long.id}/lines", limit=100)
    assert (len(first["data"]), first["has_more"]) == (100, True)
    rest = api.get(f"invoices/{long.id}/lines", limit=100, starting_after=first["data"][-1]["id"])
    assert [each["id"] for each in first["data"] + rest["data"]] == [each.id for each in long.lines]


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("charges", {"limit": 101}, 400, "parameter_invalid_integer"),
        ("charges", {"limit": 0}, 400, "parameter_invalid_integer"),
        ("charges", {"starting_after": "ch_none"}, 400, "resource_missing"),
        ("charges", {"nonsense": "1"}, 400, "parameter_unknown"),
        ("charges/ch_none", {}, 404, "resource_missing"),
        ("invoices/in_none/lines", {}, 404, "resource_missing"),
        ("subscription_items", {}, 400, "parameter_missing"),
        ("nonsense", {}, 404, None),
        ("charges", {"expand[]": "data.a.b.c.d"}, 400, None),
        ("charges", {"expand[]": "customer"}, 400, None),
    ],
)
def test_what_is_wrong_is_refused(
    api: Api, path: str, params: dict[str, Any], status: int, code: str | None
) -> None:
    assert api.get(path, status, **params)["error"].get("code") == code


def test_keys_versions_and_permissions(api: Api) -> None:
    assert "Invalid API Key" in api.get("charges", 401, key="rk_nobody")["error"]["message"]
    basic = api.client.get("/v1/charges", auth=(KEY, ""))
    assert basic.status_code == 200
    assert basic.headers["Stripe-Version"] == API_VERSION
    assert basic.headers["Request-Id"].startswith("req_")
    assert api.client.get("/v1/charges").status_code == 401
    old = api.client.get("/v1/charges", auth=(KEY, ""), headers={"Stripe-Version": "2020-08-27"})
    assert old.status_code == 400
    api.order("keys", {"key": "rk_less", "lacks": ["rak_dispute_read"]})
    assert "rak_dispute_read" in api.get("disputes", 403, key="rk_less")["error"]["message"]
    api.get("charges", key="rk_less")


def test_an_event_shows_its_object_as_it_was(api: Api) -> None:
    customer = api.get("customers")["data"][0]["id"]
    for name in ("First", "Second"):
        api.change("edit", entity="customers", id=customer, name=name)
    newest = api.get("events", **{"types[]": "customer.updated"}, limit=2)["data"]
    assert [each["data"]["object"]["name"] for each in newest] == ["Second", "First"]
    assert api.get(f"customers/{customer}")["name"] == "Second"
    api.change("advance", seconds=31 * 86_400)
    assert api.get("events")["data"] == []


def test_what_is_deleted_leaves_the_list(api: Api) -> None:
    customer = api.get("customers")["data"][0]["id"]
    api.change("delete", entity="customers", id=customer)
    assert customer not in {each["id"] for each in api.get("customers", limit=100)["data"]}
    assert api.get(f"customers/{customer}") == {
        "id": customer,
        "object": "customer",
        "deleted": True,
    }
    assert api.get("events")["data"][0]["type"] == "customer.deleted"
    api.change("delete", entity="coupons", id="HALFOFF")
    api.get("coupons/HALFOFF", 404)


def test_the_account_paid_for_the_sites_orders(built: Account) -> None:
    site = build_site(ACME, 1, 0.05)
    intents = {
        each.metadata["order_id"]: each
        for each in built.of("payment_intents").values()
        if "order_id" in each.metadata
    }
    paid = 0
    for order in site.orders.values():
        sales = [
            each.amount.presentment
            for each in order.transactions
            if each.gateway == "stripe" and each.status == "SUCCESS"
            if each.kind in {"SALE", "CAPTURE"}
        ]
        if sales:
            intent = intents[str(order.number)]
            assert intent.received == sum(sales)
            assert intent.currency == order.currencies.presentment
            paid += 1
    assert paid > 20


def test_the_account_adds_up(built: Account) -> None:
    refunds: dict[str, Decimal] = {}
    for refund in built.of("refunds").values():
        if refund.status == "succeeded":
            refunds[refund.charge] = refunds.get(refund.charge, Decimal(0)) + refund.amount
    for charge in built.of("charges").values():
        assert charge.refunded == refunds.get(charge.id, 0)
        assert charge.refunded <= charge.captured
    for invoice in built.of("invoices").values():
        payments = [
            each.paid
            for each in built.of("invoice_payments").values()
            if each.invoice == invoice.id and each.paid is not None
        ]
        assert invoice.paid == sum(payments, Decimal(0))
        if invoice.status == "paid":
            assert invoice.paid == invoice.due
    statuses = {each.status for each in built.of("disputes").values()}
    assert {"won", "lost", "needs_response"} <= statuses
    assert "failed" in {each.status for each in built.of("refunds").values()}
    currencies = {each.currency for each in built.of("charges").values()}
    assert {"USD", "JPY", "KWD", "ISK", "UGX"} <= currencies


def test_whole_currencies_are_charged_in_hundreds_of_their_unit() -> None:
    assert minor(chargeable(Decimal("5.4"), "ISK"), "ISK") == 500
    assert minor(chargeable(Decimal("5.124"), "KWD"), "KWD") == 5120
    assert minor(Decimal(500), "JPY") == 500
    with pytest.raises(ValueError, match="no whole number"):
        minor(Decimal("0.5"), "JPY")
