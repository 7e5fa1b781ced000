"""Clusters that were planted are found, and none where none was."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.segments.clusters import (
    MIN_CUSTOMERS,
    PROFILE_COLUMNS,
    Clustering,
    cluster_customers,
)


def _customers(
    random: np.random.Generator, n: int, orders: float, value: float, since: float, age: float
) -> pd.DataFrame:
    """Customers around the middle of a cluster, in logarithms."""
    noise = np.exp(random.normal(0, 0.15, size=(4, n)))
    frequency = np.round(orders * noise[0])
    last = np.minimum(since * noise[2], age)
    return pd.DataFrame(
        {
            "frequency": frequency,
            "recency": np.where(frequency > 0, age * noise[3] + last - last, 0.0),
            "T": age * noise[3] + last,
            "total": (frequency + 1) * value * noise[1],
        }
    )


def _clustered(frame: pd.DataFrame, value: np.ndarray | None = None) -> Clustering:
    named = frame.assign(customer_id=[f"c{place:05}" for place in range(len(frame))])
    worth = frame["total"].to_numpy() if value is None else value
    return cluster_customers(named, worth, np.full(len(frame), 0.25), "USD")


def _planted() -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(5)
    parts = [
        _customers(random, 300, 20, 100, 2, 100),
        _customers(random, 300, 20, 10, 30, 100),
        _customers(random, 300, 3, 40, 4, 12),
    ]
    truth = np.repeat([0, 1, 2], 300)
    order = random.permutation(900)
    return pd.concat(parts).iloc[order].reset_index(drop=True), truth[order]


def test_planted_clusters_are_found_with_their_members() -> None:
    frame, truth = _planted()
    found = _clustered(frame)
    assert len(found.profiles) == 3
    together = pd.crosstab(truth, found.members["cluster"].to_numpy())
    assert together.to_numpy().max(axis=1).sum() == 900
    assert found.profiles["silhouette"].iloc[0] > 0.5


def test_profiles_are_the_means_of_their_members() -> None:
    frame, _ = _planted()
    found = _clustered(frame)
    assert tuple(found.profiles.columns) == PROFILE_COLUMNS
    for profile in found.profiles.itertuples():
        of = found.members["cluster"].to_numpy() == profile.cluster
        assert profile.customers == of.sum()
        assert profile.average_value_12m == pytest.approx(frame["total"][of].mean(), abs=1e-3)
        assert profile.average_orders == pytest.approx(1 + frame["frequency"][of].mean(), abs=1e-5)
        assert profile.churn_probability == 0.25
        assert f"{profile.customers:,} customers" in profile.description
    assert found.profiles["average_value_12m"].is_monotonic_decreasing
    assert found.profiles["share_of_customers"].sum() == pytest.approx(1, abs=1e-5)
    assert found.profiles["label"].is_unique
    assert found.profiles["clv_tier"].tolist()[0] == "High"


@pytest.mark.parametrize("seed", range(5))
def test_no_cluster_is_found_where_none_was_planted(seed: int) -> None:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "frequency": np.exp(random.normal(3, 0.6, 1_500)) - 1,
            "T": 200.0,
            "recency": 200 - np.minimum(np.exp(random.normal(2, 0.6, 1_500)), 199),
        }
    )
    frame["total"] = (frame["frequency"] + 1) * np.exp(random.normal(3, 0.6, 1_500))
    found = _clustered(frame)
    assert found.profiles["label"].tolist() == ["All customers"]
    assert found.profiles["silhouette"].isna().all()
    assert set(found.members["cluster"]) == {1}


def test_too_few_customers_are_one_cluster() -> None:
    frame, _ = _planted()
    assert len(_clustered(frame.head(MIN_CUSTOMERS - 1)).profiles) == 1


def test_customers_who_are_all_alike_are_one_cluster() -> None:
    frame = pd.DataFrame({"frequency": [0.0] * 200, "recency": 0.0, "T": 9.0, "total": 5.0})
    assert len(_clustered(frame).profiles) == 1


def test_the_same_customers_give_the_same_clusters() -> None:
    frame, _ = _planted()
    one, two = _clustered(frame), _clustered(frame.copy())
    pd.testing.assert_frame_equal(one.members, two.members, check_exact=True)
    pd.testing.assert_frame_equal(one.profiles, two.profiles, check_exact=True)


@pytest.mark.parametrize(
    ("churn", "value", "action"),
    [
        (0.9, 1.0, "Win back at low cost or let go"),
        (0.6, 1.0, "Send a win-back offer"),
        (0.1, 1.0, "Build the habit with a next product"),
    ],
)
def test_an_action_follows_from_the_profile(churn: float, value: float, action: str) -> None:
    frame = pd.DataFrame({"frequency": [4.0] * 50, "recency": 20.0, "T": 25.0, "total": 50.0})
    named = frame.assign(customer_id=[f"c{place:02}" for place in range(50)])
    found = cluster_customers(named, np.full(50, value), np.full(50, churn), "USD")
    assert found.profiles["suggested_action"].tolist() == [action]
