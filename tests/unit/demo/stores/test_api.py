"""The endpoint, as an app sees it: what it answers, refuses and hides."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from demo.stores.shopify.app import TOKEN_HEADER, recent_token_for
from demo.stores.shopify.graph import schema
from tests.unit.demo.stores.asking import PATH, Client, Json

ORDERS = (
    "query Orders($n: Int!, $after: String) { orders(first: $n, after: $after, "
    "sortKey: UPDATED_AT) { nodes { id updatedAt } pageInfo { hasNextPage endCursor } } }"
)


def test_a_token_is_needed(client: Client) -> None:
    for headers in ({}, {TOKEN_HEADER: "wrong"}):
        response = client.http.post(PATH, json={"query": "{ shop { name } }"}, headers=headers)
        assert response.status_code == 401
        assert "Invalid API key or access token" in response.json()["errors"]


def test_another_version_or_no_query_is_refused(client: Client) -> None:
    headers = {TOKEN_HEADER: client.token}
    old = PATH.replace("2026-10", "2020-01")
    assert (
        client.http.post(old, json={"query": "{ shop { id } }"}, headers=headers).status_code == 404
    )
    for body in ("", "[]", '{"query": 7}', '{"variables": {}}'):
        headers["Content-Type"] = "application/json"
        assert client.http.post(PATH, content=body, headers=headers).status_code == 400
    headers["Content-Type"] = "application/graphql"
    found = client.http.post(PATH, content="{ shop { name } }", headers=headers)
    assert found.json()["data"] == {"shop": {"name": "Acme Records"}}


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (
            "query Q { orders(first: 1) { nodes { idd } } }",
            {
                "message": "Field 'idd' doesn't exist on type 'Order'",
                "locations": [{"line": 1, "column": 38}],
                "path": ["query Q", "orders", "nodes", "idd"],
                "extensions": {
                    "code": "undefinedField",
                    "typeName": "Order",
                    "fieldName": "idd",
                },
            },
        ),
        (
            "{ orders(first: 1, sort: ID) { nodes { id } } }",
            {
                "message": "Field 'orders' doesn't accept argument 'sort'",
                "locations": [{"line": 1, "column": 20}],
                "path": ["query", "orders"],
                "extensions": {
                    "code": "argumentNotAccepted",
                    "name": "orders",
                    "typeName": "QueryRoot",
                    "argumentName": "sort",
                },
            },
        ),
    ],
)
def test_an_invalid_query_gets_shopifys_error(client: Client, query: str, error: Json) -> None:
    assert client.ask(query) == {"errors": [error]}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ order { id } }", "missingRequiredArguments"),
        ("{ shop }", "selectionMismatch"),
        ("{ shop { name { x } } }", "selectionMismatch"),
        ("query($a: ID!) { shop { name } }", "variableNotUsed"),
        ("query($a: Foo) { node(id: $a) { id } }", "variableRequiresValidType"),
        ("{ orders(first: 1, sortKey: NAME) { nodes { id } } }", "argumentLiteralsIncompatible"),
        ("query($n: String) { orders(first: $n) { nodes { id } } }", "variableMismatch"),
    ],
)
def test_errors_carry_their_code(client: Client, query: str, code: str) -> None:
    answer = client.ask(query)
    assert "data" not in answer
    assert code in [each.get("extensions", {}).get("code") for each in answer["errors"]]


def test_a_missing_variable_and_a_broken_query_are_refused(client: Client) -> None:
    missing = client.ask("query($id: ID!) { order(id: $id) { id } }")
    assert missing["errors"][0]["extensions"]["code"] == "INVALID_VARIABLE"
    assert "data" not in client.ask("{ shop {")


def test_an_error_of_a_required_field_empties_the_data(client: Client) -> None:
    answer = client.ask("{ orders { nodes { id } } }")
    assert answer["data"] is None
    assert answer["errors"][0]["message"] == "you must provide one of first or last"
    assert answer["errors"][0]["path"] == ["orders"]


def test_a_missing_scope_is_said(client: Client) -> None:
    client.control("tokens", {"token": "poor", "scopes": ["read_orders", "read_all_orders"]})
    answer = client.ask("{ customers(first: 1) { nodes { id } } }", token="poor")
    assert answer["data"] is None
    assert answer["errors"] == [
        {
            "message": "Access denied for customers field. Required access: `read_customers` "
            "access scope.",
            "locations": [{"line": 1, "column": 3}],
            "path": ["customers"],
            "extensions": {
                "code": "ACCESS_DENIED",
                "documentation": "https://shopify.dev/api/usage/access-scopes",
                "requiredAccess": "`read_customers` access scope.",
            },
        }
    ]
    # A nullable field is null, and the rest is there.
    partial = client.ask("{ orders(first: 2) { nodes { id customer { id } } } }", token="poor")
    assert [each["customer"] for each in partial["data"]["orders"]["nodes"]] == [None, None]
    assert {each["extensions"]["code"] for each in partial["errors"]} == {"ACCESS_DENIED"}
    scopes = client.ask("{ currentAppInstallation { accessScopes { handle } } }", token="poor")
    handles = scopes["data"]["currentAppInstallation"]["accessScopes"]
    assert handles == [{"handle": "read_all_orders"}, {"handle": "read_orders"}]


def test_without_the_scope_orders_older_than_sixty_days_are_not_there(client: Client) -> None:
    token = recent_token_for("acme")
    query = (
        "{ ordersCount(limit: null) { count } "
        "orders(first: 1, sortKey: CREATED_AT) { nodes { id createdAt } } }"
    )
    recent = client.ask(query, token=token)["data"]
    assert recent["orders"]["nodes"][0]["createdAt"] >= "2026-05-02T06:00:00Z"
    assert 0 < recent["ordersCount"]["count"] < client.data(query)["ordersCount"]["count"]
    oldest = client.data(query)["orders"]["nodes"][0]["id"]
    by_id = (
        "query($id: ID!) { order(id: $id) { id } node(id: $id) { id } nodes(ids: [$id]) { id } }"
    )
    assert client.data(by_id, id=oldest)["order"] == {"id": oldest}
    assert client.ask(by_id, token=token, id=oldest)["data"] == {
        "order": None,
        "node": None,
        "nodes": [None],
    }


def test_orders_are_sorted_by_processing_unless_told_otherwise(client: Client) -> None:
    rows = client.data("{ orders(first: 200) { nodes { processedAt createdAt updatedAt } } }")
    processed = [each["processedAt"] for each in rows["orders"]["nodes"]]
    assert processed == sorted(processed)
    updated = [each["updatedAt"] for each in client.pages(ORDERS, "orders", 100)]
    assert updated == sorted(updated)
    assert updated != processed


def test_a_page_has_250_rows_at_most_and_an_input_250_items(client: Client) -> None:
    answer = client.ask("{ products(first: 251) { nodes { id } } }")
    assert "251" in answer["errors"][0]["message"]
    ids = [f"gid://shopify/Order/{n}" for n in range(251)]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert client.data(query, ids=ids[:250])["nodes"] == [None] * 250
    refused = client.ask(query, ids=ids)
    assert refused["errors"][0]["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"


def test_a_query_beyond_1000_points_never_runs(client: Client) -> None:
    answer = client.ask(
        "{ orders(first: 250) { nodes { lineItems(first: 250) { nodes { id } } } } }"
    )
    assert set(answer) == {"errors"}
    error = answer["errors"][0]
    assert error["message"].startswith("Query cost is 63252, which exceeds the single query max")
    assert error["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert (error["extensions"]["cost"], error["extensions"]["maxCost"]) == (63_252, 1_000)


def test_an_empty_bucket_throttles_with_a_200(make: Callable[..., Client]) -> None:
    client = make(bucket=1_000, restore=0.001)
    query = "{ orders(first: 250) { nodes { id tags } } }"
    found = client.ask(query)
    cost = found["extensions"]["cost"]
    assert cost["requestedQueryCost"] == 252
    assert cost["actualQueryCost"] == 2 + len(found["data"]["orders"]["nodes"])
    assert cost["throttleStatus"]["maximumAvailable"] == 1_000.0
    assert cost["throttleStatus"]["currentlyAvailable"] == 1_000 - cost["actualQueryCost"]
    for _ in range(4):
        last = client.ask(query)
    assert last == {
        "errors": [
            {
                "message": "Throttled",
                "extensions": {
                    "code": "THROTTLED",
                    "documentation": "https://shopify.dev/api/usage/rate-limits",
                },
            }
        ],
        "extensions": {
            "cost": {
                "requestedQueryCost": 252,
                "actualQueryCost": None,
                "throttleStatus": last["extensions"]["cost"]["throttleStatus"],
            }
        },
    }
    left = last["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"]
    assert 0 <= left < 252
    # Another token has a bucket of its own.
    assert "errors" not in client.ask(query, token=recent_token_for("acme"))


def test_counts_are_exact_up_to_their_limit(client: Client) -> None:
    total = len(client.truth("orders"))
    assert client.data("{ ordersCount { count precision } }")["ordersCount"] == {
        "count": total,
        "precision": "EXACT",
    }
    assert client.data("{ ordersCount(limit: 5) { count precision } }")["ordersCount"] == {
        "count": 5,
        "precision": "AT_LEAST",
    }
    future = "updated_at:>'2030-01-01T00:00:00Z'"
    answer = client.ask(
        f'{{ ordersCount(query: "{future}") {{ count }} customersCount(query: "{future}") '
        f'{{ count }} productVariantsCount(query: "{future}") {{ count }} }}'
    )
    assert answer["data"]["ordersCount"] == answer["data"]["customersCount"] == {"count": 0}
    # The one count that ignores its filter, and only a warning tells.
    assert answer["data"]["productVariantsCount"]["count"] == len(client.truth("variants"))
    assert answer["extensions"]["search"][0]["path"] == ["productVariantsCount"]


def test_a_misspelt_filter_gives_everything_and_a_warning(client: Client) -> None:
    answer = client.ask("{ ordersCount(query: \"update_at:>'2030-01-01'\") { count } }")
    assert answer["data"]["ordersCount"]["count"] == len(client.truth("orders"))
    assert answer["extensions"]["search"][0]["warnings"][0]["code"] == "invalid_field"


def test_rows_drift_while_they_change_between_pages(client: Client) -> None:
    calm = [each["id"] for each in client.pages(ORDERS, "orders", 50)]
    seen, moved = calm[10], calm[120]
    client.control(
        "hooks",
        {
            "after": {"operation": "Orders", "nth": 2},
            "do": [
                {"action": "edit_order", "id": seen, "note": "read already, comes again"},
                {
                    "action": "edit_order",
                    "id": moved,
                    "note": "goes before the cursor",
                    "updated_at": "2025-01-10T00:00:00Z",
                },
            ],
        },
    )
    drifted = [each["id"] for each in client.pages(ORDERS, "orders", 50)]
    assert drifted.count(seen) == 2
    assert moved not in drifted
    assert set(calm) - set(drifted) == {moved}


def test_an_edit_may_leave_the_time_as_it_was(client: Client) -> None:
    before = client.truth("orders")[0]
    client.control(
        "changes",
        {"action": "edit_order", "id": before["id"], "note": "unseen", "updated_at": "same"},
    )
    after = client.truth("orders")[0]
    assert (after["note"], after["updated_at"]) == ("unseen", before["updated_at"])


def test_what_the_api_tells_of_deletions(client: Client) -> None:
    products, customers = client.truth("products"), client.truth("customers")
    orders = client.truth("orders")
    owners = {each["customer_id"] for each in orders}
    ghost = next((each["id"] for each in customers if each["id"] not in owners), None)
    product, order = products[0]["id"], orders[0]["id"]
    for entity, number in (("product", product), ("order", order), ("customer", ghost)):
        if number:
            client.control("changes", {"action": "delete", "entity": entity, "id": number})
    told = client.data(
        "{ deletionEvents(first: 50, subjectTypes: [PRODUCT]) { nodes { subjectId subjectType } } }"
    )["deletionEvents"]["nodes"]
    assert {"subjectId": product, "subjectType": "PRODUCT"} in told
    # Of orders and customers nothing is told: they are just not there any more.
    assert {each["subjectType"] for each in told} == {"PRODUCT"}
    gone = client.data("query($id: ID!) { order(id: $id) { id } }", id=order)
    assert gone == {"order": None}
    assert {each["id"] for each in client.truth("deletions")} >= {product, order}
    lines = [each for each in client.truth("order_lines") if each["ordered_product_id"] == product]
    assert all(each["product_id"] is None for each in lines)


def test_events_tell_of_destroyed_products_in_the_order_of_time(client: Client) -> None:
    product = client.truth("products")[0]["id"]
    client.control("changes", {"action": "delete", "entity": "product", "id": product})
    query = (
        "query($n: Int!, $after: String) { events(first: $n, after: $after, sortKey: ID) { nodes "
        "{ id action createdAt ... on BasicEvent { subjectId subjectType } } "
        "pageInfo { hasNextPage endCursor } } }"
    )
    events = client.pages(query, "events", 100)
    times = [each["createdAt"] for each in events]
    assert times == sorted(times)
    assert len({each["id"] for each in events}) == len(events)
    assert (events[-1]["action"], events[-1]["subjectId"]) == ("destroy", product)
    destroyed = {each["subjectType"] for each in events if each["action"] == "destroy"}
    assert destroyed == {"PRODUCT"}


def test_lines_and_refunds_change_while_one_reads(client: Client) -> None:
    lines: dict[str, list[str]] = {}
    for each in client.truth("order_lines"):
        lines.setdefault(each["order_id"], []).append(each["id"])
    order = next(
        each["id"]
        for each in client.truth("orders")
        if each["financial_status"] == "PAID"
        and len(lines[each["id"]]) > 1
        and Decimal(each["received_shop"]) > 0
        and Decimal(each["refunded_shop"]) == 0
    )
    query = (
        "query($id: ID!) { order(id: $id) { edited displayFinancialStatus updatedAt "
        "lineItems(first: 20) { nodes { id currentQuantity } } refunds { id "
        "refundLineItems(first: 20) { nodes { quantity restockType } } } "
        "totalReceivedSet { shopMoney { amount } } totalRefundedSet { shopMoney { amount } } } }"
    )
    client.control("changes", {"action": "edit_order", "id": order, "remove_line": 0})
    client.control("changes", {"action": "edit_order", "id": order, "add_line": True})
    edited = client.data(query, id=order)["order"]
    now = [each["id"] for each in edited["lineItems"]["nodes"]]
    assert now[:-1] == lines[order][1:]
    assert now[-1] not in lines[order]
    assert edited["edited"]
    line = now[0]
    some = {"quantities": {line: 1}, "restock": "NO_RESTOCK"}
    client.control("changes", {"action": "refund_order", "id": order, **some})
    client.control("changes", {"action": "refund_order", "id": order, "goodwill_share": 0.1})
    client.control("changes", {"action": "refund_order", "id": order, "with_shipping": True})
    done = client.data(query, id=order)["order"]
    assert [len(each["refundLineItems"]["nodes"]) for each in done["refunds"]][:2] == [1, 0]
    assert done["refunds"][0]["refundLineItems"]["nodes"][0]["restockType"] == "NO_RESTOCK"
    assert {each["currentQuantity"] for each in done["lineItems"]["nodes"]} == {0}
    received = Decimal(done["totalReceivedSet"]["shopMoney"]["amount"])
    assert 0 < Decimal(done["totalRefundedSet"]["shopMoney"]["amount"]) <= received
    assert done["updatedAt"] > edited["updatedAt"]


def test_a_merge_is_seen_by_its_job_and_by_the_orders(client: Client) -> None:
    owners = [each["customer_id"] for each in client.truth("orders") if each["customer_id"]]
    from_id, into_id = owners[0], next(each for each in owners if each != owners[0])
    made = client.control(
        "changes", {"action": "merge_customers", "from": from_id, "into": into_id}
    )
    found = client.data(
        "query($job: ID!, $a: ID!, $b: ID!) { customerMergeJobStatus(jobId: $job) { status "
        "resultingCustomerId } a: customer(id: $a) { id } b: customer(id: $b) { id updatedAt } }",
        job=f"gid://shopify/Job/{made['job_id']}",
        a=from_id,
        b=into_id,
    )
    assert found["customerMergeJobStatus"] == {
        "status": "COMPLETED",
        "resultingCustomerId": into_id,
    }
    assert found["a"] is None
    assert found["b"]["updatedAt"] == client.http.get("/_control/clock").json()["now"][:19] + "Z"
    assert from_id not in {each["customer_id"] for each in client.truth("orders")}
    tombstone = next(each for each in client.truth("deletions") if each["id"] == from_id)
    assert tombstone["merged_into"] == into_id


def test_an_id_that_is_none_is_refused_and_an_unknown_one_is_null(client: Client) -> None:
    query = "query($id: ID!) { order(id: $id) { id } }"
    assert client.data(query, id="gid://shopify/Order/1") == {"order": None}
    for wrong in ("1", "gid://shopify/Customer/1", "gid://shopify/Order/x"):
        assert "Invalid global id" in client.ask(query, id=wrong)["errors"][0]["message"]


def test_what_the_stand_in_does_not_know_is_an_error_not_a_guess(client: Client) -> None:
    answer = client.ask("{ shop { analyticsToken } }")
    assert answer["errors"][0]["extensions"]["code"] == "NOT_IN_STAND_IN"


def test_the_response_says_version_and_the_shops_time(client: Client) -> None:
    response = client.post("{ shop { name } }")
    assert response.headers["X-Shopify-API-Version"] == "2026-10"
    assert response.headers["Date"] == "Wed, 01 Jul 2026 06:00:00 GMT"


def _every_field(type_name: str, depth: int) -> str:
    """Selects all that can be selected without arguments."""
    named: Any = schema().type_map[type_name]
    parts = []
    for name, field in named.fields.items():
        if any(str(each.type).endswith("!") for each in field.args.values()):
            continue
        inner: Any = field.type
        while hasattr(inner, "of_type"):
            inner = inner.of_type
        if inner.name.endswith("Connection") or hasattr(inner, "types"):
            continue
        if hasattr(inner, "fields"):
            if depth == 0 or inner.name in {"Order", "Customer", "Product", "QueryRoot"}:
                continue
            below = _every_field(inner.name, depth - 1)
            if below:
                parts.append(f"{name} {{ {below} }}")
        else:
            parts.append(name)
    return " ".join(parts)


@pytest.mark.parametrize(
    ("root", "type_name"),
    [
        ("orders", "Order"),
        ("customers", "Customer"),
        ("products", "Product"),
        ("productVariants", "ProductVariant"),
        ("disputes", "ShopifyPaymentsDispute"),
        ("tenderTransactions", "TenderTransaction"),
    ],
)
def test_every_field_answers_or_says_that_it_does_not(
    make: Callable[..., Client], root: str, type_name: str
) -> None:
    client = make(cost_model="observed")
    query = f"{{ {root}(first: 20) {{ nodes {{ {_every_field(type_name, 2)} }} }} }}"
    answer = client.ask(query)
    codes = {each.get("extensions", {}).get("code") for each in answer.get("errors", [])}
    assert codes <= {"NOT_IN_STAND_IN"}, answer["errors"][:3]
