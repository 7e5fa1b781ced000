"""Survival: planted rates and drivers are found, and none where none was planted."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.models.preparation import Preparation
from ml.outlook.survival import (
    MIN_AT_RISK,
    churn_risk_factors,
    kaplan_meier,
    survival_curves,
    waits_after_orders,
)

AS_OF = date(2026, 6, 30)
START = date(2025, 1, 1)


def business(
    seed: int, customers: int = 1500, *, loss: float = 0.3, driver: float = 1.0
) -> tuple[Preparation, dict[str, np.ndarray]]:
    """Customers who leave after an order with a probability, otherwise buy every 4 weeks or so.

    `driver` multiplies the hazard of leaving of customers from the channel "ads".
    """
    rng = np.random.default_rng(seed)
    length = (AS_OF - START).days
    rows = []
    channels = []
    for number in range(customers):
        ads = rng.random() < 0.4
        channels.append("ads" if ads else "shop")
        leave = 1 - (1 - loss) ** (driver if ads else 1.0)
        day = int(rng.integers(0, length - 200))
        while day <= length:
            rows.append((f"c{number:05}", START + timedelta(days=day), float(rng.gamma(4, 5))))
            if rng.random() < leave:
                break
            day += 1 + int(rng.exponential(28))
    daily = pd.DataFrame(rows, columns=["customer_id", "order_date", "gross_revenue_base"])
    prepared = Preparation(daily)
    return prepared, {"acquisition_channel": np.array(channels, dtype=object)}


def test_by_hand() -> None:
    """Of ten one orders after 1 week, one is lost sight of after 2, one orders after 3."""
    weeks = np.array([1.0, 2.0, 3.0, *[9.0] * 20])
    followed = np.array([True, False, True, *[False] * 20])
    curve = kaplan_meier(weeks, followed).set_index("weeks_since")
    assert curve.loc[0, "survival"] == 1
    assert curve.loc[1, "survival"] == pytest.approx(22 / 23, abs=1e-6)
    assert curve.loc[2, "survival"] == pytest.approx(22 / 23, abs=1e-6)
    assert curve.loc[3, "survival"] == pytest.approx(22 / 23 * 20 / 21, abs=1e-6)
    assert curve.loc[2, "at_risk"] == 21
    assert curve.index.max() == 8
    assert (curve["at_risk"] >= MIN_AT_RISK).all()
    assert ((curve["lower"] <= curve["survival"]) & (curve["survival"] <= curve["upper"])).all()


def test_a_planted_rate_is_found_although_most_are_still_waited_on() -> None:
    rng = np.random.default_rng(3)
    true, censored = rng.exponential(20, 4000), rng.uniform(0, 30, 4000)
    curve = kaplan_meier(np.minimum(true, censored), true <= censored)
    expected = np.exp(-curve["weeks_since"] / 20)
    inside = (curve["lower"] <= expected) & (expected <= curve["upper"])
    assert inside.iloc[1:].mean() > 0.9


def test_those_lost_for_good_are_what_is_left_of_the_curve() -> None:
    prepared, traits = business(1)
    waits = waits_after_orders(prepared, AS_OF)
    curves = survival_curves(waits, traits)
    late = curves[(curves["dimension"] == "all") & (curves["weeks_since"] == 40)].iloc[0]
    assert late["survival"] == pytest.approx(0.3, abs=0.03)
    assert set(curves["dimension"]) == {
        "all", "order_number", "order_value", "acquisition_channel",
    }  # fmt: skip
    keys = ["dimension", "dimension_value", "weeks_since"]
    assert not curves.duplicated(keys).any()


def test_orders_after_the_day_are_not_known() -> None:
    prepared, _ = business(2, 200)
    earlier = date(2025, 9, 30)
    known = prepared.days[prepared.days["day"] <= np.datetime64(earlier).astype("int64")]
    for mine, other in zip(
        vars(waits_after_orders(prepared, earlier)).values(),
        vars(waits_after_orders(Preparation(known), earlier)).values(),
        strict=True,
    ):
        assert (mine == other).all()


def test_a_planted_driver_of_churn_is_found_at_its_size() -> None:
    prepared, traits = business(4, 3000, driver=2.0)
    waits = waits_after_orders(prepared, AS_OF)
    found = churn_risk_factors(waits, traits, 180, AS_OF).set_index("factor")
    ads = found.loc["acquisition_channel=ads"]
    assert ads["direction"] == "raises"
    assert ads["lower"] < 2.0 < ads["upper"]
    assert (found.drop("acquisition_channel=ads")["direction"] == "none").all()


def test_no_driver_is_found_where_none_was_planted() -> None:
    directions = []
    for seed in range(10, 16):
        prepared, traits = business(seed, 600)
        waits = waits_after_orders(prepared, AS_OF)
        directions += churn_risk_factors(waits, traits, 180, AS_OF)["direction"].tolist()
    assert len(directions) >= 30
    assert directions.count("none") >= len(directions) - 1


def test_too_few_churners_make_no_factor() -> None:
    prepared, traits = business(5, 40)
    waits = waits_after_orders(prepared, AS_OF)
    assert churn_risk_factors(waits, traits, 180, AS_OF).empty
    assert churn_risk_factors(waits, traits, 1000, AS_OF).empty


def test_a_factor_that_tells_without_fail_has_no_estimate() -> None:
    """Everybody from ads leaves at once, nobody else ever: no finite hazard ratio."""
    days = [date(2025, 1, 1) + timedelta(days=30 * n) for n in range(12)]
    rows = [(f"a{n}", days[0], 10.0) for n in range(300)]
    rows += [(f"b{n}", day, 10.0) for n in range(300) for day in days]
    prepared = Preparation(
        pd.DataFrame(rows, columns=["customer_id", "order_date", "gross_revenue_base"])
    )
    waits = waits_after_orders(prepared, date(2025, 12, 31))
    traits = {
        "acquisition_channel": np.array(
            ["ads" if name.startswith("a") else "shop" for name in waits.customer_ids], dtype=object
        )
    }
    assert churn_risk_factors(waits, traits, 90, date(2025, 12, 31)).empty
