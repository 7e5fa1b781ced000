"""Figures for plotly.js as plain data: rows in, traces and layout out.

Built without plotly's own classes, whose loading takes longer than all of a report. Colours of text
and lines are left to the page, which knows whether it is light or dark (static/charts.js).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

BLUE, ORANGE, GREEN, PURPLE, GREY = "#2f6fb0", "#d97a2b", "#2f8f6b", "#7a5ea8", "#8a94a0"
#: From light to dark, for what has an order.
SEQUENCE = ("#cfe1f2", "#9cc3e3", "#66a1d1", "#3a7fbb", "#1f5c99", "#0f3d6e")

Figure = dict[str, Any]


def plain(value: Any) -> Any:
    """Returns a value as JSON knows it; what is not a finite number becomes null."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value.isoformat() if isinstance(value, date) else value


def plains(values: Sequence[Any]) -> list[Any]:
    """Returns values as JSON knows them."""
    return [plain(value) for value in values]


def layout(
    x_title: str, y_title: str, *, y_suffix: str = "", legend: bool = False, **more: Any
) -> dict[str, Any]:
    """Returns what all charts have in common, with titles of both axes."""
    made: dict[str, Any] = {
        "margin": {"l": 64, "r": 16, "t": 12, "b": 48},
        "xaxis": {"title": {"text": x_title}, "automargin": True, "fixedrange": True},
        "yaxis": {
            "title": {"text": y_title},
            "automargin": True,
            "rangemode": "tozero",
            "ticksuffix": y_suffix,
            "fixedrange": True,
        },
        "hovermode": "closest",
        "showlegend": legend,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    }
    for axis in ("xaxis", "yaxis"):
        made[axis].update(more.pop(axis, {}))
    return {**made, **more}


def bars(
    names: Sequence[Any],
    series: Sequence[tuple[str, Sequence[Any], str]],
    x_title: str,
    y_title: str,
    *,
    stacked: bool = False,
    unit: str = "",
    **more: Any,
) -> Figure:
    """Upright bars, a group or a stack for each name.

    Args:
        names: Along the axis.
        series: Name, values and colour of each.
        x_title: What the names are.
        y_title: What the values are, with their unit.
        stacked: Whether the series of a name add up.
        unit: After the value where the pointer is.
        more: Further parts of the layout.
    """
    traces = [
        {
            "type": "bar",
            "name": name,
            "x": plains(names),
            "y": plains(values),
            "marker": {"color": colour},
            "hovertemplate": f"%{{x}}<br>{name}: %{{y:,.2f}}{unit}<extra></extra>",
        }
        for name, values, colour in series
    ]
    # Names that look like numbers are names all the same.
    more["xaxis"] = {"type": "category", **more.get("xaxis", {})}
    return {
        "data": traces,
        "layout": layout(
            x_title,
            y_title,
            legend=len(series) > 1,
            barmode="relative" if stacked else "group",
            bargap=0.25,
            **more,
        ),
    }


def flat_bars(
    names: Sequence[str],
    series: Sequence[tuple[str, Sequence[Any], str]],
    x_title: str,
    *,
    unit: str = "",
    **more: Any,
) -> Figure:
    """Lying bars, the first name on top, for names that are long.

    Args:
        names: Along the axis.
        series: Name, values and colour of each.
        x_title: What the values are, with their unit.
        unit: After the value where the pointer is.
        more: Further parts of the layout.
    """
    places = list(range(len(names)))
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "x": plains(values),
            "y": places,
            "customdata": list(names),
            "marker": {"color": colour},
            "hovertemplate": f"%{{customdata}}<br>{name}: %{{x:,.2f}}{unit}<extra></extra>",
        }
        for name, values, colour in series
    ]
    return {
        "data": traces,
        "layout": layout(
            x_title,
            "",
            legend=len(series) > 1,
            xaxis={"rangemode": "tozero"},
            # By place, not by name: two names may be cut to the same.
            yaxis={
                "autorange": "reversed",
                "title": {"text": ""},
                "tickvals": places,
                "ticktext": [_shortened(name) for name in names],
                "showgrid": False,
                "zeroline": False,
            },
            bargap=0.3,
            **more,
        ),
    }


