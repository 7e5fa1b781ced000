"""Drift is found where it was planted, and nowhere else."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.models.preparation import Preparation
from ml.monitoring.behaviour import MAX_EXPLAINED, behaviour_samples, contribution_samples
from ml.monitoring.drift import (
    BOUND,
    Sample,
    drift_rows,
    kolmogorov_smirnov,
    psi_bound,
    stability_index,
)

AS_OF = date(2026, 6, 30)


def shop(seed: int, *, dearer: float = 1.0, faster: float = 1.0, channel: str = "web") -> tuple:
    """A shop in balance whose last quarter may differ; customers come and go all the time."""
    rng = np.random.default_rng(seed)
    rows, channels = [], {}
    for number in range(2500):
        day = int(rng.integers(-400, 700))
        left = day + int(rng.exponential(150))
        name = f"c{number:05}"
        while day <= min(left, 700):
            if day >= 0:
                recent = day > 700 - 91
                value = float(rng.gamma(4, 5)) * (dearer if recent else 1.0)
                rows.append((name, AS_OF - timedelta(days=700 - day), value))
                channels.setdefault(name, channel if recent else str(rng.choice(["web", "pos"])))
            day += 1 + int(rng.exponential(40 / (faster if day > 700 - 91 else 1.0)))
    daily = pd.DataFrame(rows, columns=["customer_id", "order_date", "gross_revenue_base"])
    prepared = Preparation(daily)
    ids = prepared.customers(AS_OF)["customer_id"]
    return prepared, {"channel": ids.map(channels).to_numpy(dtype=object)}


def rows_of(
    prepared: Preparation, traits: dict[str, np.ndarray], as_of: date = AS_OF
) -> pd.DataFrame:
    features, segments = behaviour_samples(prepared, as_of, traits)
    return pd.concat([drift_rows("feature", features), drift_rows("segment", segments)])


def drifted(prepared: Preparation, traits: dict[str, np.ndarray], as_of: date = AS_OF) -> set[str]:
    rows = rows_of(prepared, traits, as_of)
    assert not rows.empty
    return set(rows["name"][rows["is_drifted"].astype(bool)])


def test_a_price_rise_is_found() -> None:
    found = drifted(*shop(1, dearer=2.0))
    assert {"order_value", "first_order_value"} <= found
    assert "weeks_between_orders" not in found


def test_customers_who_order_more_often_are_found() -> None:
    found = drifted(*shop(7, faster=4.0))
    assert {"orders_per_customer", "value_per_customer"} <= found
    assert not {"order_value", "first_order_value"} & found


def test_a_new_channel_is_found() -> None:
    assert "new_by_channel" in drifted(*shop(2, channel="marketplace"))


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_nothing_is_found_where_nothing_changed(seed: int) -> None:
    prepared, traits = shop(seed)
    rng = np.random.default_rng(seed)
    traits = {"channel": rng.choice(["web", "pos"], len(traits["channel"])).astype(object)}
    rows = rows_of(prepared, traits)
    # The base still grows older in this shop, which is no drift.
    assert len(rows) == 8
    assert not rows["is_drifted"].any()


def test_a_base_that_only_grows_older_has_not_drifted(sample_daily: pd.DataFrame) -> None:
    """All of these customers came within twelve weeks, and nobody after them.

    What they do at this age nobody has done before, so that there is nothing to compare it with;
    the size of an n-th order there is.
    """
    prepared = Preparation(sample_daily)
    for as_of in (date(1997, 12, 31), date(1998, 3, 31), date(1998, 6, 30)):
        rows = rows_of(prepared, {}, as_of)
        assert "order_value" in set(rows["name"])
        assert not rows["is_drifted"].any()
    recent = pd.to_datetime(sample_daily["order_date"]) > "1998-03-31"
    spend = sample_daily["gross_revenue_base"]
    dearer = sample_daily.assign(gross_revenue_base=spend.where(~recent, spend * 3))
    assert drifted(Preparation(dearer), {}, date(1998, 6, 30)) == {"order_value"}


def test_the_same_season_of_the_year_before_is_no_drift() -> None:
    """Twice as dear in one quarter of each year."""
    rng = np.random.default_rng(8)
    back = rng.integers(0, 700, 6000)
    season = (back % 364) < 91
    daily = pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(len(back))],
            "order_date": [AS_OF - timedelta(days=int(each)) for each in back],
            "gross_revenue_base": rng.gamma(4, 5, len(back)) * np.where(season, 2.0, 1.0),
        }
    )
    assert drifted(Preparation(daily), {}) == set()
    only_now = daily.assign(
        gross_revenue_base=daily["gross_revenue_base"] / np.where(season & (back > 300), 2.0, 1.0)
    )
    assert {"order_value", "first_order_value"} <= drifted(Preparation(only_now), {})


def compared(reference: np.ndarray, current: np.ndarray) -> pd.DataFrame:
    pair = Sample.alike(current), [Sample.alike(reference)]
    return drift_rows("shap", {"x": pair})


def test_strata_are_compared_each_with_itself() -> None:
    """Young customers spend little, old ones a lot; there are more old ones now."""
    rng = np.random.default_rng(9)

    def base(young: int, old: int) -> Sample:
        values = np.concatenate([rng.normal(10, 2, young), rng.normal(50, 2, old)])
        return Sample(values, np.repeat([0, 1], [young, old]))

    before, now = base(800, 200), base(200, 800)
    row = drift_rows("feature", {"spend": (now, [before])}).iloc[0]
    assert not row["is_drifted"]
    assert row["ks"] < 0.1
    blind = compared(before.values, now.values).iloc[0]
    assert blind["is_drifted"]
    # Strata that one side lacks are left out, rows and all.
    newer = Sample(now.values, np.where(now.strata == 1, 2, 0))
    row = drift_rows("feature", {"spend": (newer, [before])}).iloc[0]
    assert (row["reference_rows"], row["current_rows"]) == (800, 200)
    apart = Sample(now.values, now.strata + 2)
    assert drift_rows("feature", {"spend": (apart, [before])}).empty


def test_shap_values_that_moved_are_found() -> None:
    """The same rule gives other contributions where customers behave otherwise."""

    def contributions(customers: pd.DataFrame) -> pd.DataFrame:
        assert len(customers) <= MAX_EXPLAINED
        return pd.DataFrame({"spend": np.log(customers["value_13w"] + 1) - 1, "nothing": 0.0})

    for dearer, expected in ((1.0, set()), (6.0, {"spend"})):
        prepared, _ = shop(10, dearer=dearer, faster=dearer)
        rows = drift_rows("shap", contribution_samples(prepared, AS_OF, contributions))
        assert set(rows["name"]) == {"spend", "nothing"}
        assert set(rows["name"][rows["is_drifted"].astype(bool)]) == expected


def test_few_rows_scatter_without_drifting() -> None:
    rng = np.random.default_rng(6)
    found = pd.concat([compared(rng.normal(size=80), rng.normal(size=60)) for _ in range(200)])
    assert (found["psi_bound"] > BOUND).all()
    assert (found["psi"] > BOUND).any()
    assert found["is_drifted"].mean() <= 0.02


def test_too_few_rows_are_not_compared() -> None:
    assert compared(np.zeros(49), np.zeros(500)).empty
    assert drift_rows("shap", {}).empty


def test_figures_by_hand() -> None:
    assert stability_index(np.array([50, 50]), np.array([50, 50])) == 0
    expected = 0.3 * np.log(0.8 / 0.5) - 0.3 * np.log(0.2 / 0.5)
    assert stability_index(np.array([50, 50]), np.array([80, 20])) == pytest.approx(expected)
    assert kolmogorov_smirnov(np.array([0, 1, 2, 3]), np.array([2, 3, 4, 5])) == 0.5
    assert psi_bound(10, 10_000, 10_000) == BOUND


def test_groups_have_no_order() -> None:
    row = compared(np.array([0, 1] * 100), np.array([1, 2] * 100)).iloc[0]
    assert row["is_drifted"]
    assert np.isnan(row["ks"])


def test_numbers_must_be_finite() -> None:
    with pytest.raises(ValueError, match="shap x: values must be finite"):
        compared(np.full(60, np.nan), np.zeros(60))


def test_a_sample_that_was_thinned_says_the_same() -> None:
    rng = np.random.default_rng(11)
    whole = Sample(rng.normal(size=9000), rng.integers(0, 3, 9000))
    few = whole.thinned(500)
    assert len(few.values) <= 500
    assert kolmogorov_smirnov(whole.values, few.values) < 0.01
    assert np.bincount(few.strata) == pytest.approx(np.bincount(whole.strata) / 18, abs=1)


def test_a_short_history_has_no_reference() -> None:
    daily = pd.DataFrame(
        {"customer_id": ["a", "b"], "order_date": [date(2026, 4, 1), AS_OF],
         "gross_revenue_base": 5.0}
    )  # fmt: skip
    assert behaviour_samples(Preparation(daily), AS_OF, {}) == ({}, {})
