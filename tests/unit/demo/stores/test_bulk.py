"""Bulk operations: the API's rules in its words, and results that hold everything or say so."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from demo.stores.shopify.app import recent_token_for
from demo.stores.shopify.bulk import check
from tests.unit.demo.stores.asking import Client, Json

RUN = (
    "mutation($q: String!, $g: Boolean! = false) { bulkOperationRunQuery(query: $q, "
    "groupObjects: $g) { bulkOperation { id status objectCount url } "
    "userErrors { field message code } } }"
)
POLL = (
    "query($id: ID!) { bulkOperation(id: $id) { id status errorCode objectCount rootObjectCount "
    "fileSize url partialDataUrl completedAt type } }"
)
ORDERS = (
    "{ orders { edges { node { id name lineItems { edges { node { id quantity } } } "
    "transactions { id } } } } }"
)
_SIX = " ".join(f"a{n}: lineItems {{ edges {{ node {{ id }} }} }}" for n in range(5))


# As captured from the real API.
@pytest.mark.parametrize(
    ("query", "messages"),
    [
        (
            "{ products { nodes { id } } }",
            [
                "All connection fields in a bulk query must select their contents using 'edges' > "
                "'node', e.g: 'products { edges { node {'. Selecting via 'nodes' is not supported. "
                "Invalid connection fields: 'products'."
            ],
        ),
        (
            '{ node(id: "gid://shopify/Product/0") { id } }',
            [
                "Bulk queries cannot contain a top level `node` field.",
                "Bulk queries must contain at least one connection.",
            ],
        ),
        (
            "{ customers { edges { node { id orders { edges { node { id lineItems { edges { node "
            "{ id } } } } } } } } } }",
            ["Bulk queries cannot contain connections with a nesting depth greater than 2."],
        ),
        (
            f"{{ orders {{ edges {{ node {{ id {_SIX} }} }} }} }}",
            ["Bulk queries cannot contain more than 5 connections."],
        ),
        (
            "{ products { edges { node { title variants { edges { node { id } } } } } } }",
            [
                "The parent 'node' field for a nested connection must select the 'id' field "
                "without an alias and must be of 'ID' return type. Connection fields without "
                "'id': products."
            ],
        ),
        (
            'mutation { bulkOperationCancel(id: "x") { userErrors { message } } }',
            ["Invalid operation type. Only `query` operations are supported."],
        ),
        (
            "{ orders { edges { node { id refunds { id transactions { edges { node { id } } } } } "
            "} } }",
            [
                "Queries that contain a connection field within a list field are not currently "
                "supported."
            ],
        ),
        ("", ["Invalid bulk query: syntax error, unexpected end of file"]),
        (
            "{ orders { edges { node { idd } } } }",
            ["Invalid bulk query: Field 'idd' doesn't exist on type 'Order'"],
        ),
        ("{ shop { name } }", ["Bulk queries must contain at least one connection."]),
    ],
)
def test_a_query_that_can_not_run_is_refused(query: str, messages: list[str]) -> None:
    assert check(query) == messages


def test_connections_of_what_is_no_node_are_refused() -> None:
    query = "{ orders { edges { node { id discountApplications { edges { node { index } } } } } } }"
    assert ["Node" in each for each in check(query)] == [True]


def test_a_refusal_has_its_code_and_starts_nothing(client: Client) -> None:
    found = client.data(RUN, q="{ shop { name } }")["bulkOperationRunQuery"]
    assert found["bulkOperation"] is None
    assert found["userErrors"][0]["field"] == ["query"]
    assert found["userErrors"][0]["code"] == "INVALID"
    assert client.stand_in.desk.operations == {}


def _start(client: Client, query: str, token: str | None = None, **more: Any) -> str:
    answer = client.ask(RUN, token, q=query, **more)
    payload = answer["data"]["bulkOperationRunQuery"]
    assert payload["userErrors"] == []
    assert payload["bulkOperation"]["status"] == "CREATED"
    assert payload["bulkOperation"]["url"] is None
    number: str = payload["bulkOperation"]["id"]
    return number


def _wait(client: Client, number: str) -> Json:
    for _ in range(1_000):
        found: Json = client.data(POLL, id=number)["bulkOperation"]
        if found["status"] not in {"CREATED", "RUNNING", "CANCELING"}:
            return found
        time.sleep(0.01)
    raise AssertionError("the operation never ended")


def _result(client: Client, url: str) -> list[Json]:
    response = client.http.get(url.removeprefix("http://stand-in"))
    assert response.status_code == 200
    return [json.loads(each) for each in response.text.splitlines()]


def test_the_result_holds_every_row_once(client: Client) -> None:
    done = _wait(client, _start(client, ORDERS))
    assert done["status"] == "COMPLETED"
    assert (done["errorCode"], done["partialDataUrl"]) == (None, None)
    rows = _result(client, done["url"])
    orders = {row["id"]: row for row in rows if "__parentId" not in row}
    lines = [row for row in rows if "__parentId" in row]
    truth = client.truth("orders")
    assert set(orders) == {each["id"] for each in truth}
    assert {(row["id"], row["__parentId"], row["quantity"]) for row in lines} == {
        (each["id"], each["order_id"], each["quantity"]) for each in client.truth("order_lines")
    }
    # Counts are strings, as all unsigned 64-bit integers are.
    assert done["objectCount"] == str(len(rows))
    assert done["rootObjectCount"] == str(len(orders))
    assert len(lines) == len({row["id"] for row in lines})
    assert all("lineItems" not in row for row in orders.values())
    assert sum(len(row["transactions"]) for row in orders.values()) == len(
        client.truth("transactions")
    )


def test_rows_come_unordered_unless_grouped(client: Client) -> None:
    def parents_first(rows: list[Json]) -> bool:
        seen: set[str] = set()
        for row in rows:
            if row.get("__parentId") and row["__parentId"] not in seen:
                return False
            seen.add(row["id"])
        return True

    loose = _result(client, _wait(client, _start(client, ORDERS))["url"])
    grouped = _result(client, _wait(client, _start(client, ORDERS, g=True))["url"])
    assert not parents_first(loose)
    assert parents_first(grouped)
    assert sorted(map(str, loose)) == sorted(map(str, grouped))


def test_a_filter_is_kept_and_a_page_size_is_not(client: Client) -> None:
    cut = sorted(each["updated_at"] for each in client.truth("orders"))[100]
    query = (
        f"{{ orders(first: 1, query: \"updated_at:>='{cut}'\") {{ edges {{ node {{ id }} }} }} }}"
    )
    done = _wait(client, _start(client, query))
    expected = [each for each in client.truth("orders") if each["updated_at"] >= cut]
    assert done["objectCount"] == str(len(expected))


def test_a_filter_that_keeps_nothing_gives_no_file(client: Client) -> None:
    query = "{ orders(query: \"updated_at:>'2030-01-01'\") { edges { node { id } } } }"
    done = _wait(client, _start(client, query))
    assert (done["status"], done["objectCount"], done["url"]) == ("COMPLETED", "0", None)


def test_only_one_runs_at_a_time_unless_more_are_allowed(make: Callable[..., Client]) -> None:
    client = make(bulk_seconds=0.3)
    number = _start(client, ORDERS)
    refused = client.data(RUN, q=ORDERS)["bulkOperationRunQuery"]
    assert refused["bulkOperation"] is None
    assert refused["userErrors"] == [
        {
            "field": None,
            "message": "A bulk query operation for this app and shop is already in progress: "
            f"{number}.",
            "code": "OPERATION_IN_PROGRESS",
        }
    ]
    _wait(client, number)
    _wait(client, _start(client, ORDERS))
    several = make(bulk_seconds=0.3, bulk_at_once=5)
    for each in [_start(several, ORDERS) for _ in range(5)]:
        _wait(several, each)


def test_a_running_one_can_be_cancelled(make: Callable[..., Client]) -> None:
    client = make(bulk_seconds=0.2)
    number = _start(client, ORDERS)
    cancel = (
        "mutation($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } "
        "userErrors { message } } }"
    )
    found = client.data(cancel, id=number)["bulkOperationCancel"]
    assert found == {"bulkOperation": {"status": "CANCELING"}, "userErrors": []}
    done = _wait(client, number)
    assert (done["status"], done["url"]) == ("CANCELED", None)
    again = client.data(cancel, id=number)["bulkOperationCancel"]
    assert "cannot be canceled" in again["userErrors"][0]["message"]


def test_a_missing_scope_fails_the_operation(client: Client) -> None:
    client.control("tokens", {"token": "poor", "scopes": ["read_products"]})
    number = _start(client, ORDERS, token="poor")
    done = _wait(client, number)
    assert (done["status"], done["errorCode"]) == ("FAILED", "ACCESS_DENIED")


def test_without_the_scope_only_sixty_days_are_in_the_file(client: Client) -> None:
    number = _start(client, ORDERS, token=recent_token_for("acme"))
    done = _wait(client, number)
    assert 0 < int(done["rootObjectCount"]) < len(client.truth("orders"))


@pytest.mark.parametrize(
    ("kind", "status", "partial"),
    [
        ("bulk_failed", "FAILED", True),
        ("bulk_failed_empty", "FAILED", False),
        ("bulk_canceled", "CANCELED", False),
        ("bulk_expired", "EXPIRED", False),
    ],
)
def test_an_operation_can_end_badly(client: Client, kind: str, status: str, partial: bool) -> None:
    client.control("faults", {"kind": kind, "nth": 2})
    assert _wait(client, _start(client, ORDERS))["status"] == "COMPLETED"
    done = _wait(client, _start(client, ORDERS))
    assert (done["status"], done["url"]) == (status, None)
    assert bool(done["partialDataUrl"]) == partial
    if partial:
        rows = _result(client, done["partialDataUrl"])
        whole = len(client.truth("orders")) + len(client.truth("order_lines"))
        assert 0 < len(rows) < whole
    assert _wait(client, _start(client, ORDERS))["status"] == "COMPLETED"


def test_an_operation_can_hang(client: Client) -> None:
    client.control("faults", {"kind": "bulk_stuck"})
    number = _start(client, ORDERS)
    time.sleep(0.1)
    assert client.data(POLL, id=number)["bulkOperation"]["status"] == "RUNNING"


def test_a_result_can_be_lost_or_cut(client: Client) -> None:
    done = _wait(client, _start(client, ORDERS))
    path = done["url"].removeprefix("http://stand-in")
    whole = client.http.get(path).text
    for kind, code in (("result_missing", 404), ("result_expired", 403)):
        client.control("faults", {"kind": kind})
        assert client.http.get(path).status_code == code
    client.control("faults", {"kind": "result_cut"})
    cut = client.http.get(path).text
    assert whole.startswith(cut)
    assert not cut.endswith("\n")
    client.control("faults", {"kind": "result_short"})
    short = client.http.get(path).text
    assert short.endswith("\n")
    assert len(short.splitlines()) < int(done["objectCount"])
    client.control("faults", {"kind": "status", "status": 503, "match": {"kind": "result"}})
    assert client.http.get(path).status_code == 503
    assert client.http.get(path).text == whole


def test_an_address_must_be_signed_and_lasts_a_week(client: Client) -> None:
    number = _start(client, ORDERS)
    done = _wait(client, number)
    path = done["url"].removeprefix("http://stand-in")
    assert client.http.get(path.partition("Signature=")[0]).status_code == 403
    client.control("changes", {"action": "advance", "seconds": 8 * 86_400})
    assert client.data(POLL, id=number)["bulkOperation"]["url"] is None
