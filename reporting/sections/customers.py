"""Customers in segments, by value and at risk."""

from __future__ import annotations

from collections.abc import Sequence

from reporting.blocks import charts
from reporting.blocks.blocks import Block, Chart, Column, Note, Section, Table, Tile, Tiles
from reporting.blocks.formats import (
    count,
    money,
)
from reporting.metrics.company import CompanyFacts
from reporting.metrics.customers import SEGMENTATIONS
from reporting.metrics.scope import Row

NOT_AT_RISK_YET = Note(
    "The list of customers at risk isn't made yet: it comes with the next finished refresh "
    "(clv run), or nobody is at risk."
)


def segments(facts: CompanyFacts, by_kind: dict[str, Sequence[Row]]) -> Section:
    """Groups of customers with what they are worth and what to do with them."""
    blocks: list[Block] = []
    definitions = {
        "business": (
            "Customers by how long they have been with you and how lately they ordered, or by a "
            "rule of value that comes before it, each with what to do."
        ),
        "rfm": (
            "Customers by quintiles of recency (last order), frequency (orders) and monetary value "
            "(net revenue), 5 the best."
        ),
        "tier": "Customers by their place in the order of predicted value.",
        "stage": "By days since the first order: New to 90, Growing to 180, Established to 365.",
        "status": "By days since the last order: Active to 30, Lagging to 90, Dormant to 180.",
        "cluster": "Customers grouped by how alike they behave.",
    }
    for kind, rows in by_kind.items():
        title = SEGMENTATIONS[kind][0]
        if not rows:
            continue
        blocks.append(
            Chart(
                f"{title}: value to date and expected",
                "Mean net revenue to date and mean gross revenue expected in 12 months, in "
                f"{facts.currency} per customer; behind the name how many customers.",
                charts.flat_bars(
                    [f"{row['segment']} · {count(row['customers'])}" for row in rows],
                    [
                        (
                            "value to date",
                            [row["average_value_to_date"] for row in rows],
                            charts.BLUE,
                        ),
                        (
                            "next 12 months",
                            [row["average_predicted_value_12m"] for row in rows],
                            charts.ORANGE,
                        ),
                    ],
                    f"{facts.currency} per customer",
                    unit=f" {facts.currency}",
                ),
                "; ".join(
                    f"{row['segment']}: {count(row['customers'])} customers, "
                    f"{money(row['average_predicted_value_12m'], facts.currency)} expected"
                    for row in rows
                ),
                height=110 + 40 * len(rows),
            )
        )
        blocks.append(segment_table(facts, kind, rows, definitions[kind]))
    if not blocks:
        blocks.append(Note("No customer is in a segment yet."))
    return Section("segments", "Segments and what to do", blocks)


def segment_table(
    facts: CompanyFacts, kind: str, rows: Sequence[Row], definition: str = ""
) -> Table:
    """Returns the segments of one way to group customers as a table."""
    columns = [
        Column("segment", "Segment"),
        Column("customers", "Customers", "count"),
        Column("share_of_customers", "Share", "percent"),
        Column("value_to_date", "Value to date", "money"),
        Column("predicted_value_12m", "Next 12 months", "money"),
        Column("average_predicted_value_12m", "Next 12 months per customer", "money"),
        Column("average_order_value", "Average order", "money"),
        Column("churn_probability_12m", "Risk of no order", "percent"),
    ]
    if any(row["strategy"] for row in rows):
        columns.append(Column("strategy", "What to do", "words"))
    return Table(
        SEGMENTATIONS[kind][0],
        columns,
        rows,
        currency=facts.currency,
        definition=definition,
        export=f"segments_{kind}",
    )


