"""How far a distribution has moved: population stability index, and Kolmogorov-Smirnov.

The index of two samples of one distribution is about (1/n + 1/m) χ² with as many degrees of freedom
as bins less one (Yurdakul, Statistical Properties of Population Stability Index, Western Michigan
University, 2018). So the bound is the usual 0.25, or that χ²'s 99.9 % quantile where it is more:
few rows scatter without any drift.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import chi2

Kind = Literal["feature", "prediction", "segment", "shap"]

DRIFT_COLUMNS = (
    "kind", "name", "psi", "ks", "psi_bound", "is_drifted", "reference_rows", "current_rows",
)  # fmt: skip
BOUND = 0.25
BINS = 10
#: Fewer rows on a side are no distribution to compare.
MIN_ROWS = 50
_CERTAINTY = 0.999
# Stands in for an empty bin, whose logarithm there is not.
_HALF = 0.5
_DECIMALS = 6


def drift_row(kind: Kind, name: str, reference: np.ndarray, current: np.ndarray) -> pd.DataFrame:
    """Compares two samples, of numbers or of the names of groups.

    Args:
        kind: What kind of thing it is.
        name: What is compared.
        reference: Of the training window, shape (n,); bins are its deciles, or its groups.
        current: Of today, shape (m,).

    Returns:
        `DRIFT_COLUMNS`, one row, or none where either side has fewer than `MIN_ROWS`. The distance
        of Kolmogorov-Smirnov is nan for groups.

    Raises:
        ValueError: A number is not finite.
    """
    reference, current = np.asarray(reference), np.asarray(current)
    if min(len(reference), len(current)) < MIN_ROWS:
        return pd.DataFrame(columns=list(DRIFT_COLUMNS))
    if reference.dtype.kind in "OUS":
        names = np.unique(np.concatenate([reference, current]).astype(str))
        before = np.searchsorted(names, reference.astype(str))
        now = np.searchsorted(names, current.astype(str))
        bins, distance = len(names), np.nan
    else:
        if not (np.isfinite(reference).all() and np.isfinite(current).all()):
            raise ValueError(f"{kind} {name}: values must be finite numbers")
        edges = np.unique(np.quantile(reference, np.arange(1, BINS) / BINS))
        before = np.searchsorted(edges, reference, side="left")
        now = np.searchsorted(edges, current, side="left")
        bins, distance = len(edges) + 1, kolmogorov_smirnov(reference, current)
    psi = stability_index(np.bincount(before, minlength=bins), np.bincount(now, minlength=bins))
    bound = psi_bound(bins, len(reference), len(current))
    return pd.DataFrame(
        {
            "kind": [kind],
            "name": [name],
            "psi": [round(psi, _DECIMALS)],
            "ks": [round(distance, _DECIMALS)],
            "psi_bound": [round(bound, _DECIMALS)],
            "is_drifted": [psi > bound],
            "reference_rows": [len(reference)],
            "current_rows": [len(current)],
        }
    )


def drift_rows(kind: Kind, samples: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """Compares (reference, current) of each name; see `drift_row`."""
    rows = [drift_row(kind, name, *pair) for name, pair in samples.items()]
    rows = [row for row in rows if len(row)]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=list(DRIFT_COLUMNS))


def stability_index(reference: np.ndarray, current: np.ndarray) -> float:
    """Returns Σ (q - p) ln(q / p) over bins, of counts; an empty bin counts as half a row."""
    used = (reference + current) > 0
    p = np.maximum(reference[used], _HALF) / reference.sum()
    q = np.maximum(current[used], _HALF) / current.sum()
    return float(((q - p) * np.log(q / p)).sum())


def psi_bound(bins: int, reference_rows: int, current_rows: int) -> float:
    """Returns what the index stays below without drift; see the module."""
    scatter = chi2.ppf(_CERTAINTY, max(bins - 1, 1)) * (1 / reference_rows + 1 / current_rows)
    return max(BOUND, float(scatter))


def kolmogorov_smirnov(reference: np.ndarray, current: np.ndarray) -> float:
    """Returns the largest distance of the two empirical distribution functions."""
    moments = np.unique(np.concatenate([reference, current]))
    before = np.searchsorted(np.sort(reference), moments, side="right") / len(reference)
    now = np.searchsorted(np.sort(current), moments, side="right") / len(current)
    return float(np.abs(before - now).max())
