"""When models compete again: counted in days of data, and never twice for the same thing."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.monitoring.retraining import (
    EARLIEST_DAYS,
    EVERY_DAYS,
    NO_CHAMPION,
    LastContest,
    Signs,
    decided,
    reasons_for_a_contest,
)

HELD = date(2026, 6, 1)
LAST = LastContest(HELD, "same")


def after(days: int, **signs: object) -> list[str]:
    today = Signs(HELD + timedelta(days=days), "same", **signs)  # type: ignore[arg-type]
    return reasons_for_a_contest(LAST, today)


def test_without_a_champion_a_contest_is_due() -> None:
    assert reasons_for_a_contest(None, Signs(HELD, "any")) == [NO_CHAMPION]


def test_it_is_due_each_week_of_data() -> None:
    assert after(EVERY_DAYS - 1) == []
    assert after(EVERY_DAYS) == ["7 days of new data since the last contest"]


def test_other_settings_or_code_ask_at_once() -> None:
    (reason,) = reasons_for_a_contest(LAST, Signs(HELD, "other"))
    assert "code of the models" in reason


def test_a_champion_that_has_seen_days_that_are_gone_is_replaced() -> None:
    (reason,) = after(-1)
    assert "2026-05-31" in reason


def test_accuracy_and_drift_ask_and_say_what() -> None:
    reasons = after(
        3,
        alarms=["6 months from 2025-12-01 off by 9.00"],
        drifted=frozenset({"feature frequency", "segment country"}),
        drifted_before=frozenset({"segment country"}),
    )
    assert reasons == [
        "realised accuracy fell: 6 months from 2025-12-01 off by 9.00",
        "drift: feature frequency",
    ]


@given(days=st.integers(0, EVERY_DAYS - 1), names=st.frozensets(st.text(min_size=1), max_size=5))
def test_the_same_drift_asks_for_no_second_contest(days: int, names: frozenset[str]) -> None:
    assert after(days, drifted=names, drifted_before=names) == []


@given(days=st.integers(0, EARLIEST_DAYS - 1), names=st.frozensets(st.text(min_size=1), max_size=5))
def test_figures_that_scatter_do_not_ask_each_night(days: int, names: frozenset[str]) -> None:
    assert after(days, drifted=names, alarms=["off"]) == []


@pytest.mark.parametrize(
    ("before", "champion", "decision"),
    [(None, "blend", "first"), ("blend", "blend", "kept"), ("naive", "blend", "promoted")],
)
def test_a_decision_has_a_name(before: str | None, champion: str, decision: str) -> None:
    assert decided(before, champion) == decision