def cohort_curves(
    curves: Sequence[tuple[str, Sequence[int], Sequence[Any]]],
    mean: tuple[Sequence[int], Sequence[Any]],
    y_title: str,
    unit: str,
) -> Figure:
    """One line a cohort, darker the older it is, and the mean of all.

    Args:
        curves: Name, months and values of each cohort, the oldest first.
        mean: Months and values of all cohorts together.
        y_title: What the values are, with their unit.
        unit: After the value where the pointer is.
    """
    shades = _shades(len(curves))
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines" if len(months) > 1 else "markers",
            "name": name,
            "x": plains(months),
            "y": plains(values),
            "line": {"color": shade, "width": 1.5},
            "marker": {"color": shade, "size": 5},
            "showlegend": False,
            "hovertemplate": f"{name}, month %{{x}}: %{{y:,.2f}}{unit}<extra></extra>",
        }
        for (name, months, values), shade in zip(curves, shades, strict=True)
    ]
    traces.append(
        {
            "type": "scatter",
            "mode": "lines",
            "name": "all cohorts",
            "x": plains(mean[0]),
            "y": plains(mean[1]),
            "line": {"color": ORANGE, "width": 3},
            "hovertemplate": f"all cohorts, month %{{x}}: %{{y:,.2f}}{unit}<extra></extra>",
        }
    )
    return {
        "data": traces,
        "layout": layout(
            "months since the first order",
            y_title,
            legend=True,
            xaxis={"dtick": _tick(curves), "rangemode": "tozero"},
        ),
    }


def heat_map(
    rows: Sequence[str],
    columns: Sequence[int],
    cells: Sequence[Sequence[Any]],
    darkest: float,
    x_title: str,
) -> Figure:
    """Shares in percent, darker where higher, each written into its cell.

    Args:
        rows: Names, the first on top.
        columns: Names of the columns.
        cells: Shares by row and column, 0 to 1, None where there is none.
        darkest: Share from which on all are as dark.
        x_title: What the columns are.
    """
    percents = [[None if c is None else round(float(c) * 100, 4) for c in row] for row in cells]
    return {
        "data": [
            {
                "type": "heatmap",
                "x": [str(name) for name in columns],
                "y": list(rows),
                "z": percents,
                "text": [["" if c is None else f"{c:.0f}" for c in row] for row in percents],
                "texttemplate": "%{text}",
                "textfont": {"size": 11},
                "colorscale": [
                    [place / (len(SEQUENCE) - 1), shade] for place, shade in enumerate(SEQUENCE)
                ],
                "zmin": 0,
                "zmax": round(100 * darkest, 4) or 1,
                "showscale": False,
                "xgap": 2,
                "ygap": 2,
                "hoverongaps": False,
                "hovertemplate": "%{y}, month %{x}: %{z:.1f} %<extra></extra>",
            }
        ],
        "layout": layout(
            x_title,
            "",
            xaxis={"type": "category", "showgrid": False},
            yaxis={
                "type": "category",
                "autorange": "reversed",
                "showgrid": False,
                "title": {"text": ""},
            },
        ),
    }


def histogram(
    edges: Sequence[tuple[float, float]],
    counts: Sequence[int],
    x_title: str,
    unit: str,
    marks: Sequence[tuple[str, float, str]],
) -> Figure:
    """How many fall between each pair of edges, with lines at values of interest.

    Args:
        edges: Lower and upper edge of each bar.
        counts: How many are in it.
        x_title: What the values are, with their unit.
        unit: After a value where the pointer is.
        marks: Name, value and colour of each line.
    """
    top = max(counts, default=0)
    traces: list[dict[str, Any]] = [
        {
            "type": "bar",
            "name": "customers",
            "x": plains([(low + high) / 2 for low, high in edges]),
            "y": plains(counts),
            "width": plains([high - low for low, high in edges]),
            "marker": {"color": BLUE},
            "text": [f"{low:,.2f} to {high:,.2f}{unit}" for low, high in edges],
            "textposition": "none",
            "hovertemplate": "%{text}: %{y:,} customers<extra></extra>",
        }
    ]
    traces += [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": [plain(value), plain(value)],
            "y": [0, top],
            "line": {"color": colour, "width": 2, "dash": "dash"},
            "hovertemplate": f"{name}: %{{x:,.2f}}{unit}<extra></extra>",
        }
        for name, value, colour in marks
    ]
    return {
        "data": traces,
        "layout": layout(x_title, "customers", legend=True, bargap=0.05),
    }


