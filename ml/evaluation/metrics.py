"""What each figure of a backtest means, and what it is where its formula has no value.

Customers with the same prediction form a tie. Wherever a figure depends on the order of customers,
a tie counts with the mean of what its members did, which is the expectation over all orders within
the tie: no figure depends on how rows happen to be sorted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

DECILES = 10


@dataclass(frozen=True)
class Metrics:
    """Figures of one model on one holdout; money in base currency per customer.

    Attributes:
        rows: Customers scored.
        mae: Mean absolute error.
        rmse: Root of the mean squared error.
        spearman: Rank correlation of prediction and spend.
        normalised_gini: See `normalised_gini`.
        decile_mape: See `decile_mape`; 0.22 is 22 %.
        total_ratio: Predicted total ÷ actual total.
        auc: Area under the ROC curve of P(active) for having bought at all.
    """

    rows: int
    mae: float
    rmse: float
    spearman: float
    normalised_gini: float
    decile_mape: float
    total_ratio: float
    auc: float


def exact_sum(values: np.ndarray) -> float:
    """Returns the sum as if computed without rounding, so that the order of rows can't show."""
    # Floats of Python are added five times as fast as scalars of numpy.
    return math.fsum(values.tolist())


def evaluate(
    actual_value: ArrayLike,
    predicted_value: ArrayLike,
    actual_orders: ArrayLike,
    p_active: ArrayLike,
) -> Metrics:
    """Returns all figures of one holdout; every argument of shape (n,), n ≥ 1."""
    actual, predicted = _pair(actual_value, predicted_value)
    bought, probability = _pair(np.asarray(actual_orders, dtype="float64") > 0, p_active)
    return Metrics(
        rows=len(actual),
        mae=mean_absolute_error(actual, predicted),
        rmse=root_mean_squared_error(actual, predicted),
        spearman=spearman(actual, predicted),
        normalised_gini=normalised_gini(actual, predicted),
        decile_mape=decile_mape(actual, predicted),
        total_ratio=total_ratio(actual, predicted),
        auc=area_under_curve(bought > 0, probability),
    )


