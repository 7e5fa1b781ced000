"""Fits and predictions beside lifetimes, in one run on the same rows: ``make bench-models``.

A million customers are drawn from BG/NBD and Gamma-Gamma with the parameters of CDNOW, observed on
whole days. Both sides get the same customers; parameters and values have to agree.
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from lifetimes import BetaGeoFitter, GammaGammaFitter

from ml.features.btyd import distinct_patterns
from ml.horizons import DAYS_PER_WEEK, horizon_days, in_weeks
from ml.models.counts import GeometricCounts, discounted_orders, fit_with_gradient
from ml.models.spend import fit_with_gradient as fit_spend
from ml.models.spend import value_patterns
from ml.threads import one_thread

MONTHS = 12
_START = (0.1, 0.1, 0.1, 0.1)
_MONTHLY_RATE = 0.01


def customers(count: int, seed: int = 7) -> pd.DataFrame:
    """Returns `frequency`, `recency`, `T` (weeks, whole days) and `monetary` of made customers."""
    rng = np.random.default_rng(seed)
    age = rng.integers(180, 720, count) / DAYS_PER_WEEK
    rate = rng.gamma(0.55, 1 / 10.0, count)
    dropout = rng.beta(0.79, 2.43, count)
    x, last, clock = np.zeros(count, dtype="int64"), np.zeros(count), np.zeros(count)
    alive = np.ones(count, dtype=bool)
    while alive.any():
        rows = np.flatnonzero(alive)
        clock[rows] += np.maximum(rng.exponential(1 / rate[rows]), 1 / DAYS_PER_WEEK)
        day = np.ceil(clock[rows] * DAYS_PER_WEEK) / DAYS_PER_WEEK
        seen = day <= age[rows]
        x[rows[seen]] += 1
        last[rows[seen]] = day[seen]
        alive[rows] = seen & (rng.random(len(rows)) > dropout[rows])
    shape = np.maximum(x, 1) * 6.25
    value = rng.gamma(shape, 1 / rng.gamma(3.74, 1 / 15.4, count)) / np.maximum(x, 1)
    return pd.DataFrame(
        {"frequency": x, "recency": last, "T": age, "monetary": np.where(x > 0, value.round(2), 0)}
    )


def main() -> None:
    """Prints each step's seconds on both sides, and how far the numbers are apart."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--customers", type=int, default=1_000_000)
    made = customers(parser.parse_args().customers)
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    print(f"{len(made):,} customers, {platform.machine()}, Python {platform.python_version()}")

    def own_counts() -> BetaGeoFitter:
        fitter = BetaGeoFitter()
        return fitter.fit(made["frequency"], made["recency"], made["T"], initial_params=_START)

    @one_thread
    def our_counts() -> BetaGeoFitter:
        patterns, _ = distinct_patterns(made)
        columns = ("frequency", "recency", "T", "weight")
        x, recency, age, weight = (patterns[column].to_numpy() for column in columns)
        return fit_with_gradient("bg_nbd", 0.0, _START, (x, recency, age, weight))

    theirs, ours = _beside("BG/NBD fit", own_counts, our_counts)
    _agree(theirs.params_.to_numpy(), ours.params_.to_numpy())

    repeat = made[made["frequency"] > 0]
    x, value = repeat["frequency"].to_numpy(), repeat["monetary"].to_numpy()

    def own_spend() -> GammaGammaFitter:
        return GammaGammaFitter().fit(x, value, initial_params=np.zeros(3))

    @one_thread
    def our_spend() -> np.ndarray:
        fitter = GammaGammaFitter()
        fit_spend(fitter, value_patterns(x, value), (0.0, 0.0, 0.0))
        params: np.ndarray = fitter.params_.to_numpy()
        return params

    spend, params = _beside("Gamma-Gamma fit", own_spend, our_spend)
    _agree(spend.params_.to_numpy(), params)

    yearly = (1 + _MONTHLY_RATE) ** 12 - 1
    weeks = np.array([in_weeks(horizon_days(month)) for month in range(1, MONTHS + 1)])

    def own_value() -> np.ndarray:
        total, before = np.zeros(len(made)), np.zeros(len(made))
        for month, end in enumerate(weeks):
            expected = theirs.conditional_expected_number_of_purchases_up_to_time(
                end, made["frequency"], made["recency"], made["T"]
            ).to_numpy()
            total += (expected - before) / (1 + yearly) ** ((month + 0.5) / 12)
            before = expected
        return total

    @one_thread
    def our_value() -> np.ndarray:
        frequency, recency, age = (
            made[column].to_numpy(dtype="float64") for column in ("frequency", "recency", "T")
        )
        model = GeometricCounts("bg_nbd", theirs)
        return discounted_orders(model, frequency, recency, age, weeks, yearly)

    _agree(*_beside("12-month discounted orders", own_value, our_value))


def _beside(name: str, own: Callable[[], Any], ours: Callable[[], Any]) -> tuple[Any, Any]:
    seconds, results = [], []
    for run in (own, ours):
        started = time.perf_counter()
        results.append(run())
        seconds.append(time.perf_counter() - started)
    print(
        f"{name:28} lifetimes {seconds[0]:8.2f} s   here {seconds[1]:8.2f} s   "
        f"{seconds[0] / seconds[1]:6.1f} times faster"
    )
    return results[0], results[1]


def _agree(theirs: np.ndarray, ours: np.ndarray) -> None:
    apart = np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-12)
    print(f"{'':28} largest relative difference {apart.max():.1e}", flush=True)


if __name__ == "__main__":
    main()
