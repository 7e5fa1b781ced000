"""The picture of what predicted values go by. Built without pyplot: no global state, no display."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.explain.contributions import ALL_CUSTOMERS, in_words
from ml.segments.stages import STAGES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BAR = "#2a6f97"
_INK = "#22303c"
_MISSING = "#b8bec4"
_MOST = 15
# Dots of a row lie in so many columns; those of one column are spread around the row's middle.
_COLUMNS = 60
_SPREAD = 0.38
_SHAP_AXIS = "SHAP value of each customer; of a low figure blue, of a high one red, of none grey"


def draw_importances(importances: pd.DataFrame, points: pd.DataFrame, target: Path) -> None:
    """Draws what weighs most: overall, customer by customer, and in each stage.

    Args:
        importances: Rows of ml.feature_importances of one company; may be none.
        points: Rows of ml.feature_contributions of the same.
        target: The PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    overall = importances[importances["scope"] == ALL_CUSTOMERS].sort_values("rank").head(_MOST)
    figure = Figure(figsize=(15, 5.6), dpi=100)
    FigureCanvasAgg(figure)
    # A layout that is found by trying takes as long as all of the drawing.
    figure.subplots_adjust(left=0.12, right=0.985, top=0.91, bottom=0.1, wspace=0.06)
    figure.suptitle(_title(overall), x=0.01, ha="left", color=_INK, fontweight="bold", fontsize=11)
    bars, swarm, stages = figure.subplots(1, 3, width_ratios=[4, 5, 3], sharey=True)
    if overall.empty:
        for axes in (bars, swarm, stages):
            axes.set_axis_off()
    else:
        features = overall["feature"].tolist()
        _bars(bars, overall)
        _swarm(swarm, features, points)
        _stages(stages, features, importances)
        bars.set_yticks(range(len(features)), [in_words(name) for name in features])
        bars.set_ylim(len(features) - 0.5, -0.5)
    # No software or date in it: the same figures give the same bytes.
    figure.savefig(target, format="png", metadata={"Software": None})


def _bars(axes: Axes, overall: pd.DataFrame) -> None:
    drawn = axes.barh(range(len(overall)), overall["share"] * 100, color=_BAR)
    axes.bar_label(drawn, fmt="%.0f %%", padding=3, color=_INK, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("share of the mean size of all SHAP values (%)")


def _swarm(axes: Axes, features: list[str], points: pd.DataFrame) -> None:
    """Draws a dot a customer, coloured by what the model was told (low to high)."""
    axes.axvline(0, color=_MISSING, linewidth=1, zorder=0)
    span = float(points["contribution"].abs().max()) or 1.0
    drawn: list[np.ndarray] = []
    for row, feature in enumerate(features):
        of = points[points["feature"] == feature]
        contribution = of["contribution"].to_numpy(dtype="float64")
        # By rank, so that one customer who spends a lot doesn't leave the others one colour.
        shade = of["value"].astype("float64").rank(pct=True).to_numpy()
        drawn.append(np.array([contribution, row + swarm_offsets(contribution, span), shade]))
    x, y, shade = np.concatenate(drawn, axis=1)
    known = ~np.isnan(shade)
    axes.scatter(x[~known], y[~known], s=5, linewidths=0, color=_MISSING)
    axes.scatter(
        x[known], y[known], s=5, linewidths=0, c=shade[known], cmap="coolwarm", vmin=0, vmax=1
    )
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(_SHAP_AXIS)


def swarm_offsets(contribution: np.ndarray, span: float) -> np.ndarray:
    """Returns how far each dot lies from the middle of its row, so that dots don't hide each other.

    Args:
        contribution: Where each dot is on the other axis, shape (n,).
        span: Largest size of any contribution of the picture.

    Returns:
        Within ± `_SPREAD`: dots of one column in turn above and below, the fuller the wider.
    """
    column = np.rint(contribution / span * _COLUMNS).astype("int64")
    order = np.argsort(column, kind="stable")
    _, first, size = np.unique(column[order], return_index=True, return_counts=True)
    number = np.arange(len(order)) - np.repeat(first, size)
    step = np.where(number % 2, 1, -1) * ((number + 1) // 2)
    offsets = np.zeros(len(order))
    fullest = max(int(size.max(initial=1)), 1)
    offsets[order] = step * 2 * _SPREAD / max(fullest, 12)
    return offsets


def _stages(axes: Axes, features: list[str], importances: pd.DataFrame) -> None:
    found = [stage for stage in STAGES if (importances["scope"] == stage).any()]
    shares = importances.pivot(index="feature", columns="scope", values="share")
    shown = shares.loc[features, found].to_numpy(dtype="float64") * 100
    axes.imshow(shown, aspect="auto", cmap="Blues", vmin=0, vmax=max(shown.max(), 1.0))
    for row, column in np.ndindex(shown.shape):
        dark = shown[row, column] > 0.6 * shown.max()
        axes.text(
            column, row, f"{shown[row, column]:.0f}", ha="center", va="center", fontsize=8,
            color="white" if dark else _INK,
        )  # fmt: skip
    axes.set_xticks(range(len(found)), found)
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="both", length=0)
    axes.set_xlabel("the same in each stage (%)")


def _title(overall: pd.DataFrame) -> str:
    if overall.empty:
        return "Too few customers, or all are predicted alike: nothing to explain"
    best = overall.iloc[0]
    title = f"What the values of {best['model_name']} go by"
    if not best["is_surrogate"]:
        return title
    fidelity = "" if pd.isna(best["fidelity"]) else f", R² {best['fidelity']:.3f}"
    return f"{title} (through a surrogate{fidelity})"
