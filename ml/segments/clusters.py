"""Customers who are alike: KMeans on how often, how much, how lately and for how long.

The rule for k: of 2 to 8 clusters the number whose mean silhouette is furthest above that of as
many customers drawn from one normal distribution with the same means and covariances. Where no
number is ahead by 0.05 there are no clusters, and everybody is in one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.horizons import DAYS_PER_WEEK

MAX_CLUSTERS = 8
MIN_CUSTOMERS = 100
MIN_AHEAD = 0.05
#: No cluster is smaller than this share of the customers.
MIN_SHARE = 0.01
_SEED = 22
_MAX_FIT = 4_000
_MAX_JUDGED = 1_000
_MONEY_DECIMALS = 4
_DECIMALS = 6
PROFILE_COLUMNS = (
    "cluster",
    "label",
    "customers",
    "share_of_customers",
    "average_value_12m",
    "average_orders",
    "average_order_value",
    "average_recency_days",
    "churn_probability",
    "clv_tier",
    "suggested_action",
    "description",
    "silhouette",
)


@dataclass(frozen=True)
class Clustering:
    """Who is in which cluster.

    Attributes:
        members: `customer_id`, `cluster`, `label`.
        profiles: `PROFILE_COLUMNS`, a row a cluster.
    """

    members: pd.DataFrame
    profiles: pd.DataFrame


def cluster_customers(
    customers: pd.DataFrame, value_12m: np.ndarray, churn: np.ndarray, currency: str
) -> Clustering:
    """Finds who is alike.

    Args:
        customers: `ml.features.btyd.FEATURE_COLUMNS`, n rows sorted by customer.
        value_12m: Predicted value, base currency, shape (n,).
        churn: Probability of no order, shape (n,).
        currency: For the descriptions.

    Returns:
        The clusters, 1 with the highest mean predicted value.
    """
    from threadpoolctl import threadpool_limits

    # Sums over threads come in any order, and two of them are two results in the last digit.
    with threadpool_limits(limits=1):
        labels, silhouette = _labels(customers)
    means = [float(value_12m[labels == each].mean()) for each in range(labels.max() + 1)]
    order = np.argsort([-mean for mean in means], kind="stable")
    cluster = np.argsort(order)[labels] + 1
    profiles = _profiles(customers, cluster, value_12m, churn, currency, silhouette)
    names = profiles.set_index("cluster")["label"]
    members = pd.DataFrame(
        {
            "customer_id": customers["customer_id"].to_numpy(),
            "cluster": cluster,
            "label": names.loc[cluster].to_numpy(),
        }
    )
    return Clustering(members, profiles)


def _labels(customers: pd.DataFrame) -> tuple[np.ndarray, float | None]:
    """Returns the cluster of each customer, 0 and up, and the silhouette; None for one cluster."""
    from sklearn.cluster import KMeans

    one = np.zeros(len(customers), dtype="int64")
    if len(customers) < MIN_CUSTOMERS:
        return one, None
    points = _points(customers)
    if not points.shape[1]:
        return one, None
    fitted = points[:: -(-len(points) // _MAX_FIT) or 1]
    judged = points[:: -(-len(points) // _MAX_JUDGED) or 1]
    random = np.random.default_rng(_SEED)
    reference = random.multivariate_normal(
        fitted.mean(axis=0),
        np.cov(fitted, rowvar=False).reshape(points.shape[1], -1),
        size=len(judged),
        method="svd",
    )
    best: tuple[float, float, np.ndarray] | None = None
    for k in range(2, min(MAX_CLUSTERS, len(points) // 20) + 1):
        model = KMeans(k, n_init=3, random_state=_SEED).fit(fitted)
        found = model.predict(points)
        if np.bincount(found, minlength=k).min() < MIN_SHARE * len(points):
            continue
        score = _silhouette(judged, model.predict(judged))
        noise = KMeans(k, n_init=3, random_state=_SEED).fit(reference)
        ahead = score - _silhouette(reference, noise.labels_)
        if best is None or ahead > best[0]:
            best = (ahead, score, found)
    if best is None or best[0] < MIN_AHEAD:
        return one, None
    return best[2].astype("int64"), round(best[1], _DECIMALS)


def _silhouette(points: np.ndarray, labels: np.ndarray) -> float:
    from sklearn.metrics import silhouette_score

    if len(np.unique(labels)) < 2:
        return -1.0
    return float(silhouette_score(points, labels))


def _points(customers: pd.DataFrame) -> np.ndarray:
    """Returns logarithms with mean 0 and deviation 1: what differs by a factor is as far apart."""
    x, recency, age, total = (
        customers[column].to_numpy(dtype="float64")
        for column in ("frequency", "recency", "T", "total")
    )
    logs = np.column_stack(
        [
            np.log(x + 1),
            np.log(total / (x + 1)),
            np.log1p((age - recency) * DAYS_PER_WEEK),
            np.log1p(age * DAYS_PER_WEEK),
        ]
    )
    spread = logs.std(axis=0)
    varied = spread > 1e-9
    points: np.ndarray = (logs[:, varied] - logs[:, varied].mean(axis=0)) / spread[varied]
    return points


def _profiles(
    customers: pd.DataFrame,
    cluster: np.ndarray,
    value_12m: np.ndarray,
    churn: np.ndarray,
    currency: str,
    silhouette: float | None,
) -> pd.DataFrame:
    orders = customers["frequency"].to_numpy(dtype="float64") + 1
    order_value = customers["total"].to_numpy(dtype="float64") / orders
    since = (customers["T"] - customers["recency"]).to_numpy(dtype="float64") * DAYS_PER_WEEK
    typical_value = float(np.median(order_value))
    rows: list[dict[str, object]] = []
    labels: list[str] = []
    for each in range(1, cluster.max() + 1):
        of = cluster == each
        profile = _Profile(
            float(value_12m[of].mean()),
            float(orders[of].mean()),
            float(order_value[of].mean()),
            float(since[of].mean()),
            float(churn[of].mean()),
            typical_value,
            float(value_12m.mean()),
        )
        label = profile.label() if cluster.max() > 1 else "All customers"
        # Two clusters may be the same in words: the one with the lower value is told by its number.
        label = f"{label} ({each})" if label in labels else label
        labels.append(label)
        rows.append(
            {
                "cluster": each,
                "label": label,
                "customers": int(of.sum()),
                "share_of_customers": round(float(of.mean()), _DECIMALS),
                "average_value_12m": round(profile.value, _MONEY_DECIMALS),
                "average_orders": round(profile.orders, _DECIMALS),
                "average_order_value": round(profile.order_value, _MONEY_DECIMALS),
                "average_recency_days": round(profile.since, _DECIMALS),
                "churn_probability": round(profile.churn, _DECIMALS),
                "clv_tier": profile.tier(),
                "suggested_action": profile.action(),
                "description": (
                    f"{of.sum():,} customers ({of.mean():.0%}) with {profile.orders:.1f} orders of "
                    f"{profile.order_value:,.2f} {currency}, the last one {profile.since:.0f} days "
                    f"ago; {profile.value:,.2f} {currency} expected in 12 months, "
                    f"{profile.churn:.0%} likely to order nothing"
                ),
                "silhouette": silhouette,
            }
        )
    frame = pd.DataFrame(rows, columns=list(PROFILE_COLUMNS))
    return frame.astype({"silhouette": "Float64"})


@dataclass(frozen=True)
class _Profile:
    """Means of a cluster, and of the company beside it."""

    value: float
    orders: float
    order_value: float
    since: float
    churn: float
    typical_order_value: float
    value_of_all: float

    def tier(self) -> str:
        if self.value >= 2 * self.value_of_all:
            return "High"
        return "Low" if self.value < self.value_of_all / 2 else "Medium"

    def label(self) -> str:
        often = "Frequent" if self.orders >= 4 else "Repeat" if self.orders >= 1.5 else "One-time"
        lately = "recent" if self.since <= 90 else "quiet" if self.since <= 180 else "long gone"
        size = (
            "large orders"
            if self.order_value > 1.5 * self.typical_order_value
            else "small orders"
            if self.order_value < self.typical_order_value / 1.5
            else "typical orders"
        )
        return f"{often}, {lately}, {size}"

    def action(self) -> str:
        """The first rule that holds; docs/actions.md lists them in the same order."""
        if self.churn >= 0.8:
            return "Win back at low cost or let go"
        if self.churn >= 0.5:
            return "Send a win-back offer" if self.orders >= 1.5 else "Offer a second purchase"
        if self.tier() == "High":
            return "Reward and ask for a referral"
        if self.orders >= 3 and self.order_value < self.typical_order_value:
            return "Offer a bundle"
        return "Build the habit with a next product"
