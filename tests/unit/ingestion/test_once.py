from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion import once
from ingestion.once import Once


@given(st.lists(st.lists(st.integers(-1, 60), max_size=12), max_size=40), st.integers(1, 20))
def test_every_number_comes_first_once_and_a_negative_one_always(
    pages: list[list[int]], recent: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(once, "RECENT", recent)
        seen, before = Once(), set[int]()
        for page in pages:
            expected = []
            for number in page:
                expected.append(number < 0 or number not in before)
                before.add(number)
            assert seen.first(page) == expected


def test_numbers_of_shopifys_size_are_kept_apart() -> None:
    seen = Once()
    numbers = [2**62 + number for number in range(3 * once.RECENT)]
    assert all(seen.first(numbers))
    assert seen.first([numbers[5], 2**62 - 1, numbers[-1]]) == [False, True, False]
