"""Models learned from earlier windows: customers as they were then, and what they did next.

All stand on `ml.models.base`: its expectations are features, and it carries what was learned at one
length of window to every horizon. LightGBM runs on one thread with fixed seeds, so that the same
data give the same trees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd

from ml.features.btyd import BEHAVIOUR_COLUMNS, FeatureError, check_features
from ml.horizons import DAYS_PER_WEEK
from ml.models.base import Base, BasePrediction, along
from ml.models.candidate import (
    Description,
    NotFittedError,
    checked_horizons,
    long_frame,
)
from ml.models.preparation import Preparation, Window

if TYPE_CHECKING:
    from lightgbm import Booster, Dataset

Kind = Literal["hurdle", "tweedie", "direct"]

DEFAULT_HORIZON_WEEKS = 26.0
#: Above this share of the buyers' values a window's value is an outlier to a fit.
CAP_QUANTILE = 0.995
_MAX_ROWS = 16_000
_MIN_ROWS = 100
_MIN_BUYERS = 30
_TWEEDIE_POWER = 1.4
# The offset is the base, drawn to the mean: who is all but lost to the base may return.
_OFFSET_SHRINKAGE = 0.6
_SETTINGS: Mapping[str, Any] = {
    "verbosity": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 20,
    "learning_rate": 0.06,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 127,
}
_ROUNDS = 80
_ROWS_FOR_TWO_THREADS = 50_000


@dataclass(frozen=True)
class TrainingRows:
    """Rows of all windows, and what the base expected of each.

    Attributes:
        features: One row per customer and window.
        value: What was spent, capped, shape (n,).
        bought: Whether anything was, shape (n,).
        offset: The base's value, shrunk and brought to the window's level, shape (n,).
        same_length: Whether the row's window is as long as the longest, shape (n,).
    """

    features: pd.DataFrame
    value: np.ndarray
    bought: np.ndarray
    offset: np.ndarray
    same_length: np.ndarray


def training_rows(
    prepared: Preparation, cutoff: date, horizon_days: int
) -> tuple[TrainingRows | None, int]:
    """Returns the rows and the length of the longest window in days; None where there are few."""
    key = ("training_rows", cutoff, horizon_days)
    return prepared.once(key, lambda: _training_rows(prepared, cutoff, horizon_days))


def _training_rows(
    prepared: Preparation, cutoff: date, horizon_days: int
) -> tuple[TrainingRows | None, int]:
    windows = prepared.windows(cutoff, horizon_days)
    buyers = sum(int((window.value > 0).sum()) for window in windows)
    if sum(len(window.value) for window in windows) < _MIN_ROWS or buyers < _MIN_BUYERS:
        return None, horizon_days
    longest = windows[0].days
    parts = [_window_rows(prepared, window, len(windows)) for window in windows]
    value = np.concatenate([part[1] for part in parts])
    return TrainingRows(
        pd.concat([part[0] for part in parts], ignore_index=True),
        np.minimum(value, np.quantile(value[value > 0], CAP_QUANTILE)),
        np.concatenate([part[2] for part in parts]),
        np.concatenate([part[3] for part in parts]),
        np.concatenate([np.full(len(part[1]), part[4] == longest) for part in parts]),
    ), longest


def _window_rows(
    prepared: Preparation, window: Window, windows: int
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray, int]:
    base = base_at(prepared, window.cutoff, window.days)
    # Every k-th customer by id: the same whatever the order of rows.
    stride = -(-len(window.value) * windows // _MAX_ROWS) or 1
    rows = slice(None, None, stride)
    features = learned_features(window.customers, base).iloc[rows]
    offset = shrunk_offset(base.value[:, 0])
    offset = offset * (window.value.sum() / offset.sum())
    return features, window.value[rows], window.orders[rows] > 0, offset[rows], window.days


def base_at(prepared: Preparation, cutoff: date, days: int) -> BasePrediction:
    """Returns what the base, fitted at a cutoff, expects of the customers for the days after."""

    def predict() -> BasePrediction:
        base = Base.fit(prepared, cutoff)
        return base.predict(prepared.customers(cutoff), np.array([days / DAYS_PER_WEEK]))

    return prepared.once(("base_at", cutoff, days), predict)


def shrunk_offset(value: np.ndarray, mean: float | None = None) -> np.ndarray:
    """Returns the base's values, drawn to their mean so that none is 0."""
    if mean is None:
        mean = float(value.mean()) if len(value) else 0.0
    return (1 - _OFFSET_SHRINKAGE) * value + _OFFSET_SHRINKAGE * mean + 1e-9