def distribution(facts: CompanyFacts, rows: Sequence[Row]) -> Section:
    """How lifetime value spreads over customers."""
    title, cur = "Distribution of lifetime value", facts.currency
    if not rows:
        return Section("distribution", title, [Note("No customer has a prediction yet.")])
    head = rows[0]
    clipped = (
        f" {count(head['clipped'])} customers above the 99th percentile, "
        f"{money(head['p99'], cur)}, are left out of the picture; the highest is "
        f"{money(head['highest'], cur)}."
    )
    table = Table(
        "Customers by lifetime value",
        [
            Column("from_value", "From", "money"),
            Column("to_value", "To", "money"),
            Column("in_bar", "Customers", "count"),
        ],
        rows,
        currency=cur,
        export="distribution",
        folded=True,
    )
    return Section(
        "distribution",
        title,
        [
            Chart(
                "Customers by lifetime value",
                f"Net revenue to date and predicted net revenue of the next 12 months together, in "
                f"{cur}, clipped at the 99th percentile." + clipped,
                charts.histogram(
                    [(row["from_value"], row["to_value"]) for row in rows],
                    [row["in_bar"] for row in rows],
                    f"lifetime value, {cur}",
                    f" {cur}",
                    [
                        ("median", head["median"], charts.GREEN),
                        ("mean", head["mean"], charts.ORANGE),
                    ],
                ),
                f"Half of the customers are worth more than {money(head['median'], cur)}; the mean "
                f"is {money(head['mean'], cur)}.",
                table=table,
            )
        ],
    )


def at_risk(
    facts: CompanyFacts, rows: Sequence[Row], total: Row | None, actions: Sequence[Row]
) -> Section:
    """Who is about to be lost, and what to do."""
    title = "Customers at risk and next best actions"
    if not rows or total is None:
        return Section("at-risk", title, [NOT_AT_RISK_YET])
    tiles = Tiles(
        [
            Tile("Customers at risk", count(total["customers"])),
            Tile("Value at risk", money(total["value_at_risk"], facts.currency)),
        ]
    )
    blocks: list[Block] = [tiles]
    named = [row for row in actions if row["next_best_action"] != "none"]
    if named:
        blocks.append(actions_table(facts, named))
    if total["customers"] > len(rows):
        blocks.append(
            Note(f"The first {len(rows)} of {count(total['customers'])}; an export has all.")
        )
    blocks.append(at_risk_table(facts, rows))
    return Section("at-risk", title, blocks)


def at_risk_table(facts: CompanyFacts, rows: Sequence[Row]) -> Table:
    """Returns customers at risk as a table; columns that have no value at all are left out."""
    columns = [
        Column("risk_rank", "Rank", "count"),
        Column("customer_id", "Customer", "customer"),
        Column("value_at_risk", "Value at risk", "money"),
        Column("churn_probability_12m", "Risk of no order", "percent"),
        Column("predicted_value_12m", "Next 12 months", "money"),
        Column("value_to_date", "Value to date", "money"),
        Column("last_order_date", "Last order", "day"),
        Column("expected_next_order_date", "Expected next", "day"),
        Column("days_overdue", "Days overdue", "count"),
        Column("best_intervention_date", "Act by", "day"),
        Column("business_segment", "Segment"),
        Column("next_best_action", "Next best action", "words"),
        Column("reason_1", "Main reason", "words"),
    ]
    return Table(
        "Customers at risk",
        columns,
        rows,
        currency=facts.currency,
        definition=(
            "Most value at risk first: what the next 12 months would be worth with an order in "
            "them, times the probability that none comes."
        ),
        export="at_risk",
    ).filled()


def actions_table(facts: CompanyFacts, rows: Sequence[Row]) -> Table:
    """Returns for how many customers each action is the next best."""
    return Table(
        "Next best actions",
        [
            Column("next_best_action", "Action", "words"),
            Column("customers", "Customers", "count"),
            Column("value_at_risk", "Value at risk", "money"),
        ],
        rows,
        currency=facts.currency,
        definition="What to do next for the customers at risk.",
        export="next_best_actions",
    )
