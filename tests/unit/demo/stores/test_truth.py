"""What the API answers is what the shop is: compared row by row, field by field."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.demo.stores.asking import Client, Json

_BAG = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"


@pytest.fixture
def client(make: Callable[..., Client]) -> Client:
    return make(cost_model="observed")


def _money(row: Json, name: str, bag: Json) -> None:
    assert Decimal(row[f"{name}_shop"]) == Decimal(bag["shopMoney"]["amount"])
    assert Decimal(row[f"{name}_presentment"]) == Decimal(bag["presentmentMoney"]["amount"])
    assert row["currency"] == bag["shopMoney"]["currencyCode"]
    assert row["presentment_currency"] == bag["presentmentMoney"]["currencyCode"]


def _by_id(rows: list[Json]) -> dict[str, Json]:
    found = {row["id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def _same_time(truth: str | None, answer: str | None) -> bool:
    return (truth and truth.replace("+00:00", "Z")) == answer


def test_orders(client: Client) -> None:
    query = (
        "query($n: Int!, $after: String) { orders(first: $n, after: $after, sortKey: ID) { nodes "
        "{ id name email test tags note sourceName createdAt processedAt updatedAt cancelledAt "
        "displayFinancialStatus discountCodes customer { id } "
        f"totalPriceSet {_BAG} subtotalPriceSet {_BAG} totalDiscountsSet {_BAG} totalTaxSet {_BAG} "
        f"totalShippingPriceSet {_BAG} totalReceivedSet {_BAG} totalRefundedSet {_BAG} "
        f"currentTotalPriceSet {_BAG} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )
    answers = _by_id(client.pages(query, "orders", 60))
    truth = _by_id(client.truth("orders"))
    assert set(answers) == set(truth)
    for number, row in truth.items():
        answer = answers[number]
        assert row["customer_id"] == (answer["customer"] or {}).get("id")
        assert row["financial_status"] == answer["displayFinancialStatus"]
        assert row["discount_codes"] == answer["discountCodes"]
        for name in ("name", "email", "test", "tags", "note"):
            assert row[name] == answer[name]
        for name, field in (
            ("created_at", "createdAt"),
            ("processed_at", "processedAt"),
            ("updated_at", "updatedAt"),
            ("cancelled_at", "cancelledAt"),
        ):
            assert _same_time(row[name], answer[field])
        for name, field in (
            ("total_price", "totalPriceSet"),
            ("subtotal", "subtotalPriceSet"),
            ("discount", "totalDiscountsSet"),
            ("tax", "totalTaxSet"),
            ("shipping", "totalShippingPriceSet"),
            ("received", "totalReceivedSet"),
            ("refunded", "totalRefundedSet"),
            ("current_total_price", "currentTotalPriceSet"),
        ):
            _money(row, name, answer[field])


def _nested(client: Client, selection: str) -> list[Json]:
    query = (
        "query($n: Int!, $after: String) { orders(first: $n, after: $after, sortKey: ID) { nodes "
        f"{{ id {selection} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )
    return client.pages(query, "orders", 25)


def _all(
    client: Client, parent: str, kind: str, field: str, selection: str, got: Json
) -> list[Json]:
    """Pages a nested connection to its end."""
    rows: list[Json] = list(got["nodes"])
    while got["pageInfo"]["hasNextPage"]:
        query = (
            f"query($id: ID!, $after: String) {{ node(id: $id) {{ ... on {kind} {{ "
            f"{field}(first: 100, after: $after) {{ nodes {{ {selection} }} "
            "pageInfo { hasNextPage endCursor } } } } }"
        )
        got = client.data(query, id=parent, after=got["pageInfo"]["endCursor"])["node"][field]
        rows += got["nodes"]
    return rows


def test_lines(client: Client) -> None:
    selection = (
        f"id sku quantity currentQuantity product {{ id }} variant {{ id }} originalUnitPriceSet "
        f"{_BAG} originalTotalSet {_BAG} totalDiscountSet {_BAG} "
        f"discountedTotalSet(withCodeDiscounts: true) {_BAG} taxLines {{ priceSet {_BAG} }}"
    )
    page = "pageInfo { hasNextPage endCursor }"
    truth = _by_id(client.truth("order_lines"))
    seen = 0
    for order in _nested(client, f"lineItems(first: 10) {{ nodes {{ {selection} }} {page} }}"):
        lines = _all(client, order["id"], "Order", "lineItems", selection, order["lineItems"])
        for line in lines:
            row = truth[line["id"]]
            seen += 1
            assert row["order_id"] == order["id"]
            assert row["product_id"] == (line["product"] or {}).get("id")
            assert row["variant_id"] == (line["variant"] or {}).get("id")
            assert (row["quantity"], row["current_quantity"], row["sku"]) == (
                line["quantity"],
                line["currentQuantity"],
                line["sku"],
            )
            _money(row, "unit_price", line["originalUnitPriceSet"])
            _money(row, "original_total", line["originalTotalSet"])
            _money(row, "discount", line["totalDiscountSet"])
            _money(row, "discounted_total", line["discountedTotalSet"])
            taxes = [Decimal(each["priceSet"]["shopMoney"]["amount"]) for each in line["taxLines"]]
            assert sum(taxes, Decimal(0)) == Decimal(row["tax_shop"])
    assert seen == len(truth)


def test_refunds_with_their_lines(client: Client) -> None:
    selection = (
        f"id quantity restockType lineItem {{ id }} priceSet {_BAG} subtotalSet {_BAG} "
        f"totalTaxSet {_BAG}"
    )
    page = "pageInfo { hasNextPage endCursor }"
    query = (
        f"refunds {{ id createdAt note totalRefundedSet {_BAG} transactions(first: 5) "
        f"{{ nodes {{ id }} }} refundLineItems(first: 3) {{ nodes {{ {selection} }} {page} }} }}"
    )
    refunds, lines = _by_id(client.truth("refunds")), _by_id(client.truth("refund_lines"))
    transactions = _by_id(client.truth("transactions"))
    seen: set[str] = set()
    for order in _nested(client, query):
        for refund in order["refunds"]:
            row = refunds.pop(refund["id"])
            assert (row["order_id"], row["note"]) == (order["id"], refund["note"])
            _money(row, "total_refunded", refund["totalRefundedSet"])
            for each in refund["transactions"]["nodes"]:
                assert transactions[each["id"]]["refund_id"] == refund["id"]
            got = refund["refundLineItems"]
            for line in _all(client, refund["id"], "Refund", "refundLineItems", selection, got):
                row = lines[line["id"]]
                seen.add(line["id"])
                assert row["refund_id"] == refund["id"]
                assert row["line_id"] == line["lineItem"]["id"] != line["id"]
                assert row["restock_type"] == line["restockType"]
                assert row["quantity"] == line["quantity"]
                _money(row, "subtotal", line["subtotalSet"])
                _money(row, "tax", line["totalTaxSet"])
    assert refunds == {}
    assert seen == set(lines)


def test_transactions_with_their_fees(client: Client) -> None:
    query = (
        f"transactions {{ id kind status gateway test errorCode createdAt parentTransaction "
        f"{{ id }} amountSet {_BAG} fees {{ id amount {{ amount currencyCode }} rate }} }}"
    )
    rows, fees = _by_id(client.truth("transactions")), _by_id(client.truth("transaction_fees"))
    for order in _nested(client, query):
        for each in order["transactions"]:
            row = rows.pop(each["id"])
            assert row["order_id"] == order["id"]
            assert row["parent_id"] == (each["parentTransaction"] or {}).get("id")
            assert _same_time(row["created_at"], each["createdAt"])
            for name, field in (
                ("kind", "kind"),
                ("status", "status"),
                ("gateway", "gateway"),
                ("test", "test"),
                ("error_code", "errorCode"),
            ):
                assert row[name] == each[field]
            _money(row, "amount", each["amountSet"])
            for fee in each["fees"]:
                found = fees.pop(fee["id"])
                assert found["transaction_id"] == each["id"]
                assert Decimal(found["amount"]) == Decimal(fee["amount"]["amount"])
                assert Decimal(found["rate"]) == Decimal(fee["rate"])
    assert rows == fees == {}


@pytest.mark.parametrize(
    ("entity", "root", "selection", "names"),
    [
        (
            "customers",
            "customers",
            "id firstName lastName note tags state updatedAt defaultEmailAddress { emailAddress }",
            {
                "first_name": lambda a: a["firstName"],
                "note": lambda a: a["note"],
                "tags": lambda a: a["tags"],
                "email": lambda a: (a["defaultEmailAddress"] or {}).get("emailAddress"),
            },
        ),
        (
            "products",
            "products",
            "id title vendor productType status tags updatedAt",
            {
                "title": lambda a: a["title"],
                "product_type": lambda a: a["productType"],
                "vendor": lambda a: a["vendor"],
                "tags": lambda a: a["tags"],
            },
        ),
        (
            "variants",
            "productVariants",
            "id sku price updatedAt product { id } inventoryItem { unitCost { amount } }",
            {
                "product_id": lambda a: a["product"]["id"],
                "sku": lambda a: a["sku"],
                "price": lambda a: a["price"],
            },
        ),
        (
            "discounts",
            "discountNodes",
            "id discount { ... on DiscountCodeBasic { title updatedAt } "
            "... on DiscountCodeFreeShipping { title updatedAt } "
            "... on DiscountAutomaticBasic { title updatedAt } "
            "... on DiscountAutomaticFreeShipping { title updatedAt } }",
            {"title": lambda a: a["discount"]["title"]},
        ),
        (
            "disputes",
            "disputes",
            "id type status order { id } amount { amount }",
            {
                "type": lambda a: a["type"],
                "status": lambda a: a["status"],
                "order_id": lambda a: a["order"]["id"],
            },
        ),
    ],
)
def test_the_other_entities(
    client: Client, entity: str, root: str, selection: str, names: dict[str, Any]
) -> None:
    query = (
        f"query($n: Int!, $after: String) {{ {root}(first: $n, after: $after) {{ nodes "
        f"{{ {selection} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )
    answers, truth = _by_id(client.pages(query, root, 40)), _by_id(client.truth(entity))
    assert set(answers) == set(truth)
    for number, row in truth.items():
        answer = answers[number]
        for name, read in names.items():
            assert row[name] == read(answer), name
        if "updatedAt" in answer:
            assert _same_time(row["updated_at"], answer["updatedAt"])
        if entity == "variants":
            cost = answer["inventoryItem"]["unitCost"]
            assert (row["unit_cost"] and Decimal(row["unit_cost"])) == (
                cost and Decimal(cost["amount"])
            )
