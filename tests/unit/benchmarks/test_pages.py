"""The made shop answers what the connector asks, and all of it."""

from __future__ import annotations

from itertools import islice
from typing import Any

import orjson
import pytest
from graphql import FieldNode, SelectionSetNode, parse

from benchmarks import pages
from benchmarks.pages import Shop
from ingestion.records import Record
from ingestion.sources.shopify import queries
from ingestion.sources.shopify.client import _envelope
from ingestion.sources.shopify.records import OF_LISTINGS

SHOP = Shop(61)


def asked(selections: SelectionSetNode, data: Any) -> Any:
    """Returns the fields that a query asks for where the answer has an object."""
    if isinstance(data, list):
        return [asked(selections, each) for each in data]
    if data is None:
        return None
    found: dict[str, Any] = {}
    for node in selections.selections:
        if not isinstance(node, FieldNode):
            condition = node.type_condition  # type: ignore[union-attr]
            if condition.name.value == data.get("__typename", condition.name.value):
                found |= asked(node.selection_set, data)  # type: ignore[union-attr]
            continue
        name = node.name.value
        inner = node.selection_set
        found[name] = asked(inner, data[name]) if inner else data[name]
    return found


def data(query: str, content: bytes) -> tuple[Any, Any]:
    """Returns the data of an answer, and what of them was asked for."""
    document = parse(query)
    came = orjson.loads(content)["data"]
    return came, asked(document.definitions[0].selection_set, came)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("listing", "made"),
    [
        (queries.ORDERS, list(SHOP.order_pages())),
        (queries.CUSTOMERS, list(SHOP.customer_pages())),
        (queries.ORDERS, list(Shop(61, changed=True).order_pages())),
    ],
)
def test_a_page_has_what_is_asked_and_nothing_else(
    listing: queries.Listing, made: list[bytes]
) -> None:
    for content in made:
        came, wanted = data(listing.page, content)
        assert came == wanted
        # And it needs no dicts.
        assert isinstance(_envelope(content, OF_LISTINGS[listing.name]), Record)
    assert [orjson.loads(each)["data"][listing.connection]["pageInfo"] for each in made][-1][
        "hasNextPage"
    ] is False


def test_a_refund_has_what_is_asked_and_nothing_else() -> None:
    refund = pages.refund("gid://shopify/Refund/900000000020")
    came, wanted = data(queries.REFUNDS, pages.envelope(f'{{"nodes":[{refund}]}}'))
    assert came == wanted


def test_an_order_has_two_and_a_half_lines_and_the_shop_as_many_orders_as_said() -> None:
    orders = [
        order
        for page in Shop(1_000).order_pages()
        for order in orjson.loads(page)["data"]["orders"]["nodes"]
    ]
    assert len({order["id"] for order in orders}) == 1_000
    assert sum(len(order["lineItems"]["nodes"]) for order in orders) == 2_500


def test_a_tenth_has_changed_since() -> None:
    first = next(islice(Shop(100, changed=True).order_pages(), 1))
    orders = orjson.loads(first)["data"]["orders"]["nodes"]
    assert len(orders) == 10
    assert orders[0]["updatedAt"] > Shop(100).changed_at(99)
