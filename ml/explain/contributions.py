"""SHAP values of a model's predictions, and what they add up to.

A model whose value comes from one set of trees is explained by these trees. Any other (buy till you
die, a blend) is explained through a surrogate: LightGBM trained to repeat its values from what a
shop's owner knows of a customer, named as such and with its fidelity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from ml.explain.drivers import readable_features

if TYPE_CHECKING:
    from lightgbm import Booster

#: Customers that importances and the plot are of, at most.
MAX_SAMPLE = 2_000
#: Customers that interactions are of, at most: they cost as many times more as there are features.
MAX_INTERACTIONS_SAMPLE = 200
TOP_INTERACTIONS = 10
#: Customers that a summary plot has dots of, at most.
MAX_POINTS = 400
#: Below this there is nothing to tell apart.
MIN_CUSTOMERS = 50
ALL_CUSTOMERS = "all"
_MAX_TRAINING = 8_000
_HELD_OUT = 5
_MIN_HELD_OUT = 20
# A surrogate's target is the logarithm of the value plus this share of the mean value: drivers
# multiply, and somebody who is all but gone is no outlier.
_FLOOR = 0.01
_DECIMALS = 9
_SETTINGS: Mapping[str, Any] = {
    "objective": "regression",
    "verbosity": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 21,
    "learning_rate": 0.2,
    "num_leaves": 8,
    "min_data_in_leaf": 10,
    "max_bin": 127,
}
_ROUNDS = 50
# Far below what any feature that matters has; the rest is noise of a fit.
_NEXT_TO_NOTHING = 1e-6


@runtime_checkable
class TreeValued(Protocol):
    """A model whose value comes from one set of trees."""

    def value_trees(self, customers: pd.DataFrame) -> tuple[Booster, pd.DataFrame] | None:
        """Returns the trees and what they are shown of n customers; None where there are none."""
        ...


@dataclass(frozen=True)
class Explained:
    """A model's trees, or its surrogate's, with the customers that they see.

    Attributes:
        booster: Trees that add up to the value, or to its logarithm.
        features: What they are shown, one row a customer, in the order of the customers.
        customer_ids: Shape (n,).
        model_name: The model whose values are explained.
        is_surrogate: Whether the trees are a surrogate's.
        shown: Gives what the trees are shown of any customers.
        fidelity: R² of the surrogate on customers that it was not trained on, on the scale on
            which it adds; None without a surrogate, or where too few customers were left.
    """

    booster: Booster
    features: pd.DataFrame
    customer_ids: np.ndarray
    model_name: str
    is_surrogate: bool
    shown: Callable[[pd.DataFrame], pd.DataFrame]
    fidelity: float | None = None

    def contributions(self, rows: np.ndarray) -> pd.DataFrame:
        """Returns the SHAP values of the customers at these places, a column a feature."""
        return self._values(self.features.iloc[rows])

    def of(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Returns the SHAP values of any customers (`ml.features.btyd.FEATURE_COLUMNS`)."""
        return self._values(self.shown(customers))

    def _values(self, shown: pd.DataFrame) -> pd.DataFrame:
        if not len(shown):
            return shown.astype("float64")
        # The last column is what is expected of nobody in particular.
        values = np.asarray(self.booster.predict(shown, pred_contrib=True, num_threads=1))
        return pd.DataFrame(values[:, :-1], columns=list(self.features.columns))

    def sample(self, size: int = MAX_SAMPLE) -> np.ndarray:
        """Returns the places of every k-th customer: the same whatever the order of rows."""
        stride = -(-len(self.features) // size) or 1
        return np.arange(0, len(self.features), stride)


def explain(
    model: Any, customers: pd.DataFrame, values: np.ndarray, name: str | None = None
) -> Explained | None:
    """Returns what explains a model's values.

    Args:
        model: The champion at the horizon in question, fitted.
        customers: `ml.features.btyd.FEATURE_COLUMNS`, n rows sorted by customer.
        values: What the model predicts of them, base currency, shape (n,).
        name: Of the model, where it isn't its own.

    Returns:
        None where there are too few customers, or all are predicted alike.
    """
    if len(customers) < MIN_CUSTOMERS or np.ptp(values) <= _NEXT_TO_NOTHING * values.mean():
        return None
    ids = customers["customer_id"].to_numpy()
    model_name = name or str(model.name)
    own = model.value_trees(customers) if isinstance(model, TreeValued) else None
    if own is not None:
        return Explained(
            own[0], own[1], ids, model_name, False, lambda others: model.value_trees(others)[1]
        )
    features = readable_features(customers)
    booster, fidelity = _surrogate(features, values)
    return Explained(booster, features, ids, model_name, True, readable_features, fidelity)


def _surrogate(features: pd.DataFrame, values: np.ndarray) -> tuple[Booster, float | None]:
    import lightgbm

    target = np.log(np.maximum(values, 0) + _FLOOR * values.mean())
    stride = -(-len(target) // _MAX_TRAINING) or 1
    rows = np.arange(0, len(target), stride)
    held_out = rows[::_HELD_OUT]
    if len(held_out) < _MIN_HELD_OUT:
        held_out = held_out[:0]
    training = np.setdiff1d(rows, held_out)
    data = lightgbm.Dataset(features.iloc[training], target[training])
    booster = lightgbm.train(dict(_SETTINGS), data, num_boost_round=_ROUNDS)
    if not len(held_out):
        return booster, None
    repeated = np.asarray(booster.predict(features.iloc[held_out], num_threads=1))
    missed = ((target[held_out] - repeated) ** 2).sum()
    spread = ((target[held_out] - target[held_out].mean()) ** 2).sum()
    return booster, round(float(1 - missed / spread), 6) if spread > 0 else None


def importances(
    contributions: pd.DataFrame, stages: Sequence[str], explained: Explained
) -> pd.DataFrame:
    """Returns how much each feature weighs, overall and in each stage.

    Args:
        contributions: SHAP values of n customers.
        stages: The stage of each, n of them.
        explained: What they stem from.

    Returns:
        `scope`, `feature`, `importance`, `mean_contribution`, `share`, `rank`, `customers`,
        `model_name`, `is_surrogate`, `fidelity`; by scope and rank.
    """
    names = np.asarray(contributions.columns)
    values = contributions.to_numpy()
    in_stage = np.asarray(stages)
    scopes = [(ALL_CUSTOMERS, np.ones(len(values), dtype=bool))]
    scopes += [(stage, in_stage == stage) for stage in sorted(set(stages))]
    frames = []
    for scope, members in scopes:
        weight = np.abs(values[members]).mean(axis=0).round(_DECIMALS)
        order = np.lexsort((names, -weight))
        total = weight.sum()
        frames.append(
            pd.DataFrame(
                {
                    "scope": scope,
                    "feature": names[order],
                    "importance": weight[order],
                    "mean_contribution": values[members].mean(axis=0).round(_DECIMALS)[order],
                    "share": (weight[order] / total).round(_DECIMALS) if total > 0 else 0.0,
                    "rank": np.arange(1, len(names) + 1),
                    "customers": int(members.sum()),
                    "model_name": explained.model_name,
                    "is_surrogate": explained.is_surrogate,
                    "fidelity": explained.fidelity,
                }
            )
        )
    return pd.concat(frames, ignore_index=True).astype({"fidelity": "Float64"})


def summary_points(
    contributions: pd.DataFrame, explained: Explained, rows: np.ndarray
) -> pd.DataFrame:
    """Returns the dots of a summary plot: SHAP values beside the values that they are of.

    Args:
        contributions: Of the customers at `rows`.
        explained: What they stem from.
        rows: Places of customers, see `Explained.sample`.

    Returns:
        `feature`, `place` (1 and up; whose it is stays out), `value` (null where there is none),
        `contribution`; every k-th customer, at most `MAX_POINTS` of them, by feature and place.
    """
    every = -(-len(rows) // MAX_POINTS) or 1
    chosen = contributions.iloc[::every]
    shown = explained.features.iloc[rows[::every]]
    frames = [
        pd.DataFrame(
            {
                "feature": name,
                "place": np.arange(1, len(chosen) + 1),
                "value": shown[name].to_numpy(dtype="float64").round(_DECIMALS),
                "contribution": chosen[name].to_numpy().round(_DECIMALS),
            }
        )
        for name in sorted(chosen.columns)
    ]
    return pd.concat(frames, ignore_index=True).astype({"value": "Float64"})


def interactions(explained: Explained) -> pd.DataFrame:
    """Returns the pairs of features that change each other's weight most.

    Returns:
        `feature_a`, `feature_b`, `strength` (mean absolute SHAP interaction value, both directions
        together), `rank`, `customers`, `model_name`, `is_surrogate`; at most ten rows, none for
        pairs that don't change each other at all.
    """
    import shap

    rows = explained.sample(MAX_INTERACTIONS_SAMPLE)
    explainer = shap.TreeExplainer(explained.booster)
    values = np.asarray(explainer.shap_interaction_values(explained.features.iloc[rows]))
    mean = 2 * np.abs(values).mean(axis=0)
    names = list(explained.features.columns)
    floor = _NEXT_TO_NOTHING * mean.max()
    pairs: list[tuple[str, str, float]] = [
        (min(names[a], names[b]), max(names[a], names[b]), round(float(mean[a, b]), _DECIMALS))
        for a, b in combinations(range(len(names)), 2)
        if mean[a, b] > floor
    ]
    strongest = sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))[:TOP_INTERACTIONS]
    return pd.DataFrame(
        [
            {
                "feature_a": first,
                "feature_b": second,
                "strength": strength,
                "rank": rank,
                "customers": len(rows),
                "model_name": explained.model_name,
                "is_surrogate": explained.is_surrogate,
            }
            for rank, (first, second, strength) in enumerate(strongest, start=1)
        ],
        columns=[
            "feature_a",
            "feature_b",
            "strength",
            "rank",
            "customers",
            "model_name",
            "is_surrogate",
        ],
    )


def as_of_rows(frame: pd.DataFrame, company_id: str, as_of: date) -> pd.DataFrame:
    """Puts the company and the day before the rows of a table."""
    table = frame.copy()
    table.insert(0, "company_id", company_id)
    table.insert(1, "calculation_date", as_of)
    return table


def in_words(feature: str) -> str:
    """Returns the name of a feature for a picture's axis."""
    spelt = re.sub(r"_(\d+)w$", r" in \1 weeks", feature)
    return spelt.replace("_", " ")
