"""Calendar rules: how long a month is, where a backtest is cut, what a horizon is called."""

from __future__ import annotations

from datetime import date, timedelta

DAYS_PER_MONTH = 30.4375
DAYS_PER_WEEK = 7
MIN_HOLDOUT_DAYS = 180
# What must lie before a cutoff: two months, and so much of the holdout after it.
MIN_KNOWN_DAYS = 61
KNOWN_SHARE = 0.4


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


def rolling_cutoffs(
    as_of: date, horizon_days: int, history_days: int, origins: int, *, month_ends: bool
) -> list[tuple[date, int]]:
    """Returns the cutoffs of a backtest with the length of each one's holdout, latest first.

    All holdouts are of one length. It is the horizon's, unless the history is too short to know
    anything before: then half of the history is held out.

    Args:
        as_of: Last day of the data.
        horizon_days: Horizon in question.
        history_days: Days from the first paid day to `as_of`, both included.
        origins: At most so many, a quarter apart.
        month_ends: Whether cutoffs lie on month ends (the holdout is then up to a month longer).

    Returns:
        (cutoff, days) pairs; none where the history is below four months.
    """
    needed = max(MIN_KNOWN_DAYS, round(KNOWN_SHARE * horizon_days))
    if month_ends:
        latest = holdout_cutoff(as_of, round(horizon_days * MIN_HOLDOUT_DAYS / 183))
    else:
        latest = as_of - timedelta(days=horizon_days)
    if history_days - (as_of - latest).days < needed:
        latest = as_of - timedelta(days=history_days // 2)
    days = (as_of - latest).days
    needed = max(MIN_KNOWN_DAYS, round(KNOWN_SHARE * days))
    found = []
    for step in range(origins):
        cutoff = latest - timedelta(days=round(step * 3 * DAYS_PER_MONTH))
        if step and month_ends:
            cutoff = holdout_cutoff(cutoff, 0)
        if history_days - (as_of - cutoff).days < needed:
            break
        found.append((cutoff, days))
    return found