def mean_absolute_error(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Returns mean |predicted - actual|, in the unit of both."""
    y, p = _pair(actual, predicted)
    return exact_sum(np.abs(p - y)) / len(y)


def root_mean_squared_error(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Returns √ mean (predicted - actual)², in the unit of both."""
    y, p = _pair(actual, predicted)
    return math.sqrt(exact_sum((p - y) ** 2) / len(y))


def spearman(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Returns the correlation of the mid-ranks, in [-1, 1]; 0 where either is constant."""
    y, p = _pair(actual, predicted)
    a = rankdata(y) - (len(y) + 1) / 2
    b = rankdata(p) - (len(p) + 1) / 2
    norm = math.sqrt(exact_sum(a * a) * exact_sum(b * b))
    return exact_sum(a * b) / norm if norm else 0.0


def normalised_gini(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Returns how much of the possible concentration of spend the prediction's order finds.

    Gini of actual spend ordered by prediction (best first) ÷ Gini of it ordered by itself: 1 is a
    perfect order, 0 none at all, below 0 worse than none; 0 where all spent the same.
    """
    y, p = _pair(actual, predicted)
    possible = _gini(y, y)
    return _gini(y, p) / possible if possible > 1e-15 else 0.0


def decile_mape(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Returns the mean over deciles of the prediction of |mean predicted - mean actual| ÷ actual.

    Fewer than ten customers make one group each. In a decile that spent nothing the error counts
    relative to the mean of all customers; nan where nobody spent anything (0 if so predicted).
    """
    y, p = _pair(actual, predicted)
    overall = exact_sum(y) / len(y)
    if overall == 0:
        return math.nan if p.any() else 0.0
    errors = []
    for predicted_mean, actual_mean in decile_means(y, p):
        reference = actual_mean if actual_mean > 0 else overall
        errors.append(abs(predicted_mean - actual_mean) / reference)
    return math.fsum(errors) / len(errors)


def decile_means(actual: ArrayLike, predicted: ArrayLike) -> list[tuple[float, float]]:
    """Returns mean prediction and mean actual of each decile of the prediction, lowest first."""
    y, p = _pair(actual, predicted)
    order = np.argsort(p, kind="stable")
    y, p = _tie_means(y, p)[order], p[order]
    groups = np.split(np.arange(len(y)), np.cumsum(decile_sizes(len(y)))[:-1])
    return [
        (exact_sum(p[group]) / len(group), exact_sum(y[group]) / len(group)) for group in groups
    ]


def decile_sizes(customers: int) -> list[int]:
    """Returns how many customers each decile has, lowest first; fewer than ten make one each."""
    groups = min(DECILES, customers)
    return [customers // groups + (place < customers % groups) for place in range(groups)]


def total_ratio(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Returns predicted total ÷ actual total; 1 where both are 0, nan where only the actual is."""
    y, p = _pair(actual, predicted)
    spent, expected = exact_sum(y), exact_sum(p)
    if spent == 0:
        return 1.0 if expected == 0 else math.nan
    return expected / spent


def area_under_curve(bought: ArrayLike, probability: ArrayLike) -> float:
    """Returns P(a buyer was given a higher probability than a non-buyer), ties counting half.

    The Mann-Whitney form of the area under the ROC curve; 0.5 where all or none bought.
    """
    y, p = _pair(bought, probability)
    buyers = int((y > 0).sum())
    others = len(y) - buyers
    if not buyers or not others:
        return 0.5
    rank_sum = exact_sum(rankdata(p)[y > 0])
    return (rank_sum - buyers * (buyers + 1) / 2) / (buyers * others)


def cumulative_gains(actual: ArrayLike, predicted: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Returns the share of spend that the share of customers with the highest predictions holds.

    Returns:
        Shares of customers and of spend, each of shape (n + 1,), from 0 to 1; the diagonal where
        nobody spent anything.
    """
    y, p = _pair(actual, predicted)
    order = np.argsort(-p, kind="stable")
    customers = np.arange(len(y) + 1) / len(y)
    spent = exact_sum(y)
    if spent == 0:
        return customers, customers
    return customers, np.concatenate([[0.0], np.cumsum(_tie_means(y, p)[order])]) / spent


def _gini(actual: np.ndarray, ranking: np.ndarray) -> float:
    """Twice the area between the gains curve of `actual` in the order `ranking` and the diagonal.

    For n customers without ties in y the area under the diagonal's steps is (n+1)/2n.
    """
    n = len(actual)
    total = exact_sum(actual)
    if total == 0:
        return 0.0
    ordered = _tie_means(actual, ranking)[np.argsort(-ranking, kind="stable")]
    # The k-th customer's spend is part of the n - k + 1 cumulative sums from there on.
    weights = np.arange(n, 0, -1)
    return 2 * (exact_sum(ordered * weights) / (n * total) - (n + 1) / (2 * n))


def _tie_means(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    _, group, count = np.unique(predicted, return_inverse=True, return_counts=True)
    if len(count) == len(actual):
        return actual
    # Sorted within the tie, so that the sum does not depend on the order of rows.
    order = np.lexsort((actual, group))
    starts = np.concatenate([[0], np.cumsum(count)[:-1]])
    return (np.add.reduceat(actual[order], starts) / count)[group]


def _pair(actual: ArrayLike, predicted: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    y = np.asarray(actual, dtype="float64")
    p = np.asarray(predicted, dtype="float64")
    if y.shape != p.shape or y.ndim != 1 or not len(y):
        raise ValueError(f"need two columns of one length ≥ 1, not {y.shape} and {p.shape}")
    if not (np.isfinite(y).all() and np.isfinite(p).all()):
        raise ValueError("actual and predicted values must be finite")
    return y, p
