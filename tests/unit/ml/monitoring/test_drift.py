"""Drift is found where it was planted, and nowhere else."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.models.preparation import Preparation
from ml.monitoring.behaviour import behaviour_samples
from ml.monitoring.drift import (
    BOUND,
    drift_row,
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


def drifted(prepared: Preparation, traits: dict[str, np.ndarray]) -> set[str]:
    features, segments = behaviour_samples(prepared, AS_OF, traits)
    rows = pd.concat([drift_rows("feature", features), drift_rows("segment", segments)])
    assert not rows.empty
    return set(rows["name"][rows["is_drifted"].astype(bool)])


def test_a_price_rise_is_found() -> None:
    found = drifted(*shop(1, dearer=2.0))
    assert {"order_value", "first_order_value"} <= found
    assert "weeks_between_orders" not in found


def test_a_new_channel_is_found() -> None:
    assert "new_by_channel" in drifted(*shop(2, channel="marketplace"))


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_nothing_is_found_where_nothing_changed(seed: int) -> None:
    prepared, traits = shop(seed)
    rng = np.random.default_rng(seed)
    traits = {"channel": rng.choice(["web", "pos"], len(traits["channel"])).astype(object)}
    features, segments = behaviour_samples(prepared, AS_OF, traits)
    rows = pd.concat([drift_rows("feature", features), drift_rows("segment", segments)])
    # The base still grows older in this shop, which is a shift of its segments and no error.
    chosen = rows[rows["name"].isin([*features, "new_by_channel"])]
    assert len(chosen) == 6
    assert not chosen["is_drifted"].any()


def test_few_rows_scatter_without_drifting() -> None:
    rng = np.random.default_rng(6)
    rows = [drift_row("feature", "x", rng.normal(size=80), rng.normal(size=60)) for _ in range(200)]
    found = pd.concat(rows)
    assert (found["psi_bound"] > BOUND).all()
    assert (found["psi"] > BOUND).any()
    assert found["is_drifted"].mean() <= 0.02


def test_too_few_rows_are_not_compared() -> None:
    assert drift_row("shap", "x", np.zeros(49), np.zeros(500)).empty
    assert drift_rows("shap", {}).empty


def test_figures_by_hand() -> None:
    assert stability_index(np.array([50, 50]), np.array([50, 50])) == 0
    expected = 0.3 * np.log(0.8 / 0.5) - 0.3 * np.log(0.2 / 0.5)
    assert stability_index(np.array([50, 50]), np.array([80, 20])) == pytest.approx(expected)
    assert kolmogorov_smirnov(np.array([0, 1, 2, 3]), np.array([2, 3, 4, 5])) == 0.5
    assert psi_bound(10, 10_000, 10_000) == BOUND


def test_groups_have_no_order() -> None:
    reference = np.array(["a", "b"] * 100, dtype=object)
    current = np.array(["b"] * 100 + ["c"] * 100, dtype=object)
    row = drift_row("segment", "tier", reference, current).iloc[0]
    assert row["is_drifted"]
    assert np.isnan(row["ks"])


def test_numbers_must_be_finite() -> None:
    with pytest.raises(ValueError, match="feature x: values must be finite"):
        drift_row("feature", "x", np.full(60, np.nan), np.zeros(60))


def test_a_short_history_has_no_reference() -> None:
    daily = pd.DataFrame(
        {"customer_id": ["a", "b"], "order_date": [date(2026, 4, 1), AS_OF],
         "gross_revenue_base": 5.0}
    )  # fmt: skip
    assert behaviour_samples(Preparation(daily), AS_OF, {}) == ({}, {})
