"""Drivers that were planted are found, nothing where nothing was, and what is told adds up."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.explain.contributions import (
    MAX_POINTS,
    MIN_CUSTOMERS,
    TOP_INTERACTIONS,
    explain,
    importances,
    interactions,
    summary_points,
)
from ml.explain.drivers import driver_of
from ml.explain.plots import draw_importances, swarm_offsets
from ml.explain.words import REASONS, Money, reasons
from ml.features.btyd import customer_features
from ml.models.catalogue import new_candidate
from ml.models.learned import Learned
from ml.models.preparation import Preparation

AS_OF = date(2025, 12, 31)
USD = Money("USD")


class Planted:
    """Stands for any model without trees: only its name is asked for."""

    name = "planted"


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    """600 invented customers whose orders, amounts and days have nothing to do with each other."""
    random = np.random.default_rng(7)
    days = []
    for number in range(600):
        orders = 1 + random.poisson(2)
        offsets = random.choice(700, size=orders, replace=False)
        days += [
            (f"c{number:03}", AS_OF - timedelta(days=int(day)), float(random.gamma(4, 10)))
            for day in offsets
        ]
    daily = pd.DataFrame(days, columns=["customer_id", "order_date", "gross_revenue_base"])
    return customer_features(daily, AS_OF)


def _since(customers: pd.DataFrame) -> np.ndarray:
    return (customers["T"] - customers["recency"]).to_numpy()


def test_a_planted_driver_is_found(customers: pd.DataFrame) -> None:
    explained = explain(Planted(), customers, 100 * np.exp(-_since(customers) / 10))
    assert explained is not None
    assert explained.is_surrogate
    assert explained.model_name == "planted"
    assert explained.fidelity is not None
    assert explained.fidelity > 0.98
    rows = np.arange(len(customers))
    found = importances(explained.contributions(rows), ["New"] * len(rows), explained)
    best = found[found["scope"] == "all"].iloc[0]
    assert driver_of(best["feature"]) == "last_order"
    assert best["share"] > 0.9
    told = reasons(explained.contributions(rows), customers, customers, USD, True)
    first = told[told["rank"] == 1].set_index("customer_id")
    assert (first["feature"] == "last_order").mean() > 0.95
    latest = customers["customer_id"].to_numpy()[_since(customers).argmin()]
    earliest = customers["customer_id"].to_numpy()[_since(customers).argmax()]
    assert first.loc[latest, "contribution"] > 0 > first.loc[earliest, "contribution"]
    assert first.loc[latest, "reason"].endswith("raises the expected value.")
    assert first.loc[earliest, "reason"].endswith("lowers the expected value.")


def test_two_planted_drivers_stand_apart_in_their_stages(customers: pd.DataFrame) -> None:
    loyal = customers["T"].to_numpy() > 52
    value = np.where(loyal, customers["first_value"], 1 + 50 * np.exp(-_since(customers) / 8))
    explained = explain(Planted(), customers, value)
    assert explained is not None
    stage = np.where(loyal, "Loyal", "New").tolist()
    found = importances(explained.contributions(np.arange(len(customers))), stage, explained)
    best = found[found["rank"] == 1].set_index("scope")["feature"]
    assert best["Loyal"] == "first_order_value"
    assert set(found["scope"]) == {"all", "Loyal", "New"}
    assert found.groupby("scope")["share"].sum().to_numpy() == pytest.approx(1)


def test_the_pair_that_multiplies_is_the_strongest(customers: pd.DataFrame) -> None:
    # On the logarithm that drivers add on, a product has no interaction: an either-or has.
    recent = _since(customers) < np.median(_since(customers))
    rich = customers["first_value"].to_numpy() > customers["first_value"].median()
    value = np.where(recent & rich, 100.0, 1.0)
    explained = explain(Planted(), customers, value)
    assert explained is not None
    found = interactions(explained)
    assert len(found) <= TOP_INTERACTIONS
    best = found.iloc[0]
    assert (best["feature_a"], best["feature_b"]) == ("days_since_last_order", "first_order_value")
    assert (best["strength"] > 3 * found["strength"].iloc[1:]).all()


def test_the_dots_of_the_summary_are_a_sample(customers: pd.DataFrame) -> None:
    explained = explain(Planted(), customers, customers["total"].to_numpy())
    assert explained is not None
    rows = explained.sample()
    contributions = explained.contributions(rows)
    points = summary_points(contributions, explained, rows)
    of = points[points["feature"] == "spend_to_date"]
    assert 0 < of["place"].max() <= MAX_POINTS
    assert of["place"].tolist() == list(range(1, len(of) + 1))
    every = -(-len(rows) // MAX_POINTS)
    assert of["value"].tolist() == pytest.approx(customers["total"].tolist()[::every])
    assert of["contribution"].tolist() == pytest.approx(contributions["spend_to_date"][::every])
    # One order has no gap.
    gaps = points[points["feature"] == "days_between_orders"]["value"]
    assert gaps.isna().sum() == (customers["frequency"][::every] == 0).sum()


def test_the_picture_shows_every_panel_and_is_the_same_each_time(
    customers: pd.DataFrame, tmp_path: Path
) -> None:
    explained = explain(Planted(), customers, customers["total"].to_numpy())
    assert explained is not None
    rows = explained.sample()
    contributions = explained.contributions(rows)
    stages = ["New" if each < 26 else "Loyal" for each in customers["T"].iloc[rows]]
    found = importances(contributions, stages, explained)
    points = summary_points(contributions, explained, rows)
    for name in ("one.png", "two.png"):
        draw_importances(found, points, tmp_path / name)
    one, two = ((tmp_path / name).read_bytes() for name in ("one.png", "two.png"))
    assert one == two
    draw_importances(found, points.assign(contribution=1.0), tmp_path / "moved.png")
    assert (tmp_path / "moved.png").read_bytes() != one
    draw_importances(found.head(0), points.head(0), tmp_path / "nothing.png")
    assert (tmp_path / "nothing.png").read_bytes().startswith(b"\x89PNG")


def test_dots_stay_within_their_row() -> None:
    offsets = swarm_offsets(np.concatenate([np.zeros(100), [1.0, -1.0]]), 1.0)
    assert np.abs(offsets).max() < 0.5
    assert len(np.unique(offsets[:100])) == 100
    assert offsets[100:].tolist() == [0.0, 0.0]


def test_nothing_is_found_where_all_are_alike(customers: pd.DataFrame) -> None:
    assert explain(Planted(), customers, np.full(len(customers), 5.0)) is None
    assert explain(Planted(), customers, np.zeros(len(customers))) is None
    few = customers.head(MIN_CUSTOMERS - 1)
    assert explain(Planted(), few, np.arange(len(few), dtype="float64")) is None


def test_noise_has_no_fidelity(customers: pd.DataFrame) -> None:
    noise = np.random.default_rng(3).gamma(2, 10, size=len(customers))
    explained = explain(Planted(), customers, noise)
    assert explained is not None
    assert explained.fidelity is not None
    assert explained.fidelity < 0.1


def test_contributions_add_up_to_the_model(customers: pd.DataFrame) -> None:
    explained = explain(Planted(), customers, customers["total"].to_numpy())
    assert explained is not None
    rows = np.arange(0, len(customers), 7)
    added = explained.contributions(rows).sum(axis=1).to_numpy()
    raw = np.asarray(explained.booster.predict(explained.features.iloc[rows]))
    assert np.ptp(raw - added) < 1e-9


def test_any_order_of_customers_gives_the_same(customers: pd.DataFrame) -> None:
    value = customers["total"].to_numpy()
    again = customers.sample(frac=1, random_state=1).sort_values("customer_id", ignore_index=True)
    rows = np.arange(len(customers))
    one, two = explain(Planted(), customers, value), explain(Planted(), again, value)
    assert one is not None
    assert two is not None
    pd.testing.assert_frame_equal(
        one.contributions(rows), two.contributions(rows), check_exact=True
    )


@pytest.mark.parametrize("kind", ["tweedie", "direct"])
def test_a_champion_with_trees_is_explained_by_them(sample_daily: pd.DataFrame, kind: str) -> None:
    cutoff = date(1997, 12, 31)
    prepared = Preparation(sample_daily)
    champion = new_candidate(f"lightgbm_{kind}", 26.0).fit(prepared, cutoff)
    assert isinstance(champion, Learned)
    customers = prepared.customers(cutoff)
    trees = champion.value_trees(customers)
    assert trees is not None
    values = champion.predict(customers, [trees_weeks(champion)])["predicted_value"].to_numpy()
    explained = explain(champion, customers, values)
    assert explained is not None
    assert not explained.is_surrogate
    assert explained.fidelity is None
    raw = np.asarray(explained.booster.predict(explained.features, raw_score=True))
    scale = np.exp(raw) if kind == "tweedie" else np.maximum(raw, 0)
    assert values == pytest.approx(scale, rel=1e-6, abs=1e-6)


def trees_weeks(champion: Learned) -> float:
    return float(champion.describe().params["anchor_weeks"])


def test_a_hurdle_and_a_btyd_model_are_explained_by_a_surrogate(sample_daily: pd.DataFrame) -> None:
    cutoff = date(1997, 12, 31)
    prepared = Preparation(sample_daily)
    customers = prepared.customers(cutoff)
    for name in ("lightgbm_hurdle", "mbg_nbd", "blend"):
        champion = new_candidate(name, 26.0).fit(prepared, cutoff)
        values = champion.predict(customers, [26.0])["predicted_value"].to_numpy()
        explained = explain(champion, customers, values)
        assert explained is not None
        assert explained.is_surrogate
        assert explained.model_name == name
        assert explained.fidelity is not None
        assert explained.fidelity > 0.9


def test_reasons_say_three_things_with_the_customers_own_figures() -> None:
    daily = pd.DataFrame(
        [
            ("ann", AS_OF - timedelta(days=70), 1000.0),
            ("ann", AS_OF - timedelta(days=10), 250.0),
            ("bob", AS_OF - timedelta(days=400), 20.0),
        ],
        columns=["customer_id", "order_date", "gross_revenue_base"],
    )
    customers = customer_features(daily, AS_OF)
    weights = pd.DataFrame(
        {
            "days_since_last_order": [0.5, -0.9],
            "gaps_since_last_order": [0.1, 0.0],
            "average_order_value": [0.3, 0.0],
            "orders": [0.2, -0.1],
            "value_52w": [0.1, -0.2],
            "days_between_orders": [0.0, -0.3],
        }
    )
    told = reasons(weights, customers, customers, Money("JPY", 0), True)
    assert told.groupby("customer_id").size().tolist() == [REASONS, REASONS]
    ann = told[told["customer_id"] == "ann"]
    assert ann["feature"].tolist() == ["last_order", "order_value", "orders"]
    assert ann["contribution"].tolist() == pytest.approx([0.6, 0.3, 0.2])
    assert ann["reason"].tolist() == [
        "Last order 10 days ago, with 60 days between orders so far: raises the expected value.",
        "Spends 625 JPY an order; the typical customer 322 JPY: raises the expected value.",
        "Ordered twice so far; half of all customers ordered twice or less: "
        "raises the expected value.",
    ]
    bob = told[told["customer_id"] == "bob"]
    assert bob["reason"].tolist() == [
        "Last order 400 days ago: lowers the expected value.",
        "Ordered on one day only, so there is no rhythm yet: lowers the expected value.",
        "Ordered nothing in the last 12 months: lowers the expected value.",
    ]


def test_what_weighs_nothing_is_no_reason(customers: pd.DataFrame) -> None:
    nothing = pd.DataFrame({"orders": [0.0], "spend_to_date": [0.2]})
    told = reasons(nothing, customers.head(1), customers, USD, False)
    assert told["feature"].tolist() == ["spend"]
    assert reasons(nothing.head(0), customers.head(0), customers, USD, False).empty
