"""The picture of what predicted values go by. Built without pyplot: no global state, no display."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ml.explain.contributions import in_words

_BAR = "#2a6f97"
_INK = "#22303c"
_MOST = 15


def draw_importances(importances: pd.DataFrame, target: Path) -> None:
    """Draws the features that weigh most, overall, with the sign that they have on average.

    Args:
        importances: Rows of ml.feature_importances of one company; may be none.
        target: The PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    overall = importances[importances["scope"] == "all"].sort_values("rank").head(_MOST)[::-1]
    figure = Figure(figsize=(8, 5.2), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(_title(overall), loc="left", color=_INK, fontweight="bold", fontsize=10)
    if overall.empty:
        axes.set_axis_off()
    else:
        names = [in_words(name) for name in overall["feature"]]
        bars = axes.barh(names, overall["share"] * 100, color=_BAR)
        axes.bar_label(bars, fmt="%.0f %%", padding=3, color=_INK, fontsize=8)
        axes.set_xlabel("share of the mean size of all SHAP values (%)")
    # No software or date in it: the same figures give the same bytes.
    figure.savefig(target, format="png", metadata={"Software": None})


def _title(overall: pd.DataFrame) -> str:
    if overall.empty:
        return "Too few customers, or all are predicted alike: nothing to explain"
    best = overall.iloc[-1]
    title = f"What the values of {best['model_name']} go by"
    if not best["is_surrogate"]:
        return title
    fidelity = "" if pd.isna(best["fidelity"]) else f", R² {best['fidelity']:.3f}"
    return f"{title} (through a surrogate{fidelity})"
