from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.horizons import holdout_cutoff, horizon_days, horizon_name, in_weeks


@pytest.mark.parametrize("months", [0, -3])
def test_a_horizon_below_a_month_is_refused(months: int) -> None:
    with pytest.raises(ValueError, match="at least one month"):
        horizon_days(months)


@pytest.mark.parametrize(("months", "days"), [(3, 91), (6, 183), (12, 365), (1, 30)])
def test_a_month_is_30_4375_days(months: int, days: int) -> None:
    assert horizon_days(months) == days


def test_a_horizon_is_named_by_its_weeks() -> None:
    assert horizon_name(181) == "26w"
    assert in_weeks(91) == 13.0


@pytest.mark.parametrize(
    ("as_of", "cutoff"),
    [
        (date(2026, 6, 30), date(2025, 12, 31)),
        (date(2026, 6, 29), date(2025, 12, 31)),
        (date(2026, 6, 28), date(2025, 11, 30)),
        (date(2024, 8, 27), date(2024, 2, 29)),
    ],
)
def test_the_cutoff_is_the_last_month_end_180_days_before(as_of: date, cutoff: date) -> None:
    assert holdout_cutoff(as_of) == cutoff


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_the_holdout_is_between_180_and_210_days(as_of: date) -> None:
    assert 180 <= (as_of - holdout_cutoff(as_of)).days <= 210
