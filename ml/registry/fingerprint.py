"""Ids that depend on content alone: same data, settings and code, same run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import ml

RUN_ID_LENGTH = 16
_MONEY = ("gross_revenue_base", "net_revenue_base", "margin_base")
# The libraries whose arithmetic ends up in a prediction.
_NUMERIC_LIBRARIES = ("lifetimes", "lightgbm", "numpy", "pandas", "scipy")


def run_fingerprint(daily: pd.DataFrame, settings: Mapping[str, Any]) -> str:
    """Returns the id of a run: a short hash of its data, its settings and the code of `ml`.

    Args:
        daily: Customer-days, rows in any order.
        settings: What else decides the outcome, JSON-serialisable; keys in any order.

    Raises:
        TypeError: A setting is not JSON-serialisable.
    """
    content = {
        "data": data_fingerprint(daily),
        "settings": dict(settings),
        "code": code_fingerprint(),
    }
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:RUN_ID_LENGTH]


def settings_fingerprint(settings: Mapping[str, Any]) -> str:
    """Returns a short hash of settings and of the code of `ml`: what decides beside the data.

    Raises:
        TypeError: A setting is not JSON-serialisable.
    """
    text = json.dumps({"settings": dict(settings), "code": code_fingerprint()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:RUN_ID_LENGTH]


def data_fingerprint(daily: pd.DataFrame) -> str:
    """Returns the sha256 of the customer-days, whatever the order of their rows."""
    moments = pd.to_datetime(daily["order_date"]).to_numpy()
    columns: dict[str, Any] = {
        "customer_id": daily["customer_id"].astype(str).to_numpy(),
        "day": moments.astype("datetime64[D]").astype("int64"),
    }
    columns |= {
        name: daily[name].to_numpy(dtype="float64") for name in _MONEY if name in daily.columns
    }
    ordered = pd.DataFrame(columns).sort_values(list(columns), kind="stable")
    digest = hashlib.sha256(json.dumps(list(columns)).encode())
    digest.update(json.dumps(ordered["customer_id"].tolist()).encode())
    for name in list(columns)[1:]:
        digest.update(np.ascontiguousarray(ordered[name].to_numpy()).tobytes())
    return digest.hexdigest()


def code_fingerprint() -> str:
    """Returns the sha256 of this package's source and of the libraries that compute for it."""
    root = Path(ml.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    for library in _NUMERIC_LIBRARIES:
        digest.update(f"{library}=={version(library)}\0".encode())
    return digest.hexdigest()
