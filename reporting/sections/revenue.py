"""What was sold by month, and what is forecast."""

from __future__ import annotations

from collections.abc import Sequence

from reporting.blocks import charts
from reporting.blocks.blocks import Block, Chart, Column, Note, Section, Table
from reporting.blocks.formats import money, month, percent
from reporting.metrics.company import CompanyFacts
from reporting.metrics.scope import Row

#: What forecasters are called for people.
_FORECASTERS = {"forecast": "The forecast", "seasonal_naive": "Same month a year before"}


def new_and_returning(facts: CompanyFacts, rows: Sequence[Row]) -> Section:
    """Revenue by month, of first orders and of later ones."""
    title, cur = "New and returning revenue", facts.currency
    if not rows:
        return Section("revenue", title, [Note("No orders in this time.")])
    series = [
        ("first orders", [row["new_revenue"] for row in rows], charts.BLUE),
        ("later orders", [row["returning_revenue"] for row in rows], charts.ORANGE),
    ]
    columns = [
        Column("month", "Month", "month"),
        Column("new_orders", "First orders", "count"),
        Column("new_revenue", "Revenue of first orders", "money"),
        Column("returning_orders", "Later orders", "count"),
        Column("returning_revenue", "Revenue of later orders", "money"),
    ]
    if any(row["unattributed_revenue"] for row in rows):
        series.append(
            ("no known customer", [row["unattributed_revenue"] for row in rows], charts.GREY)
        )
        columns.append(Column("unattributed_revenue", "Of no known customer", "money"))
    new = sum(row["new_revenue"] for row in rows)
    total = sum(
        row["new_revenue"] + row["returning_revenue"] + row["unattributed_revenue"] for row in rows
    )
    return Section(
        "revenue",
        title,
        [
            Chart(
                "Net revenue by month",
                f"Net revenue in {cur} of customers' first orders and of all later ones, by month "
                f"of the order ({facts.timezone}). A refund counts in the month of its order.",
                charts.bars(
                    [month(row["month"]) for row in rows],
                    series,
                    "",
                    cur,
                    stacked=True,
                    unit=f" {cur}",
                ),
                f"{percent(new / total if total else None)} of {money(total, cur)} came with first "
                "orders.",
                table=Table(
                    "Net revenue by month",
                    columns,
                    rows,
                    currency=cur,
                    export="monthly_revenue",
                    folded=True,
                ),
            )
        ],
    )


def no_forecast_of_some() -> Section:
    """Says why some customers alone have no forecast."""
    return Section(
        "forecast",
        "Forecast",
        [
            Note(
                "Revenue is forecast for the whole company: take the filters channel, country and "
                "product off to see it."
            )
        ],
    )


def forecast(facts: CompanyFacts, rows: Sequence[Row], scores: Sequence[Row]) -> Section:
    """Revenue to come, with its interval."""
    title, cur = "Forecast", facts.currency
    ahead = [row for row in rows if row["forecast"] is not None and not row["is_complete"]]
    if not ahead:
        return Section(
            "forecast",
            title,
            [
                Note(
                    "No revenue is forecast yet: that takes some months of orders and a finished "
                    "refresh (clv run)."
                )
            ],
        )
    first = ahead[0]["month"]
    shown = [row for row in rows if row["is_complete"]][-24:] + ahead
    expected = [row["forecast"] if row["month"] >= first else None for row in shown]
    actual = [row["actual"] if row["is_complete"] else None for row in shown]
    table = Table(
        "Forecast by month",
        [
            Column("month", "Month", "month"),
            Column("forecast", "Forecast", "money"),
            Column("lower", "At least", "money"),
            Column("upper", "At most", "money"),
            Column("seasonal_naive", "Same month a year before", "money"),
        ],
        ahead,
        currency=cur,
        definition="The interval holds the month's revenue in 8 of 10 cases.",
        export="forecast",
    )
    total = sum(row["forecast"] for row in ahead[:12])
    blocks: list[Block] = [
        Chart(
            "Monthly revenue, actual and forecast",
            f"Revenue in {cur} by month; the band is the 80 % interval, the dotted line the same "
            "month a year before. A month that isn't over is forecast in full.",
            charts.band(
                [row["month"] for row in shown],
                actual,
                expected,
                [row["lower"] if row["month"] >= first else None for row in shown],
                [row["upper"] if row["month"] >= first else None for row in shown],
                cur,
                f" {cur}",
                ("a year before", [row["seasonal_naive"] for row in shown]),
            ),
            f"{money(total, cur)} are expected in {min(len(ahead), 12)} months.",
            height=360,
        ),
        table,
    ]
    if scores:
        blocks.append(
            Table(
                "How past forecasts did",
                [
                    Column("model_label", "Model"),
                    Column("horizon_months", "Months ahead", "count"),
                    Column("mae", "Mean error a month", "money"),
                    Column("mape", "Mean error, share", "percent"),
                    Column("coverage", "Within the interval", "percent"),
                    Column("windows", "Times judged", "count"),
                ],
                [
                    {**row, "model_label": _FORECASTERS.get(row["model"], row["model"])}
                    for row in scores
                ],
                currency=cur,
                definition="Forecasts made at earlier days, against what came.",
                export="forecast_scores",
                folded=True,
            )
        )
    return Section("forecast", title, blocks)
