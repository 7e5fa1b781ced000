"""The served form of a fitted candidate. Imports mlflow: import this module inside functions."""

from __future__ import annotations

from datetime import date, timedelta
from importlib.metadata import version
from typing import Any

import pandas as pd
from mlflow.models import ModelSignature
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

from ml.features.btyd import FEATURE_COLUMNS, customer_features
from ml.horizons import horizon_days, in_weeks
from ml.models.candidate import PREDICTION_COLUMNS, Candidate

DEFAULT_HORIZONS_WEEKS = tuple(in_weeks(horizon_days(months)) for months in (3, 6, 12))

_TYPES = {"customer_id": DataType.string, "frequency": DataType.long}


class ClvModel(PythonModel):
    """Predicts customers from their features: `ml.features.btyd.FEATURE_COLUMNS`.

    The parameter `horizon_weeks` lists the horizons; by default 3, 6 and 12 months.
    """

    def __init__(self, candidate: Candidate) -> None:
        """Wraps a fitted candidate."""
        self.candidate = candidate

    def predict(
        self,
        context: PythonModelContext | None,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Returns one row per customer and horizon, see `Candidate.predict`."""
        horizons = (params or {}).get("horizon_weeks", DEFAULT_HORIZONS_WEEKS)
        return self.candidate.predict(model_input, list(horizons))


def model_signature() -> ModelSignature:
    """Returns columns and parameters of a `ClvModel`."""
    return ModelSignature(
        inputs=_schema(FEATURE_COLUMNS),
        outputs=_schema(PREDICTION_COLUMNS),
        params=ParamSchema(
            [ParamSpec("horizon_weeks", DataType.double, list(DEFAULT_HORIZONS_WEEKS), shape=(-1,))]
        ),
    )


def input_example() -> pd.DataFrame:
    """Returns two invented customers: a repeat one and a one-time buyer."""
    days = [("repeat", 1, 20.0), ("repeat", 40, 25.0), ("repeat", 90, 30.0), ("once", 60, 18.0)]
    daily = pd.DataFrame(
        {
            "customer_id": [f"{name}-customer" for name, _, _ in days],
            "order_date": [date(2025, 1, 1) + timedelta(days=day) for _, day, _ in days],
            "gross_revenue_base": [value for _, _, value in days],
        }
    )
    return customer_features(daily, date(2025, 6, 30))


def pip_requirements() -> list[str]:
    """Returns what a server needs beside this package, pinned to what the model was made with.

    Named by hand: MLflow would otherwise load the model in a process of its own to find out.
    """
    libraries = ("mlflow", "cloudpickle", "lifetimes", "lightgbm", "numpy", "pandas", "scipy")
    return [f"{library}=={version(library)}" for library in libraries]


def _schema(columns: tuple[str, ...]) -> Schema:
    return Schema([ColSpec(_TYPES.get(name, DataType.double), name) for name in columns])
