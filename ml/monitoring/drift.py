"""How far a distribution has moved: population stability index, and Kolmogorov-Smirnov.

Like is compared with like. Customers who came two years ago buy otherwise than new ones, so a base
that only grows older would seem to drift each night. Rows are in strata, such as customers' tenure;
those of the reference are weighted so that each stratum has the share that it has today, and a
stratum that one side lacks is left out (direct standardisation: Rothman, Greenland, Lash, Modern
Epidemiology, 3rd ed. 2008, ch. 15). What is unlike every quarter of the year before has drifted;
what is like one of them, say the same season's, has not.

The index of two samples of one distribution is about (1/n + 1/m) χ² with as many degrees of freedom
as bins less one (Yurdakul, Statistical Properties of Population Stability Index, Western Michigan
University, 2018). So the bound is the usual 0.25, or that χ²'s 99.9 % quantile where it is more:
few rows scatter without any drift. Weighted rows count as (Σw)²/Σw² (Kish, Survey Sampling, 1965).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
#: Fewer rows of a stratum on a side don't stand for it.
MIN_STRATUM_ROWS = 20
_CERTAINTY = 0.999
# Stands in for an empty bin, whose logarithm there is not.
_HALF = 0.5
_DECIMALS = 6


@dataclass(frozen=True)
class Sample:
    """What is compared, of n rows.

    Attributes:
        values: Numbers (float), or the numbers of groups (int), shape (n,).
        strata: The stratum of each, int of shape (n,).
    """

    values: np.ndarray
    strata: np.ndarray

    @classmethod
    def alike(cls, values: np.ndarray) -> Sample:
        """Returns a sample whose rows are all of one stratum."""
        return cls(values, np.zeros(len(values), dtype="int64"))

    def thinned(self, rows: int) -> Sample:
        """Returns at most so many rows, spread over all strata and values."""
        order = np.lexsort((self.values, self.strata))
        kept = order[:: -(-len(order) // rows) or 1]
        return Sample(self.values[kept], self.strata[kept])


#: By name the sample of today and those of earlier quarters.
Samples = Mapping[str, tuple[Sample, Sequence[Sample]]]


def drift_rows(kind: Kind, samples: Samples) -> pd.DataFrame:
    """Compares each sample of today with the earlier ones.

    Args:
        kind: What kind of thing they are.
        samples: By name; both sides in the same kind of values.

    Returns:
        `DRIFT_COLUMNS`, one row a name: the comparison with the earlier sample that is most like
        today's. None where each comparison has fewer than `MIN_ROWS` on a side. The distance of
        Kolmogorov-Smirnov is nan for groups.

    Raises:
        ValueError: A number is not finite.
    """
    rows = []
    for name, (current, references) in samples.items():
        for sample in (current, *references):
            if not np.isfinite(sample.values).all():
                raise ValueError(f"{kind} {name}: values must be finite numbers")
        compared = [found for each in references if (found := _compare(each, current)) is not None]
        if compared:
            rows.append({"kind": kind, "name": name} | min(compared, key=lambda row: row["psi"]))
    return pd.DataFrame(rows, columns=list(DRIFT_COLUMNS))


def _compare(reference: Sample, current: Sample) -> dict[str, float] | None:
    matched = _matched(reference, current)
    if matched is None:
        return None
    before, weight, now = matched
    if before.dtype.kind == "f":
        edges = np.unique(_quantiles(before, weight, np.arange(1, BINS) / BINS))
        bins, distance = len(edges) + 1, kolmogorov_smirnov(before, now, weight)
        places = tuple(np.searchsorted(edges, each, side="left") for each in (before, now))
    else:
        groups = np.unique(np.concatenate([before, now]))
        bins, distance = len(groups), np.nan
        places = tuple(np.searchsorted(groups, each) for each in (before, now))
    # As if the reference had as many rows as its weights are worth.
    worth = 1 / float((weight**2).sum())
    counts = np.bincount(places[0], weights=weight, minlength=bins) * worth
    psi = stability_index(counts, np.bincount(places[1], minlength=bins))
    bound = psi_bound(bins, worth, len(now))
    return {
        "psi": round(psi, _DECIMALS),
        "ks": round(distance, _DECIMALS),
        "psi_bound": round(bound, _DECIMALS),
        "is_drifted": psi > bound,
        "reference_rows": len(before),
        "current_rows": len(now),
    }


def _matched(
    reference: Sample, current: Sample
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Returns values and weights (they add up to 1) of the reference, and values of today."""
    size = int(max(reference.strata.max(initial=0), current.strata.max(initial=0))) + 1
    there = np.bincount(reference.strata, minlength=size)
    here = np.bincount(current.strata, minlength=size)
    shared = np.minimum(there, here) >= MIN_STRATUM_ROWS
    before, now = shared[reference.strata], shared[current.strata]
    if min(before.sum(), now.sum()) < MIN_ROWS:
        return None
    weight = (here / np.maximum(there, 1))[reference.strata[before]] / now.sum()
    return reference.values[before], weight, current.values[now]


def _quantiles(values: np.ndarray, weight: np.ndarray, levels: np.ndarray) -> np.ndarray:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    places = np.searchsorted(reached, levels * reached[-1], side="left")
    return np.asarray(values[order][np.minimum(places, len(values) - 1)])


def stability_index(reference: np.ndarray, current: np.ndarray) -> float:
    """Returns Σ (q - p) ln(q / p) over bins, of counts; an empty bin counts as half a row."""
    used = (reference + current) > 0
    p = np.maximum(reference[used], _HALF) / reference.sum()
    q = np.maximum(current[used], _HALF) / current.sum()
    return float(((q - p) * np.log(q / p)).sum())


def psi_bound(bins: int, reference_rows: float, current_rows: float) -> float:
    """Returns what the index stays below without drift; see the module."""
    scatter = chi2.ppf(_CERTAINTY, max(bins - 1, 1)) * (1 / reference_rows + 1 / current_rows)
    return max(BOUND, float(scatter))


def kolmogorov_smirnov(
    reference: np.ndarray, current: np.ndarray, weight: np.ndarray | None = None
) -> float:
    """Returns the largest distance of the two distribution functions, the reference's weighted."""
    order = np.argsort(reference, kind="stable")
    reached = np.cumsum(np.ones(len(reference)) if weight is None else weight[order])
    moments = np.unique(np.concatenate([reference, current]))
    below = np.searchsorted(reference[order], moments, side="right")
    before = np.concatenate([[0.0], reached / reached[-1]])[below]
    now = np.searchsorted(np.sort(current), moments, side="right") / len(current)
    return float(np.abs(before - now).max())