def band(
    months: Sequence[Any],
    actual: Sequence[Any],
    expected: Sequence[Any],
    lower: Sequence[Any],
    upper: Sequence[Any],
    y_title: str,
    unit: str,
    baseline: tuple[str, Sequence[Any]] | None = None,
    names: tuple[str, str, str] = ("actual", "forecast", "80 % interval"),
    x_title: str = "",
) -> Figure:
    """What was, what is expected after it, and between which bounds.

    Args:
        months: Along the axis.
        actual: Known values, None in the future.
        expected: Expected values, None in the past.
        lower: Lower bounds.
        upper: Upper bounds.
        y_title: What the values are, with their unit.
        unit: After a value where the pointer is.
        baseline: Name and values of what the forecast has to be better than.
        names: Of actual, expected and the interval.
        x_title: What the axis along is.
    """

    def line(name: str, values: Sequence[Any], colour: str, **more: Any) -> dict[str, Any]:
        return {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": plains(months),
            "y": plains(values),
            "line": {"color": colour, "width": 2, **more},
            "marker": {"color": colour, "size": 5},
            "hovertemplate": f"%{{x}}<br>{name}: %{{y:,.2f}}{unit}<extra></extra>",
        }

    edge = {"type": "scatter", "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    bounded = [i for i, value in enumerate(lower) if value is not None and upper[i] is not None]
    within = [months[i] for i in bounded]
    traces = [
        {
            **edge,
            "x": plains(within),
            "y": plains([lower[i] for i in bounded]),
            "showlegend": False,
            "name": "lower",
        },
        {
            **edge,
            "x": plains(within),
            "y": plains([upper[i] for i in bounded]),
            "fill": "tonexty",
            "fillcolor": "rgba(217,122,43,0.22)",
            "name": names[2],
        },
        line(names[1], expected, ORANGE),
    ]
    if any(value is not None for value in actual):
        traces.append(line(names[0], actual, BLUE))
    if baseline is not None:
        traces.append(line(baseline[0], baseline[1], GREY, dash="dot"))
    return {"data": traces, "layout": layout(x_title, y_title, legend=True)}


def steps(days: Sequence[date], sums: Sequence[Any], y_title: str, unit: str) -> Figure:
    """A sum that grows by events, as steps over time."""
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": plains(days),
                "y": plains(sums),
                "line": {"color": BLUE, "width": 2, "shape": "hv"},
                "marker": {"color": BLUE, "size": 6},
                "hovertemplate": f"%{{x|%-d %b %Y}}: %{{y:,.2f}}{unit}<extra></extra>",
            }
        ],
        "layout": layout("", y_title, xaxis={"type": "date"}),
    }


def _shortened(name: str, longest: int = 32) -> str:
    """Cuts a name that is too long for an axis; how many there are of it stays."""
    text, dot, many = name.rpartition(" · ")
    text, many = (text, dot + many) if dot else (name, "")
    return name if len(name) <= longest else f"{text[: longest - 1 - len(many)]}…{many}"


def _shades(number: int) -> list[str]:
    """Returns the darkest for the oldest; the palest of all can't be seen on paper."""
    usable = SEQUENCE[:0:-1]
    return [usable[place * len(usable) // max(number, 1)] for place in range(number)]


def _tick(curves: Sequence[tuple[str, Sequence[int], Sequence[Any]]]) -> int:
    longest = max((len(months) for _, months, _ in curves), default=1)
    return max(1, math.ceil(longest / 12))
