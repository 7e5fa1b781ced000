"""Costs as Shopify documents or reports them, and the arithmetic of the bucket."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from hypothesis import given
from hypothesis import strategies as st

from demo.stores.shopify.cost import MODELS, Bucket, CostReader
from demo.stores.shopify.graph import schema


def _cost(query: str, model: str = "documented", **variables: Any) -> CostReader:
    document = parse(query)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return CostReader(schema(), document, operation, variables, MODELS[model])


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        # The API reference gives 3 for one product with its title.
        ("{ products(first: 1) { edges { node { title } } } }", 3),
        ("{ products(first: 1) { nodes { title } } }", 3),
        ("{ shop { name } }", 1),
        ("{ shop { name plan { shopifyPlus } } }", 2),
        ("{ products(first: 10) { nodes { id variants(first: 5) { nodes { price } } } } }", 82),
        ("{ orders(first: 250) { nodes { id } pageInfo { hasNextPage } } }", 253),
        ("{ orders(last: 3) { nodes { id totalPriceSet { shopMoney { amount } } } } }", 11),
        ('{ order(id: "gid://shopify/Order/1") { refunds { id } } }', 2),
        ('{ order(id: "gid://shopify/Order/1") { refunds(first: 4) { id } } }', 5),
        ('{ nodes(ids: ["gid://shopify/Order/1", "gid://shopify/Order/2"]) { id } }', 2),
        ("{ a: shop { name } b: shop { name } }", 2),
        # The dearest choice of a union counts.
        (
            "{ discountNodes(first: 1) { nodes { discount { ... on DiscountCodeBasic { codesCount "
            "{ count } } ... on DiscountCodeFreeShipping { title } } } } }",
            5,
        ),
        ('mutation { bulkOperationRunQuery(query: "") { bulkOperation { id } } }', 10),
    ],
)
def test_the_documented_cost(query: str, cost: int) -> None:
    assert _cost(query).requested() == cost


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ products(first: 1) { edges { node { title } } } }", 3),
        ("{ orders(first: 250) { nodes { id } } }", 13),
        (
            "{ products(first: 250) { nodes { variants(first: 250) { nodes { id } } "
            "options { id } } } }",
            167,
        ),
        ("{ orders(first: 250) { nodes { id lineItems(first: 250) { nodes { id } } } } }", 156),
        (
            '{ product(id: "gid://shopify/Product/1") { variants(first: 250) { nodes '
            "{ inventoryItem { id tracked } } } } }",
            25,
        ),
    ],
)
def test_the_observed_cost_is_what_was_reported(query: str, cost: int) -> None:
    assert _cost(query, "observed").requested() == cost


@given(st.integers(1, 250), st.integers(1, 250))
def test_the_default_is_the_stricter_model(outer: int, inner: int) -> None:
    query = (
        "query($a: Int, $b: Int) { orders(first: $a) { nodes { id customer { id } "
        "lineItems(first: $b) { nodes { id } pageInfo { hasNextPage } } } } }"
    )
    strict = _cost(query, a=outer, b=inner).requested()
    assert strict == 2 + outer * (2 + 2 + inner + 1)
    assert strict >= _cost(query, "observed", a=outer, b=inner).requested()


def test_fragments_and_variables_with_a_default_count() -> None:
    query = (
        "query($n: Int = 7) { orders(first: $n) { ...Page } } "
        "fragment Page on OrderConnection { nodes { ...One } } "
        "fragment One on Order { id customer { id } }"
    )
    assert _cost(query, n=7).requested() == 2 + 7 * 2


def test_the_actual_cost_is_of_what_came() -> None:
    reader = _cost(
        "{ orders(first: 100) { nodes { id customer { id } refunds(first: 3) { id } } "
        "pageInfo { hasNextPage } } }"
    )
    nodes = [
        {"id": "1", "customer": None, "refunds": []},
        {"id": "2", "customer": {"id": "3"}, "refunds": [{"id": "4"}, {"id": "5"}]},
    ]
    data = {"orders": {"nodes": nodes, "pageInfo": {"hasNextPage": False}}}
    assert reader.requested() == 2 + 100 * 5 + 1
    assert reader.actual(data) == 2 + 1 + (1 + 3 + 1)
    assert reader.actual({"orders": None}) == 0
    assert reader.actual(None) == 0


def test_the_bucket_leaks_and_fills() -> None:
    now = [0.0]
    bucket = Bucket(2_000, 100, lambda: now[0])
    assert bucket.status() == {
        "maximumAvailable": 2000.0,
        "currentlyAvailable": 2000,
        "restoreRate": 100.0,
    }
    bucket.charge(1_500)
    assert bucket.available() == 500
    now[0] = 2.5
    assert bucket.available() == 750
    now[0] = 60
    assert bucket.available() == 2_000
    bucket.drain()
    assert bucket.available() == 0


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 1_000)), max_size=30))
def test_the_bucket_is_never_above_its_size_nor_below_zero(steps: list[tuple[float, int]]) -> None:
    now = [0.0]
    bucket = Bucket(1_000, 50, lambda: now[0])
    for wait, points in steps:
        now[0] += wait
        assert 0 <= bucket.available() <= 1_000
        bucket.charge(min(points, bucket.available()))
        assert 0 <= bucket.available() <= 1_000
