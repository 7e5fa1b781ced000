"""Trouble comes when it is ordered, to the request that is meant, and not again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.stores.control import Plane, Request
from demo.stores.shopify.app import TOKEN_HEADER, token_for
from tests.unit.demo.stores.asking import Client

QUERY = "query Products($after: String) { products(first: 5, after: $after) { nodes { id } } }"
ROOT = Path(__file__).parents[4]


@given(st.integers(1, 6), st.integers(1, 4))
def test_a_fault_befalls_the_nth_fitting_request_and_as_many_as_ordered(
    nth: int, count: int
) -> None:
    plane = Plane()
    plane.add_fault({"kind": "internal", "match": {"field": "orders"}, "nth": nth, "count": count})
    met = []
    for n in range(1, 13):
        assert plane.meet(Request("graphql", "Shop", ("shop",))) is None
        if plane.meet(Request("graphql", "Orders", ("orders",))):
            met.append(n)
    assert met == list(range(nth, nth + count))


def test_an_order_that_makes_no_sense_is_refused(client: Client) -> None:
    for path, order in (
        ("faults", {"kind": "lightning"}),
        ("faults", {"kind": "drop", "when": 1}),
        ("changes", {"action": "burn"}),
        ("changes", {"action": "edit_order", "id": "x"}),
    ):
        assert client.http.post(f"/_control/{path}", json=order).status_code == 400
    missing = {"action": "edit_order", "id": 1, "note": "x"}
    assert client.http.post("/_control/changes", json=missing).status_code == 404
    assert client.http.get("/_control/truth/nothing").status_code == 404


@pytest.mark.parametrize("status", [401, 402, 403, 423, 429, 430, 500, 502, 503, 504])
def test_a_status(client: Client, status: int) -> None:
    client.control("faults", {"kind": "status", "status": status, "nth": 2, "retry_after": 2})
    assert client.post(QUERY).status_code == 200
    refused = client.post(QUERY)
    assert refused.status_code == status
    if status == 429:
        assert refused.headers["Retry-After"] == "2.0"
    if status in {402, 403, 423, 429}:
        assert isinstance(refused.json()["errors"], str)
    assert client.post(QUERY).status_code == 200


def test_throttled_drains_the_bucket(client: Client) -> None:
    client.control("tokens", {"token": client.token, "bucket": 1_000, "restore": 0.001})
    client.control("faults", {"kind": "throttled", "match": {"operation": "Products"}})
    assert "errors" not in client.ask("{ shop { name } }")
    answer = client.ask(QUERY)
    assert answer["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert answer["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 0
    assert client.ask(QUERY)["errors"][0]["extensions"]["code"] == "THROTTLED"


def test_json_that_stops(client: Client) -> None:
    client.control("faults", {"kind": "malformed"})
    broken = client.post(QUERY)
    assert broken.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        broken.json()
    assert "errors" not in client.ask(QUERY)


def test_an_accident_inside_and_a_scope_taken_away_are_200s(client: Client) -> None:
    client.control("faults", {"kind": "internal"})
    assert client.ask(QUERY)["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    client.control("faults", {"kind": "access_denied", "scope": "read_products"})
    denied = client.ask(QUERY)
    assert denied["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert denied["data"] is None


def test_a_token_expires_and_comes_back(client: Client) -> None:
    client.control("tokens", {"token": client.token, "expired": True})
    assert client.post(QUERY).status_code == 401
    client.control("tokens", {"token": client.token, "expired": False})
    assert client.post(QUERY).status_code == 200


def test_the_log_holds_names_of_headers_and_no_token(client: Client) -> None:
    client.control("faults", {"kind": "status", "status": 503})
    client.post(QUERY)
    client.ask(QUERY)
    log = client.http.get("/_control/log")
    assert client.token not in log.text
    first, second = log.json()
    assert (first["operation"], first["fault"], first["status"]) == ("Products", "status", 503)
    assert "fault" not in second
    assert second["fields"] == ["products"]
    assert TOKEN_HEADER.lower() in second["headers"]
    assert second["cost"] == 7


def test_plans_are_shown_and_forgotten(client: Client) -> None:
    client.control("faults", {"kind": "internal", "nth": 3})
    client.control(
        "hooks", {"after": {"field": "shop"}, "do": [{"action": "add_orders", "count": 2}]}
    )
    before = len(client.truth("orders"))
    client.ask("{ shop { name } }")
    client.ask("{ shop { name } }")
    assert len(client.truth("orders")) == before + 2
    state = client.http.get("/_control/faults").json()
    assert (state["faults"][0]["seen"], state["hooks"][0]["done"]) == (2, True)
    client.http.delete("/_control/faults")
    assert client.http.get("/_control/faults").json() == {"faults": [], "hooks": []}


def test_late_orders_are_old_and_marked_as_changed_now(client: Client) -> None:
    made = client.control(
        "changes", {"action": "add_orders", "count": 3, "created_at": "2025-03-01T12:00:00Z"}
    )
    rows = {each["id"]: each for each in client.truth("orders")}
    for number in made["ids"]:
        row = rows[f"gid://shopify/Order/{number}"]
        assert row["created_at"] == "2025-03-01T12:00:00+00:00"
        assert row["updated_at"] > "2026-07-01"


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The program itself, on a free port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "demo.stores", "--company", "bolt", "--scale", "0.02"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if line.startswith("http://"):
            break
    assert lines[0] == f"token {token_for('bolt')}"
    yield lines[-1]
    process.terminate()
    process.wait(timeout=20)


def test_the_program_serves_and_drops_connections_in_the_middle_of_a_body(served: str) -> None:
    base = served.removesuffix("/admin/api/2026-10/graphql.json")
    with httpx.Client(headers={TOKEN_HEADER: token_for("bolt")}, timeout=30) as http:
        assert http.post(served, json={"query": "{ shop { currencyCode } }"}).json()["data"] == {
            "shop": {"currencyCode": "EUR"}
        }
        http.post(f"{base}/_control/faults", json={"kind": "drop", "nth": 2, "count": 2})
        assert http.post(served, json={"query": QUERY}).status_code == 200
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
                http.post(served, json={"query": QUERY})
        assert http.post(served, json={"query": QUERY}).status_code == 200


def test_a_slow_answer_holds_up_nobody_else(served: str) -> None:
    base = served.removesuffix("/admin/api/2026-10/graphql.json")
    headers = {TOKEN_HEADER: token_for("bolt")}
    fault = {"kind": "slow", "seconds": 5, "match": {"operation": "Products"}}
    httpx.post(f"{base}/_control/faults", json=fault)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(served, json={"query": QUERY}, headers=headers, timeout=0.3)
    quick = httpx.post(served, json={"query": QUERY}, headers=headers, timeout=3)
    assert quick.status_code == 200
