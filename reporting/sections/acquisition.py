"""What winning customers costs and brings, and what they are worth by how they came."""

from __future__ import annotations

from collections.abc import Sequence

from reporting.blocks import charts
from reporting.blocks.blocks import Block, Chart, Column, Note, Section, Table, Tile, Tiles
from reporting.blocks.formats import (
    count,
    money,
    month,
    number,
)
from reporting.metrics.company import CompanyFacts
from reporting.metrics.scope import Row, Scope


def acquisition(
    facts: CompanyFacts, rows: Sequence[Row], targets: Sequence[Row], scope: Scope
) -> Section:
    """What channels cost and bring: LTV:CAC and payback."""
    title, cur = "Acquisition: LTV:CAC and payback", facts.currency
    whole = scope.start is None or scope.end is None
    months = "all months" if whole else f"{month(scope.start)} to {month(scope.end)}"
    lead = f"Customers won in {months}, and what was spent to win them."
    notes: list[Block] = []
    if scope.is_filtered:
        notes.append(
            Note(
                "Spend is known by the channel it was spent on alone, which is not the channel of "
                "the order: the filters channel, country and product don't count in this section."
            )
        )
    paid = [row for row in rows if row["spend"]]
    if not paid:
        return Section(
            "acquisition",
            title,
            [
                Note(
                    "No marketing spend is known, so nobody can tell what winning a customer "
                    "costs. Map a file of it under sources: {spend: […]} in companies.yml."
                )
                if whole
                else Note(f"No marketing spend is known for {months}: choose a longer period.")
            ],
        )
    by_ratio = [row for row in paid if row["ltv_to_cac"] is not None and row["ltv"] is not None]
    spend = sum(row["spend"] for row in paid)
    won = sum(row["customers_with_spend"] or 0 for row in paid)
    margin = sum(row["margin"] or 0 for row in paid)
    tiles = [
        Tile("Marketing spend", money(spend, cur), definition="On channels with known spend."),
        Tile(
            "CAC",
            money(spend / won if won else None, cur),
            definition="Customer acquisition cost: that spend for each customer won by it.",
        ),
        Tile(
            "LTV:CAC to date",
            number(float(margin) / float(spend)),
            definition=(
                "Contribution margin to date of these customers for each unit spent to win them; "
                "below 1 they have not paid back yet, 3 is often aimed at."
            ),
        ),
    ]
    chart: Block = Chart(
        "Margin earned for each unit of spend, by channel",
        f"Contribution margin to date ÷ marketing spend, both in {cur}, over {months} with known "
        "spend. At 1 a channel has earned back what it cost.",
        charts.flat_bars(
            [row["channel"] for row in by_ratio],
            [("margin to date ÷ spend", [row["ltv_to_cac"] for row in by_ratio], charts.BLUE)],
            "margin to date ÷ spend",
            shapes=[
                {
                    "type": "line",
                    "x0": 1,
                    "x1": 1,
                    "yref": "paper",
                    "y0": 0,
                    "y1": 1,
                    "line": {"color": charts.ORANGE, "width": 2, "dash": "dash"},
                }
            ],
        ),
        "LTV:CAC "
        + "; ".join(f"{row['channel']}: {number(row['ltv_to_cac'])}" for row in by_ratio),
        height=max(180, 60 + 38 * len(by_ratio)),
    )
    if not by_ratio:
        chart = Note(f"Nobody was won in {months} over a channel with known spend.")
    table = Table(
        "Channels",
        [
            Column("channel", "Channel"),
            Column("new_customers", "New customers", "count"),
            Column("spend", "Spend", "money"),
            Column("cac", "CAC", "money"),
            Column("ltv", "Margin per customer", "money"),
            Column("ltv_to_cac", "LTV:CAC", "number"),
            Column("months_paid_back", "Months paid back", "count"),
            Column("months", "Months with spend", "count"),
            Column("median_payback_months", "Median payback, months", "count"),
        ],
        rows,
        currency=cur,
        definition=(
            "Each month's new customers against that month's spend. LTV is their contribution "
            "margin to date. Payback: months until their margin had covered the spend, the median "
            "of the months that have paid back; – where none has, or no spend is known."
        ),
        export="channels",
    )
    blocks: list[Block] = [*notes, Tiles(tiles), chart, table]
    if targets:
        blocks.append(
            Table(
                "What a new customer may cost",
                [
                    Column("channel", "Channel"),
                    Column("ltv", "Lifetime value", "money"),
                    Column("cac", "CAC", "money"),
                    Column("allowable_cac", "Allowable CAC", "money"),
                    Column("payback_months", "Payback, months", "number"),
                    Column("target_payback_months", "Target, months", "count"),
                ],
                targets,
                currency=cur,
                definition=(
                    "Allowable CAC: the most that a customer of the channel may cost to be paid "
                    f"back within the target of {facts.target_payback_months} months."
                ),
                export="channel_targets",
            )
        )
    return Section("acquisition", title, blocks, lead)


def ltv_by_origin(
    facts: CompanyFacts,
    by_channel: Sequence[Row],
    by_product: Sequence[Row],
    by_discount: Sequence[Row],
) -> Section:
    """What customers are worth by how they came."""
    cur = facts.currency
    blocks: list[Block] = []
    for rows, what, name, why_not in (
        (by_channel, "channel", "ltv_by_channel", "The sources name no channel of the orders."),
        (by_product, "product", "ltv_by_product", "The sources name no products."),
        (
            by_discount,
            "discount",
            "ltv_by_discount",
            "The sources show no discounts, so nobody's first order had one.",
        ),
    ):
        names = [row["name"] for row in rows]
        if not rows or names in (["unknown"], ["at full price"]):
            blocks.append(Note(f"By first {what}: {why_not}"))
            continue
        label = {"discount": "First order"}.get(what, f"First {what}")
        note = " Only those that brought most customers." if what == "product" else ""
        blocks.append(
            Chart(
                f"Lifetime value by first {what}"
                if what != "discount"
                else "Lifetime value by discount on the first order",
                f"Mean of net revenue to date and predicted net revenue of 12 months, in {cur} per "
                f"customer, over customers with a prediction; behind the name how many.{note}",
                charts.flat_bars(
                    [f"{row['name']} · {count(row['customers'])}" for row in rows],
                    [("lifetime value", [row["ltv"] for row in rows], charts.BLUE)],
                    f"{cur} per customer",
                    unit=f" {cur}",
                ),
                "; ".join(f"{row['name']}: {money(row['ltv'], cur)}" for row in rows),
                height=max(170, 70 + 30 * len(rows)),
                table=Table(
                    f"Lifetime value by first {what}",
                    [
                        Column("name", label),
                        Column("customers", "Customers", "count"),
                        Column("value_to_date", "Value to date", "money"),
                        Column("predicted_net_12m", "Next 12 months, net", "money"),
                        Column("ltv", "Lifetime value", "money"),
                    ],
                    rows,
                    currency=cur,
                    export=name,
                    folded=True,
                ),
            )
        )
    return Section("origin", "Lifetime value by first channel, product and discount", blocks)
