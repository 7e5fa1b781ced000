"""Who went where, counted by hand."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ml.segments.migration import MIN_CUSTOMERS, migrations
from ml.segments.stages import stages

THEN = date(2025, 9, 30)


def _moves(*moves: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(
        [(a, b, THEN) for a, b, times in moves for _ in range(times)],
        columns=["segment_from", "segment_to", "from_date"],
    )


def test_a_matrix_by_hand() -> None:
    found = migrations(_moves(("a", "b", 15), ("a", "a", 5), ("b", "c", MIN_CUSTOMERS - 1)))
    rows = found.set_index(["segment_from", "segment_to"])
    assert rows.loc[("a", "b")].tolist() == [THEN, 15, 0.75, True]
    assert rows.loc[("a", "a")].tolist() == [THEN, 5, 0.25, False]
    # Too few to say where the next one goes.
    assert rows.loc[("b", "c")].tolist() == [THEN, MIN_CUSTOMERS - 1, 1.0, False]


def test_of_equal_ways_the_first_by_name_is_predicted() -> None:
    found = migrations(_moves(("a", "y", 10), ("a", "x", 10)))
    assert found[found["is_most_likely"]]["segment_to"].tolist() == ["x"]


def test_nobody_went_anywhere() -> None:
    assert migrations(_moves()).empty


def test_probabilities_of_a_planted_chain_are_found() -> None:
    random = np.random.default_rng(1)
    to = random.choice(["stay", "leave"], p=[0.3, 0.7], size=4_000)
    found = migrations(pd.DataFrame({"segment_from": "s", "segment_to": to, "from_date": THEN}))
    rows = found.set_index("segment_to")
    assert rows.loc["leave", "probability"] == pytest.approx(0.7, abs=0.03)
    assert rows.loc["leave", "is_most_likely"]
    assert found["probability"].sum() == pytest.approx(1)


def test_stages_end_on_their_last_day() -> None:
    days = np.array([0, 90, 90.5, 91, 180, 181, 365, 366])
    assert stages(days).tolist() == [
        "New",
        "New",
        "Growing",
        "Growing",
        "Growing",
        "Established",
        "Established",
        "Loyal",
    ]