def learned_features(
    customers: pd.DataFrame, base: BasePrediction, level: float | None = None
) -> pd.DataFrame:
    """Returns what trees are shown of each customer, n rows.

    Args:
        customers: `ml.features.btyd.FEATURE_COLUMNS`.
        base: What the base expects of them at one horizon.
        level: Mean value that the base expects; by default of these customers.

    Raises:
        FeatureError: A column is missing.
    """
    missing = [column for column in BEHAVIOUR_COLUMNS if column not in customers.columns]
    if missing:
        raise FeatureError(f"customer features lack the columns {', '.join(missing)}")
    x, recency, age, total = (
        customers[column].to_numpy(dtype="float64")
        for column in ("frequency", "recency", "T", "total")
    )
    since = age - recency
    value = base.value[:, 0]
    mean = level if level is not None else (float(value.mean()) if len(value) else 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = recency / x
        spread = np.sqrt(
            np.maximum(customers["squared_gaps"].to_numpy(dtype="float64") / x - gap**2, 0)
        )
        columns = {
            "frequency": x,
            "age": age,
            "since_last": since,
            "since_last_of_age": np.where(age > 0, since / age, 0.0),
            "gap": gap,
            "gaps_since_last": since / gap,
            "gap_variation": spread / gap,
            "total": total,
            "mean_value": total / (x + 1),
            "first_value": customers["first_value"].to_numpy(dtype="float64"),
            **{name: customers[name].to_numpy(dtype="float64") for name in BEHAVIOUR_COLUMNS},
            "base_value": value / mean if mean > 0 else value,
            "base_p_active": base.p_active[:, 0],
        }
    columns.pop("squared_gaps")
    return pd.DataFrame(columns)


def binned(features: pd.DataFrame) -> Dataset:
    """Returns features as LightGBM trains on them; binning them takes a third of a training."""
    import lightgbm

    return lightgbm.Dataset(features)


class Trees:
    """One LightGBM model; gives its predictions on the scale of the target.

    A contest asks for the same customers several times (to find the level, for each horizon, in
    the blend): the last answer is kept, under a digest of what was asked.
    """

    def __init__(self, booster: Booster) -> None:
        """Keeps a trained model."""
        self.booster = booster
        self._last: tuple[bytes, np.ndarray] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leaves the last answer out of what is saved."""
        return self.__dict__ | {"_last": None}

    @classmethod
    def fit(
        cls,
        objective: str,
        features: Dataset,
        target: np.ndarray,
        log_offset: np.ndarray | None = None,
    ) -> Trees:
        """Trains on n rows; with an offset the trees learn what to multiply it by.

        Args:
            objective: As LightGBM calls it.
            features: Of `binned`; several models may be trained on it, all with an offset or none.
            target: Shape (n,).
            log_offset: Shape (n,).
        """
        import lightgbm

        rows = len(target)
        settings = dict(_SETTINGS) | {
            "objective": objective,
            "num_leaves": 15 if rows > 20_000 else 8,
            "min_data_in_leaf": max(20, rows // 100),
        }
        if objective == "tweedie":
            settings["tweedie_variance_power"] = _TWEEDIE_POWER
        features.set_label(target)
        if log_offset is not None:
            features.set_init_score(log_offset)
        return cls(lightgbm.train(settings, features, num_boost_round=_ROUNDS))

    def predict(self, features: pd.DataFrame, log_offset: np.ndarray | None = None) -> np.ndarray:
        """Returns the predictions, shape (n,)."""
        if not len(features):
            return np.zeros(0)
        scores = self._scores(features, raw=log_offset is not None)
        return scores.copy() if log_offset is None else np.exp(scores + log_offset)

    def _scores(self, features: pd.DataFrame, raw: bool) -> np.ndarray:
        rows = features.to_numpy(dtype="float64")
        digest = hashlib.blake2b(rows.tobytes(), digest_size=16).digest() + bytes([raw])
        if self._last is None or self._last[0] != digest:
            # A row's score is its own, whoever computes it.
            threads = 2 if len(rows) >= _ROWS_FOR_TWO_THREADS else 1
            scores = np.asarray(self.booster.predict(rows, raw_score=raw, num_threads=threads))
            self._last = (digest, scores)
        return self._last[1]

    def importance(self) -> dict[str, float]:
        """Returns each feature's share of the gain."""
        gain = self.booster.feature_importance("gain")
        total = float(gain.sum()) or 1.0
        names = self.booster.feature_name()
        return {name: float(g) / total for name, g in zip(names, gain, strict=True)}


class Learned:
    """LightGBM alone, in one of three forms.

    - hurdle: P(active) times the value of those who are active, multiplied in money.
    - tweedie: value as such, with its many zeros and long tail.
    - direct: value as such, by squared error.

    Where there are too few earlier windows the base itself predicts; `describe` says so.
    """

    def __init__(self, kind: Kind, horizon_weeks: float = DEFAULT_HORIZON_WEEKS) -> None:
        """Names the form and the horizon that it is trained for."""
        self.name = f"lightgbm_{kind}"
        self._kind = kind
        self._horizon_weeks = float(checked_horizons([horizon_weeks])[0])
        self._base: Base | None = None
        self._anchor_weeks = self._horizon_weeks
        self._level = 0.0
        self._trees: tuple[Trees, ...] = ()
        self._rows = 0

    def fit(self, daily: pd.DataFrame | Preparation, cutoff: date) -> Self:
        """Trains on earlier windows; see `Candidate.fit`."""
        prepared = Preparation.of(daily)
        self._base = Base.fit(prepared, cutoff)
        rows, days = training_rows(prepared, cutoff, round(self._horizon_weeks * DAYS_PER_WEEK))
        self._anchor_weeks = days / DAYS_PER_WEEK
        self._trees, self._rows = (), 0
        at_anchor = base_at(prepared, cutoff, days).value[:, 0]
        self._level = float(at_anchor.mean()) if len(at_anchor) else 0.0
        if rows is not None:
            self._rows = int(rows.same_length.sum())
            key = ("trees", self._kind, cutoff, self._horizon_weeks)
            binned_key = ("binned", cutoff, self._horizon_weeks)
            features = prepared.once(binned_key, lambda: binned(rows.features[rows.same_length]))
            self._trees = prepared.once(key, lambda: self._trained(rows, features))
        return self

    def predict(self, customers: pd.DataFrame, horizons_weeks: Sequence[float]) -> pd.DataFrame:
        """Predicts at the anchor and carries that to the horizons; see `Candidate.predict`."""
        base = self._fitted()
        check_features(customers)
        horizons = checked_horizons(horizons_weeks)
        at_horizons = base.predict(customers, horizons)
        at_anchor = base.predict(customers, np.array([self._anchor_weeks]))
        value, p_active = at_anchor.value[:, 0], at_anchor.p_active[:, 0]
        if self._trees:
            features = learned_features(customers, at_anchor, self._level)
            if self._kind == "hurdle":
                p_active = self._trees[0].predict(features)
                value = p_active * self._trees[1].predict(features)
            else:
                value = np.maximum(self._trees[0].predict(features), 0.0)
        return long_frame(
            customers["customer_id"], horizons, *along(value, p_active, at_anchor, at_horizons)
        )

    def value_trees(self, customers: pd.DataFrame) -> tuple[Booster, pd.DataFrame] | None:
        """Returns the trees that add up to the value at the anchor, and what they are shown.

        None where no one set of trees does: the hurdle multiplies two, or the base predicts.
        """
        if len(self._trees) != 1:
            return None
        at_anchor = self._fitted().predict(customers, np.array([self._anchor_weeks]))
        return self._trees[0].booster, learned_features(customers, at_anchor, self._level)

    def describe(self) -> Description:
        """Returns the training set, the importances and how the base was fitted."""
        base = self._fitted()
        return Description(
            name=self.name,
            params={"anchor_weeks": self._anchor_weeks, "training_rows": float(self._rows)},
            diagnostics={
                "fell_back": not self._trees,
                "fallback": None if self._trees else f"too few earlier windows: {base_name(base)}",
                "count_model": base.counts.model.name,
                "importance": [trees.importance() for trees in self._trees],
            },
        )

    def _trained(self, rows: TrainingRows, features: Dataset) -> tuple[Trees, ...]:
        same = rows.same_length
        value, bought = rows.value[same], rows.bought[same]
        if self._kind == "hurdle":
            return (
                Trees.fit("binary", features, bought.astype("float64")),
                Trees.fit("gamma", binned(rows.features[same][bought]), value[bought]),
            )
        objective = "tweedie" if self._kind == "tweedie" else "regression"
        return (Trees.fit(objective, features, value),)

    def _fitted(self) -> Base:
        if self._base is None:
            raise NotFittedError(f"fit {self.name} before using it")
        return self._base


def base_name(base: Base) -> str:
    """Returns what predicts where nothing could be learned."""
    return f"{base.counts.model.name} predicts instead"
