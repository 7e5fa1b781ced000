from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.errors import SourceError
from ingestion.sources.shopify import queries
from ingestion.sources.shopify.client import Answer
from ingestion.sources.shopify.deletions import Differences, compare_ids, count


class Shop:
    """Counts and lists ids."""

    def __init__(self, ids: set[int], precision: str = "EXACT") -> None:
        self.ids = sorted(ids)
        self.precision = precision
        self.requests = 0

    def ask(self, operation: str, _: str, variables: dict[str, Any], *__: Any) -> Answer:
        self.requests += 1
        kept = self.ids
        for sign, text in re.findall(r"id:(<=|>=|>|<)(\d+)", variables["query"] or ""):
            bound = int(text)
            test = {
                "<=": lambda n, b=bound: n <= b,
                ">=": lambda n, b=bound: n >= b,
                "<": lambda n, b=bound: n < b,
                ">": lambda n, b=bound: n > b,
            }[sign]
            kept = [number for number in kept if test(number)]
        if operation == "OrdersCount":
            counted = {"count": len(kept), "precision": self.precision}
            return Answer({"ordersCount": counted}, None)
        assert operation == "OrdersIds"
        after = variables["after"] or 0
        rest = [number for number in kept if number > after]
        page = rest[: variables["first"]]
        info = {"hasNextPage": len(rest) > len(page), "endCursor": page[-1] if page else None}
        nodes = [{"id": f"gid://shopify/Order/{number}"} for number in page]
        return Answer({"orders": {"nodes": nodes, "pageInfo": info}}, None)

    def error(self, name: str, what: str) -> SourceError:
        return SourceError(f"{name}: {what}")


def compare(shop: Shop, known: set[int], dead: set[int]) -> Differences:
    arrays = [np.array(sorted(each), dtype=np.int64) for each in (known, dead)]
    return compare_ids(shop, queries.ORDERS, *arrays)  # type: ignore[arg-type]


ids = st.sets(st.integers(1, 3000), min_size=1, max_size=1500)


@settings(max_examples=60)
@given(ids, st.sets(st.integers(1, 3000), max_size=20), st.integers(0, 2**32))
def test_whatever_was_deleted_is_found(known: set[int], dead: set[int], seed: int) -> None:
    gone = set(np.random.default_rng(seed).choice(sorted(known), 3).tolist())
    found = compare(Shop(known - gone), known, dead - known)
    assert set(found.gone) == gone
    assert found.missing == found.back == []


@given(ids)
def test_agreement_costs_one_request(known: set[int]) -> None:
    shop = Shop(known)
    assert compare(shop, known, set()) == Differences()
    assert shop.requests == 1


def test_one_deletion_among_many_is_found_with_few_requests() -> None:
    known = set(range(1, 100_001))
    shop = Shop(known - {77_777})
    assert compare(shop, known, set()).gone == [77_777]
    assert shop.requests < 40


def test_what_did_not_land_and_what_came_back_is_found() -> None:
    known = set(range(1, 2001, 2))
    found = compare(Shop(known | {500, 1000, 1501 + 1}), known, {1000})
    assert (found.gone, found.back, found.missing) == ([], [1000], [500, 1502])


def test_a_backfill_that_was_never_made_is_not_mended_object_by_object() -> None:
    shop = Shop(set(range(1, 5001)))
    found = compare(shop, set(range(1, 5001, 2)), set())
    assert found == Differences(surplus=2499)
    assert shop.requests == 1


def test_a_count_that_is_a_guess_is_refused() -> None:
    with pytest.raises(SourceError, match="isn't exact"):
        count(Shop({1}, precision="AT_LEAST"), queries.ORDERS, None)  # type: ignore[arg-type]
