"""Revenue by calendar month and cohort: what the champion's customers and new ones will bring.

Existing customers bring what the champion expects of each. New ones come at the rate of the last
quarter, with the season of the year before where there was one, and spend along the age curve of
the customers so far. How far off that is, is measured by forecasting again from earlier cutoffs.

The total is then drawn towards the same month of the year before, as far as the backtests say that
this errs less: a weighted geometric mean whose weight is the least squares one (Bates, Granger, The
Combination of Forecasts, Operational Research Quarterly 20, 1969), cut to 0..1. All cohorts of a
month are scaled to the total, so that they still add up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy.stats import t as student

from ml.features.btyd import day_number
from ml.horizons import DAYS_PER_MONTH, DAYS_PER_WEEK
from ml.models.candidate import Candidate
from ml.models.preparation import Preparation

ALL, EXISTING, NEW = "all", "existing", "new"
MONTH = "month"
FORECAST, SEASONAL_NAIVE = "forecast", "seasonal_naive"
MONTHS = 12
LEVEL = 0.8
# Errors of fewer cutoffs say nothing of how they scatter.
MIN_WINDOWS = 3
_RATE_DAYS = 91
_YEAR_DAYS = 365
# A quarter of the year before with fewer new customers has no season to be read.
_MIN_SEASON = 20
# As many customers make an age curve.
_MIN_FRESH = 100
# Amounts below this share of a mean month are as good as nothing.
_NOTHING = 0.01
_MONEY_DECIMALS = 4


@dataclass(frozen=True)
class Revenue:
    """A forecast from a cutoff.

    Attributes:
        cutoff: Last day that was known.
        rows: `month` (date of its first day), `step` (1 is the first month after the cutoff, or the
            one under way), `cohort` (all, existing, new, and existing customers by quarter and by
            month of the first order, such as 2025-Q1 and 2025-01), `forecast`, `brought` (the part
            of it that a month under way has brought already), `actual` (nan where the month isn't
            over, or wasn't asked for), `seasonal_naive` (of cohort `all`; nan where there is none).
    """

    cutoff: date
    rows: pd.DataFrame


def month_ends(cutoff: date, months: int) -> list[date]:
    """Returns the last days of the months after a cutoff, that under way included."""
    year, month = (cutoff + timedelta(days=1)).year, (cutoff + timedelta(days=1)).month
    ends = []
    for _ in range(months):
        month += 1
        if month > 12:
            year, month = year + 1, 1
        ends.append(date(year, month, 1) - timedelta(days=1))
    return ends


def cohort_month(day: np.ndarray) -> np.ndarray:
    """Returns the months, such as 2025-01, of days since 1970-01-01."""
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(str)


def cohort_quarter(day: np.ndarray) -> np.ndarray:
    """Returns the quarters, such as 2025-Q1, of days since 1970-01-01."""
    months = day.astype("datetime64[D]").astype("datetime64[M]").astype("int64")
    return np.char.add(
        (1970 + months // 12).astype("int64").astype(str),
        np.char.add("-Q", (months % 12 // 3 + 1).astype(str)),
    )


def forecast_revenue(cumulative: np.ndarray, prepared: Preparation, cutoff: date) -> Revenue:
    """Lays out what is expected by month and cohort.

    Args:
        cumulative: Value that each customer of `prepared.customers(cutoff)`, in their order, is
            expected to bring from the cutoff to each of `month_ends`, base currency, shape (n, k).
        prepared: What was known; rows after the cutoff are left out.
        cutoff: Day from which it is forecast.

    Returns:
        The forecast. A month under way holds what it brought by the cutoff, under the cohorts of
        who brought it.
    """
    steps = cumulative.shape[1]
    ends = month_ends(cutoff, steps)
    customers = prepared.customers(cutoff)
    end = day_number(cutoff)
    first = end - np.rint(customers["T"].to_numpy() * DAYS_PER_WEEK).astype("int64")
    # Months first: a quarter is the sum of its months.
    cohorts, of = np.unique(cohort_month(first), return_inverse=True)
    monthly = np.diff(cumulative, axis=1, prepend=0.0)
    expected = np.zeros((len(cohorts), steps))
    brought = np.zeros((len(cohorts), steps))
    for column in range(steps):
        expected[:, column] = np.bincount(of, weights=monthly[:, column], minlength=len(cohorts))
    known = prepared.days[prepared.days["day"].to_numpy() <= end]
    if steps and len(known):
        under_way = known["day"].to_numpy() >= day_number(ends[0].replace(day=1))
        who = pd.Index(customers["customer_id"]).get_indexer(
            pd.Index(known["customer_id"][under_way])
        )
        brought[:, 0] = np.bincount(
            of[who], weights=known["value"].to_numpy()[under_way], minlength=len(cohorts)
        )
    expected += brought
    so_far = brought.sum(axis=0)
    existing = expected.sum(axis=0)
    new = _new_customers(known, first, cutoff, ends)
    naive = _year_before(known, ends)
    quarters = cohort_quarter(cohorts.astype("datetime64[D]").astype("int64"))
    parts = (expected, brought)
    frames = [
        _rows(ends, ALL, existing + new, so_far, naive),
        _rows(ends, EXISTING, existing, so_far),
        _rows(ends, NEW, new, np.zeros(steps)),
        *(
            _rows(ends, str(name), *(part[quarters == name].sum(axis=0) for part in parts))
            for name in np.unique(quarters)
        ),
        *(
            _rows(ends, str(name), *(part[row] for part in parts))
            for row, name in enumerate(cohorts)
        ),
    ]
    return Revenue(cutoff, pd.concat(frames, ignore_index=True))


def backtest_revenue(
    candidate: Candidate, prepared: Preparation, cutoff: date, as_of: date
) -> Revenue:
    """Forecasts from a cutoff the months that are over by `as_of`, and adds what came.

    Args:
        candidate: Fitted at the cutoff.
        prepared: Reaches to `as_of`.
        cutoff: Last day that the candidate knew.
        as_of: Last day of the data.
    """
    ends = [day for day in month_ends(cutoff, MONTHS) if day <= as_of]
    customers = prepared.customers(cutoff)
    weeks = [(day - cutoff).days / DAYS_PER_WEEK for day in ends]
    if not ends:
        return Revenue(cutoff, _rows([], ALL, np.zeros(0), np.zeros(0)))
    value = candidate.predict(customers, weeks)["predicted_value"].to_numpy()
    revenue = forecast_revenue(value.reshape(len(customers), len(ends)), prepared, cutoff)
    actual = actual_revenue(prepared, cutoff, ends)
    rows = revenue.rows.drop(columns="actual").merge(actual, on=["month", "cohort"], how="left")
    return Revenue(cutoff, rows.assign(actual=rows["actual"].fillna(0.0)))


def actual_revenue(prepared: Preparation, cutoff: date, ends: Sequence[date]) -> pd.DataFrame:
    """Returns what each month brought, by the cohorts that a forecast from the cutoff has."""
    days = prepared.days
    day = days["day"].to_numpy()
    ids = days["customer_id"].to_numpy()
    starts = np.ones(len(days), dtype=bool)
    starts[1:] = ids[1:] != ids[:-1]
    first = day[starts][np.cumsum(starts) - 1]
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    wanted = np.isin(month, np.array([end.replace(day=1) for end in ends], dtype="datetime64[M]"))
    # Summed by number before anything is named: there are few months, and many rows.
    summed = (
        pd.DataFrame(
            {
                "month": month[wanted].astype("int64"),
                "cohort": first[wanted]
                .astype("datetime64[D]")
                .astype("datetime64[M]")
                .astype("int64"),
                "is_new": first[wanted] > day_number(cutoff),
                "value": days["value"].to_numpy()[wanted],
            }
        )
        .groupby(["month", "cohort", "is_new"], sort=True)["value"]
        .sum()
        .reset_index()
    )
    is_new = summed["is_new"].to_numpy()
    cohort = summed["cohort"].to_numpy().astype("datetime64[M]").astype("datetime64[D]")
    cohort = cohort.astype("int64")
    frame = pd.DataFrame(
        {
            "month": summed["month"]
            .to_numpy()
            .astype("datetime64[M]")
            .astype("datetime64[D]")
            .astype(object),
            "value": summed["value"],
        }
    )
    parts = [
        frame.assign(cohort=ALL),
        frame.assign(cohort=np.where(is_new, NEW, EXISTING)),
        frame.assign(cohort=cohort_quarter(cohort))[~is_new],
        frame.assign(cohort=cohort_month(cohort))[~is_new],
    ]
    return (
        pd.concat(parts, ignore_index=True)
        .groupby(["month", "cohort"], sort=True)["value"]
        .sum()
        .rename("actual")
        .reset_index()
    )


def seasonal_weight(backtests: Sequence[Revenue]) -> float:
    """Returns the weight of the year before, 0 where fewer than `MIN_WINDOWS` cutoffs know it."""
    nothing = _nothing(backtests)
    products, squares = [], []
    for backtest in backtests:
        rows = backtest.rows[(backtest.rows["cohort"] == ALL)].dropna(subset=["seasonal_naive"])
        if rows.empty:
            continue
        forecast, naive, actual = (
            np.log(rows[name].to_numpy() + nothing) for name in (FORECAST, SEASONAL_NAIVE, "actual")
        )
        products.append(float(((naive - forecast) * (actual - forecast)).mean()))
        squares.append(float(((naive - forecast) ** 2).mean()))
    if len(squares) < MIN_WINDOWS or not any(squares):
        return 0.0
    return min(max(math.fsum(products) / math.fsum(squares), 0.0), 1.0)


def combined(revenue: Revenue, weight: float, nothing: float) -> Revenue:
    """Draws a forecast towards the year before; see the module.

    Args:
        revenue: The forecast.
        weight: See `seasonal_weight`.
        nothing: Added to amounts before their logarithm is taken.
    """
    if not weight:
        return revenue
    rows = revenue.rows
    total = rows[rows["cohort"] == ALL].set_index("month")
    forecast, naive = (total[name] + nothing for name in (FORECAST, SEASONAL_NAIVE))
    wanted = np.exp((1 - weight) * np.log(forecast) + weight * np.log(naive)) - nothing
    # What came already stays as it is: the rest is scaled.
    rest = total[FORECAST] - total["brought"]
    scale = (np.maximum(wanted - total["brought"], 0.0) / rest).where(rest > 0)
    factors = rows["month"].map(scale).fillna(1.0).astype("float64")
    scaled = rows["brought"] + (rows["forecast"] - rows["brought"]) * factors
    return Revenue(revenue.cutoff, rows.assign(forecast=scaled))


def with_intervals(revenue: Revenue, backtests: Sequence[Revenue]) -> pd.DataFrame:
    """Combines a forecast with the year before and adds ends within which 80 % of months lie.

    The log of actual over forecast is taken as normal around 0, with the mean square of the
    backtests' errors of the same kind of cohort: a bias of the past widens both ends. Student's t
    with as many degrees of freedom as cutoffs, whose months err together.

    Returns:
        The forecast's rows with `lower` and `upper`, nan below `MIN_WINDOWS` cutoffs.
    """
    nothing = _nothing(backtests)
    weight = seasonal_weight(backtests)
    rows = combined(revenue, weight, nothing).rows.copy()
    backtests = [combined(each, weight, nothing) for each in backtests]
    kinds = rows["cohort"].map(cohort_kind).to_numpy()
    rows["lower"], rows["upper"] = np.nan, np.nan
    for kind in sorted(set(kinds)):
        factor = _factor(backtests, kind, nothing)
        if factor is None:
            continue
        chosen = kinds == kind
        brought = rows.loc[chosen, "brought"]
        rest = rows.loc[chosen, "forecast"] - brought + nothing
        rows.loc[chosen, "lower"] = brought + np.maximum(rest / factor - nothing, 0.0)
        rows.loc[chosen, "upper"] = brought + rest * factor - nothing
    return rows


def score_forecasts(backtests: Sequence[Revenue]) -> pd.DataFrame:
    """Judges the forecast of a company's revenue, and the same month a year before.

    Returns:
        `model`, `horizon_months` (months ahead), `mae`, `mape` (nan where a month brought nothing),
        `coverage` (nan for the naive line and below `MIN_WINDOWS` other cutoffs), `windows`. Both
        on the same months wherever both have some. Weight and interval are at each cutoff those
        that the other cutoffs give.
    """
    judged = []
    nothing = _nothing(backtests)
    for place, backtest in enumerate(backtests):
        others = [*backtests[:place], *backtests[place + 1 :]]
        weight = seasonal_weight(others)
        rows = combined(backtest, weight, nothing).rows
        rows = rows[rows["cohort"] == ALL].copy()
        others = [combined(each, weight, nothing) for each in others]
        factor = _factor(others, ALL, nothing)
        rows["covered"] = np.nan
        if factor is not None:
            off = np.abs(np.log((rows["actual"] + nothing) / (rows["forecast"] + nothing)))
            rows["covered"] = (off <= math.log(factor)).astype("float64")
        judged.append(rows)
    columns = ["model", "horizon_months", "mae", "mape", "coverage", "windows"]
    if not judged:
        return pd.DataFrame(columns=columns)
    scores = []
    for step, rows in pd.concat(judged, ignore_index=True).groupby("step", sort=True):
        both = rows[rows["seasonal_naive"].notna()]
        for model in (FORECAST, SEASONAL_NAIVE):
            of = rows if both.empty and model == FORECAST else both
            if of.empty:
                continue
            error = (of[model] - of["actual"]).abs()
            covered = of["covered"].dropna() if model == FORECAST else of["covered"][:0]
            scores.append(
                {
                    "model": model,
                    "horizon_months": int(str(step)),
                    "mae": error.mean(),
                    "mape": (error / of["actual"]).mean() if (of["actual"] > 0).all() else np.nan,
                    "coverage": covered.mean() if len(covered) else np.nan,
                    "windows": len(of),
                }
            )
    return pd.DataFrame(scores, columns=columns)


def _rows(
    ends: Sequence[date],
    cohort: str,
    forecast: np.ndarray,
    brought: np.ndarray,
    naive: np.ndarray | None = None,
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "month": np.array([day.replace(day=1) for day in ends], dtype=object),
            "step": np.arange(1, len(ends) + 1),
            "cohort": cohort,
            "forecast": np.maximum(forecast, 0.0),
            "brought": brought,
            "actual": np.nan,
            "seasonal_naive": np.nan if naive is None else naive,
        }
    )


def _year_before(known: pd.DataFrame, ends: Sequence[date]) -> np.ndarray:
    """Returns the revenue of the same months a year before; nan where the log began later."""
    if known.empty:
        return np.full(len(ends), np.nan)
    day = known["day"].to_numpy()
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype("int64")
    value = known["value"].to_numpy()
    wanted = np.array([(end.year - 1 - 1970) * 12 + end.month - 1 for end in ends])
    summed = np.array([float(value[month == each].sum()) for each in wanted])
    return np.where(wanted >= month.min(), summed, np.nan)


def _new_customers(
    known: pd.DataFrame, first: np.ndarray, cutoff: date, ends: Sequence[date]
) -> np.ndarray:
    """Returns what customers will bring who come after the cutoff, by month."""
    end = day_number(cutoff)
    if not len(first):
        return np.zeros(len(ends))
    span = min(_RATE_DAYS, end - int(first.min()) + 1)
    per_day = int((first > end - span).sum()) / span
    arrivals, lengths = [], []
    start = end
    for last in (day_number(day) for day in ends):
        season = _season(first, end, start, last)
        lengths.append((last - start) / DAYS_PER_MONTH)
        arrivals.append(per_day * (last - start) * season)
        start = last
    age = _age_curve(known, first, end)
    # Who comes in a month comes in the middle of what is left of it.
    clock = np.concatenate([[0.0], np.cumsum(lengths)])
    value = np.zeros(len(ends))
    for month, number in enumerate(arrivals):
        came = (clock[month] + clock[month + 1]) / 2
        at = np.array([age(moment - came) for moment in clock[month + 1 :]])
        value[month:] += number * np.diff(at, prepend=0.0)
    return value


def _season(first: np.ndarray, end: int, start: int, last: int) -> float:
    """Returns how new customers came in a span a year before, relative to the quarter before."""
    quarter = (first > end - _YEAR_DAYS - _RATE_DAYS) & (first <= end - _YEAR_DAYS)
    began = int(first.min())
    if began > end - _YEAR_DAYS - _RATE_DAYS or int(quarter.sum()) < _MIN_SEASON:
        return 1.0
    span = (first > start - _YEAR_DAYS) & (first <= last - _YEAR_DAYS)
    usual = float(quarter.sum()) / _RATE_DAYS * (last - start)
    return float(span.sum()) / usual


class _age_curve:  # noqa: N801 - a function with a table
    """Mean value that a customer has brought by an age in months."""

    def __init__(self, known: pd.DataFrame, first: np.ndarray, end: int) -> None:
        ids = known["customer_id"].to_numpy()
        starts = np.ones(len(known), dtype=bool)
        starts[1:] = ids[1:] != ids[:-1]
        of = np.cumsum(starts) - 1
        day, value = known["day"].to_numpy(), known["value"].to_numpy()
        began = day[starts]
        # Whoever is first seen when the log begins may be an old customer.
        fresh = began > began.min() + _RATE_DAYS if len(began) else starts[:0]
        if int(fresh.sum()) >= _MIN_FRESH:
            keep = fresh[of]
            starts, value, day, of = starts[keep], value[keep], day[keep], of[keep]
            began, of = began[fresh], (np.cumsum(fresh) - 1)[of]
        lived = (end - began + 1) / DAYS_PER_MONTH
        age = (day - began[of]) / DAYS_PER_MONTH
        self._curve = [float(value[starts].sum()) / len(began) if len(began) else 0.0]
        increment = 0.0
        for month in range(MONTHS + 1):
            whole = lived >= month + 1
            if whole.any():
                within = (age < month + 1) & (age >= month) & ~starts & whole[of]
                increment = float(value[within].sum()) / int(whole.sum())
            # Where nobody is that old, the last month that somebody lived goes on.
            self._curve.append(self._curve[-1] + increment)

    def __call__(self, months: float) -> float:
        return float(np.interp(months, np.arange(len(self._curve)), self._curve))


def cohort_kind(cohort: str) -> str:
    """Returns all, existing, new, quarter or month."""
    if cohort in (ALL, EXISTING, NEW):
        return cohort
    return "quarter" if "Q" in cohort else MONTH


def _nothing(backtests: Sequence[Revenue]) -> float:
    amounts = [row for each in backtests for row in each.rows["actual"][each.rows["cohort"] == ALL]]
    return max(_NOTHING * math.fsum(amounts) / len(amounts), 1e-9) if amounts else 1e-9


def _factor(backtests: Sequence[Revenue], kind: str, nothing: float) -> float | None:
    squares = []
    for backtest in backtests:
        rows = backtest.rows[backtest.rows["cohort"].map(cohort_kind) == kind]
        if len(rows):
            off = np.log((rows["actual"] + nothing) / (rows["forecast"] + nothing))
            squares.append(float((off**2).mean()))
    if len(squares) < MIN_WINDOWS:
        return None
    spread = math.sqrt(math.fsum(squares) / len(squares))
    return math.exp(float(student.ppf((1 + LEVEL) / 2, len(squares))) * spread)
