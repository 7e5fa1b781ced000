"""SHAP interaction values of trees, in closed form.

A leaf of value w adds the game v(S) = w ∏_{k in S} o_k ∏_{k not in S} z_k over the features k of
its path: o_k is whether the customer goes that way, z_k the share of training rows that did
(Lundberg, Erion, Lee, Consistent Individualized Feature Attribution for Tree Ensembles, 2018: path
dependent). The weights of the Shapley interaction index are |S|! (d - 2 - |S|)! / (d - 1)! =
∫ t^|S| (1 - t)^(d - 2 - |S|) dt, so that the sum over all S is one integral of a polynomial (Owen,
Multilinear Extensions of Games, Management Science 18, 1972):

    φ_ij = w (o_i - z_i) (o_j - z_j) ∫ ∏_{k ≠ i, j} (t o_k + (1 - t) z_k) dt

which Gauss's quadrature gives exactly. The library shap takes a second to be imported and says the
same (a test).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from lightgbm import Booster

_Path = dict[int, tuple[float, np.ndarray]]


def interaction_strengths(booster: Booster, features: pd.DataFrame) -> np.ndarray:
    """Returns the mean size of the interaction of each pair of features, shape (f, f).

    Args:
        booster: Numerical splits only.
        features: What it is shown, n rows of f columns.

    Returns:
        Symmetric, both directions of a pair together; 0 on the diagonal.

    Raises:
        ValueError: A split is on categories.
    """
    values = features.to_numpy(dtype="float64")
    count = values.shape[1]
    found = np.zeros((len(values), count, count))
    for tree in booster.dump_model()["tree_info"]:
        everybody = np.ones(len(values), dtype=bool)
        for weight, path in _leaves(tree["tree_structure"], values, {}, everybody):
            _add_leaf(found, weight, path)
    return np.asarray(np.abs(found).mean(axis=0))


def _leaves(
    node: Mapping[str, Any], values: np.ndarray, path: _Path, everybody: np.ndarray
) -> Iterator[tuple[float, _Path]]:
    """Yields each leaf's value with its path: by feature z, and o of each row."""
    if "split_feature" not in node:
        yield float(node["leaf_value"]), path
        return
    if node["decision_type"] != "<=":
        raise ValueError(f"splits by {node['decision_type']} have no closed form here")
    feature = int(node["split_feature"])
    goes_left = _goes_left(node, values[:, feature])
    z, o = path.get(feature, (1.0, everybody))
    for child, goes in ((node["left_child"], goes_left), (node["right_child"], ~goes_left)):
        share = _rows(child) / _rows(node)
        yield from _leaves(child, values, path | {feature: (z * share, o & goes)}, everybody)


def _goes_left(node: Mapping[str, Any], value: np.ndarray) -> np.ndarray:
    missing = np.isnan(value)
    if node["missing_type"] == "None":
        # Then LightGBM takes what is missing for 0.
        return np.asarray(np.where(missing, 0.0, value) <= node["threshold"])
    if node["missing_type"] == "Zero":
        missing |= np.abs(value) <= 1e-35
    return np.where(missing, bool(node["default_left"]), value <= node["threshold"])


def _rows(node: Mapping[str, Any]) -> float:
    return float(node.get("internal_count", node.get("leaf_count", 0)))


def _add_leaf(found: np.ndarray, weight: float, path: _Path) -> None:
    if len(path) < 2:
        return
    features = np.fromiter(path, dtype="int64")
    z = np.array([share for share, _ in path.values()])[:, None, None]
    o = np.array([goes for _, goes in path.values()], dtype="float64")[:, :, None]
    at, share = np.polynomial.legendre.leggauss(len(path) // 2)
    t, share = (at + 1) / 2, share / 2
    # Never 0: some rows went every way, and t is below 1.
    factor = t * o + (1 - t) * z
    slope = (o - z) / factor
    # (pairs of features, rows): the product of all factors, less those of the pair itself.
    pairs = np.einsum("inq,jnq,nq->nij", slope, slope, factor.prod(axis=0) * share)
    found[:, features[:, None], features[None, :]] += weight * pairs * (1 - np.eye(len(path)))
