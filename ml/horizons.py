"""Calendar rules: how long a month is, where a backtest is cut, what a horizon is called."""

from __future__ import annotations

from datetime import date, timedelta

DAYS_PER_MONTH = 30.4375
DAYS_PER_WEEK = 7
MIN_HOLDOUT_DAYS = 180


def horizon_days(months: int) -> int:
    """Returns the length of a horizon of `months` months, in whole days.

    Raises:
        ValueError: `months` is below 1.
    """
    if months < 1:
        raise ValueError(f"a horizon is at least one month long, not {months}")
    return round(DAYS_PER_MONTH * months)


def in_weeks(days: int) -> float:
    """Returns `days` in weeks, the one unit of time in which the models work."""
    return days / DAYS_PER_WEEK


def horizon_name(days: int) -> str:
    """Returns the name of a backtest's horizon: its length rounded to weeks, e.g. ``26w``."""
    return f"{round(in_weeks(days))}w"


def holdout_cutoff(as_of: date, min_days: int = MIN_HOLDOUT_DAYS) -> date:
    """Returns the last month end that lies at least `min_days` days before `as_of`."""
    latest = as_of - timedelta(days=min_days)
    day_after = latest + timedelta(days=1)
    if day_after.day == 1:
        return latest
    return latest.replace(day=1) - timedelta(days=1)
