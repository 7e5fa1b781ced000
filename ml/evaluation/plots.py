"""Pictures of a backtest. Figures are built without pyplot: no global state, no display."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml.evaluation.backtest import Backtest
from ml.evaluation.metrics import cumulative_gains, decile_means
from ml.horizons import horizon_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PREDICTED = "#2a6f97"
_ACTUAL = "#e07a3f"
_QUIET = "#8a94a0"
_INK = "#22303c"


def backtest_figures(backtest: Backtest, currency: str) -> dict[str, Figure]:
    """Returns all pictures of a backtest by file name, without the ending."""
    return {
        "calibration_by_decile": calibration_by_decile(backtest, currency),
        "cumulative_gains": gains_curve(backtest),
        "predicted_against_actual": predicted_against_actual(backtest, currency),
    }


def calibration_by_decile(backtest: Backtest, currency: str) -> Figure:
    """Mean predicted and mean actual spend in each decile of the prediction."""
    figure, axes = _canvas(backtest, "Calibration by decile of the prediction")
    means = np.array(
        decile_means(backtest.outcome["actual_value"], backtest.outcome["predicted_value"])
    )
    decile = np.arange(1, len(means) + 1)
    axes.bar(decile - 0.2, means[:, 0], 0.38, color=_PREDICTED, label="predicted")
    axes.bar(decile + 0.2, means[:, 1], 0.38, color=_ACTUAL, label="actual")
    axes.set_xticks(decile)
    axes.set_xlabel("decile of predicted spend, highest on the right")
    axes.set_ylabel(f"mean spend per customer ({currency})")
    axes.text(
        0.02,
        0.80,
        f"mean error of a decile {backtest.metrics.decile_mape:.0%}\n"
        f"predicted ÷ actual total {backtest.metrics.total_ratio:.2f}",
        transform=axes.transAxes,
        va="top",
        color=_INK,
    )
    axes.legend(frameon=False, loc="upper left")
    return figure


def gains_curve(backtest: Backtest) -> Figure:
    """Share of spend held by the share of customers with the highest predictions."""
    figure, axes = _canvas(backtest, "Cumulative gains")
    actual = backtest.outcome["actual_value"].to_numpy()
    predicted = backtest.outcome["predicted_value"].to_numpy()
    customers, found = cumulative_gains(actual, predicted)
    _, best = cumulative_gains(actual, actual)
    axes.plot(customers * 100, best * 100, color=_QUIET, lw=1.4, label="perfect order")
    axes.plot(
        customers * 100,
        found * 100,
        color=_PREDICTED,
        lw=2.2,
        label=f"{backtest.candidate.name}, normalised Gini {backtest.metrics.normalised_gini:.3f}",
    )
    axes.plot([0, 100], [0, 100], color=_QUIET, lw=1, ls="--", label="random order")
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 101)
    axes.set_xlabel("customers, best prediction first (%)")
    axes.set_ylabel("spend in the holdout (%)")
    axes.legend(frameon=False, loc="lower right")
    return figure


def predicted_against_actual(backtest: Backtest, currency: str) -> Figure:
    """Every customer, on axes of log(1 + spend), shaded by how many stand in a cell."""
    from matplotlib.colors import LogNorm

    figure, axes = _canvas(backtest, "Predicted against actual spend")
    predicted = np.log1p(backtest.outcome["predicted_value"].to_numpy())
    actual = np.log1p(backtest.outcome["actual_value"].to_numpy())
    top = max(float(predicted.max()), float(actual.max()), 1.0) * 1.02
    cells = axes.hexbin(
        predicted,
        actual,
        gridsize=48,
        extent=(0, top, 0, top),
        cmap="Blues",
        norm=LogNorm(),
        mincnt=1,
        linewidths=0.1,
    )
    axes.plot([0, top], [0, top], color=_ACTUAL, lw=1.4, label="predicted = actual")
    ticks = np.concatenate([[0.0], 10.0 ** np.arange(0, 13)])
    ticks = ticks[np.log1p(ticks) <= top]
    labels = [f"{tick:,.0f}" for tick in ticks]
    axes.set_xticks(np.log1p(ticks), labels)
    axes.set_yticks(np.log1p(ticks), labels)
    axes.set_xlabel(f"predicted spend per customer ({currency}, log scale)")
    axes.set_ylabel(f"actual spend per customer ({currency}, log scale)")
    axes.legend(frameon=False, loc="upper left")
    figure.colorbar(cells, ax=axes, label="customers in a cell")
    return figure


def _canvas(backtest: Backtest, title: str) -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # A layout that looks for its place draws everything twice.
    figure = Figure(figsize=(7.2, 4.6), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.13, 0.12, 0.84, 0.74))
    axes.set_title(title, loc="left", color=_INK, fontweight="bold", pad=20)
    axes.text(
        0,
        1.02,
        f"{backtest.candidate.name} · {horizon_name(backtest.horizon_days)} after "
        f"{backtest.cutoff} · {backtest.metrics.rows:,} customers",
        transform=axes.transAxes,
        color=_QUIET,
        fontsize=8,
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_INK)
    axes.grid(axis="y", color="#e6e9ec", lw=0.8)
    axes.set_axisbelow(True)
    return figure, axes
