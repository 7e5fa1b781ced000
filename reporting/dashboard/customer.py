"""One customer's page: history, prediction with its interval, reasons, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reporting.blocks import charts
from reporting.blocks.blocks import Block, Chart, Column, Note, Section, Table, Tile, Tiles
from reporting.blocks.formats import count, day, money, percent
from reporting.metrics import customers
from reporting.metrics.accuracy import ELIGIBILITY
from reporting.metrics.company import CompanyFacts
from reporting.metrics.scope import Row, Scope
from reporting.sections.accuracy import model_name

if TYPE_CHECKING:
    from psycopg import Connection


def sections(
    connection: Connection[Any], facts: CompanyFacts, customer_id: str
) -> list[Section] | None:
    """Reads a customer's page; None where there is no such customer."""
    scope = Scope(facts.company_id)
    found = customers.customer(connection, scope, customer_id)
    if found is None:
        return None
    orders = customers.customer_orders(connection, scope, customer_id)
    predictions = customers.customer_predictions(connection, scope, customer_id)
    reasons = customers.customer_reasons(connection, scope, customer_id)
    person = customers.personal_data(connection, scope, customer_id)
    return [
        _summary(facts, found, person),
        _next(facts, found, reasons),
        _expected(facts, predictions),
        _history(facts, orders),
    ]


def _summary(facts: CompanyFacts, row: Row, person: Row | None) -> Section:
    cur = facts.currency
    bounds = ""
    if row["predicted_value_12m_lower"] is not None:
        bounds = (
            f"80 % interval {money(row['predicted_value_12m_lower'], cur)} to "
            f"{money(row['predicted_value_12m_upper'], cur)}"
        )
    tiles = [
        Tile(
            "Value to date",
            money(row["value_to_date"], cur),
            since=f"{count(row['orders'])} orders",
            definition="Net revenue: less discounts and refunds.",
        ),
        Tile(
            "Next 12 months",
            money(row["predicted_value_12m"], cur),
            since=bounds,
            definition="Expected gross revenue.",
        ),
        Tile(
            "Risk of no order in 12 months",
            percent(row["churn_probability_12m"]),
            definition="Probability that no order comes.",
        ),
        Tile(
            "Last order", day(row["last_order_date"]), since=f"first {day(row['first_order_date'])}"
        ),
    ]
    if row.get("expected_next_order_date") is not None:
        overdue = row.get("days_overdue")
        tiles.append(
            Tile(
                "Expected next order",
                day(row["expected_next_order_date"]),
                since=f"{count(overdue)} days overdue" if overdue else "",
            )
        )
    facts_shown = [
        ("Value tier", row["value_tier"]),
        ("Business segment", row["business_segment"]),
        ("RFM segment", row["rfm_segment"]),
        ("Cluster", row.get("cluster_label")),
        ("Stage and status", f"{row['customer_stage']}, {row['status_segment']}"),
        ("First channel", row["acquisition_channel"]),
        ("Country", row["country"]),
        ("E-mail", person["email"] if person else None),
        (
            "Name",
            " ".join(filter(None, (person["first_name"], person["last_name"]))) if person else None,
        ),
    ]
    table = Table(
        "Who this is",
        [Column("name", "What"), Column("value", "Value", "words")],
        [{"name": name, "value": value} for name, value in facts_shown if value],
    )
    blocks: list[Block] = [Tiles(tiles), table]
    return Section("summary", "At a glance", blocks)


def _next(facts: CompanyFacts, row: Row, reasons: Sequence[Row]) -> Section:
    blocks: list[Block] = []
    action = row.get("next_best_action")
    if action:
        why = row.get("next_best_action_reason") or ""
        by = row.get("best_intervention_date")
        blocks.append(
            Tiles(
                [
                    Tile(
                        "Next best action",
                        str(action),
                        since=f"by {day(by)}" if by else "",
                        definition=str(why),
                    )
                ]
            )
        )
    elif row.get("strategy"):
        strategy = Tile("What to do", str(row["strategy"]), since=row["business_segment"])
        blocks.append(Tiles([strategy]))
    if reasons:
        surrogate = any(reason["is_surrogate"] for reason in reasons)
        blocks.append(
            Table(
                "Why the prediction is what it is",
                [
                    Column("rank", "Rank", "count"),
                    Column("reason", "Reason", "words"),
                    Column("contribution", "Moves the prediction by", "money"),
                ],
                reasons,
                currency=facts.currency,
                definition="What moves the expected value most, up or down."
                + (
                    " Told by a second model that imitates the one in service." if surrogate else ""
                ),
            )
        )
    else:
        told = [row[name] for name in ("reason_1", "reason_2", "reason_3") if row.get(name)]
        if told:
            blocks.append(
                Table(
                    "Why the prediction is what it is",
                    [Column("reason", "Reason", "words")],
                    [{"reason": text} for text in told],
                )
            )
        else:
            blocks.append(Note("The prediction of this customer isn't explained yet."))
    return Section("next", "What to do, and why", blocks)


def _expected(facts: CompanyFacts, rows: Sequence[Row]) -> Section:
    title, cur = "Prediction", facts.currency
    if not rows:
        return Section(
            "prediction", title, [Note("There is no prediction yet: the next refresh makes one.")]
        )
    head = rows[-1]
    months = [f"{row['horizon_months']} months" for row in rows]
    table = Table(
        "Expected within so many months",
        [
            Column("horizon", "Within"),
            Column("predicted_value", "Gross revenue", "money"),
            Column("lower", "At least", "money"),
            Column("upper", "At most", "money"),
            Column("expected_orders", "Orders", "number"),
            Column("predicted_net", "Net revenue", "money"),
            Column("predicted_margin", "Margin", "money"),
            Column("churn_probability", "Risk of no order", "percent"),
        ],
        [{**row, "horizon": name} for row, name in zip(rows, months, strict=True)],
        currency=cur,
        definition=(
            f"By {model_name(head['model_name'])}, version {head['model_version']}, from all "
            f"orders to {day(head['calculation_date'])}. At least and at most: the 80 % interval. "
            f"{ELIGIBILITY.get(head['eligibility'], ('', ''))[1]}"
        ),
    )
    table = table.filled()
    chart = Chart(
        "Expected gross revenue",
        f"Gross revenue in {cur} expected within so many months after "
        f"{day(head['calculation_date'])}, with the 80 % interval where it is known.",
        charts.band(
            months,
            [None] * len(rows),
            [row["predicted_value"] for row in rows],
            [row["lower"] for row in rows],
            [row["upper"] for row in rows],
            cur,
            f" {cur}",
            names=("", "expected", "80 % interval"),
        ),
        f"{money(head['predicted_value'], cur)} within {months[-1]}.",
        height=300,
    )
    return Section("prediction", title, [chart, table])


def _history(facts: CompanyFacts, rows: Sequence[Row]) -> Section:
    title, cur = "Orders", facts.currency
    if not rows:
        return Section("orders", title, [Note("There is no order of this customer.")])
    table = Table(
        "All orders",
        [
            Column("order_date", "Day", "day"),
            Column("order_id", "Order"),
            Column("source", "Source"),
            Column("channel", "Channel"),
            Column("status", "Status"),
            Column("gross_revenue_base", "Gross", "money"),
            Column("discount_base", "Discount", "money"),
            Column("refunded_base", "Refunded", "money"),
            Column("net_revenue_base", "Net", "money"),
            Column("contribution_margin_base", "Margin", "money"),
        ],
        rows,
        currency=cur,
        definition=f"The newest first; days of {facts.timezone}. Only completed orders count.",
    )
    counted = [row for row in rows if row["status"] == "completed"][::-1]
    blocks: list[Block] = []
    if counted:
        total, sums = 0, []
        for row in counted:
            total += row["net_revenue_base"]
            sums.append(total)
        blocks.append(
            Chart(
                "Net revenue over time",
                f"Net revenue in {cur} of all completed orders up to each, summed up.",
                charts.steps([row["order_date"] for row in counted], sums, cur, f" {cur}"),
                f"{money(total, cur)} in {count(len(counted))} orders.",
                height=280,
            )
        )
    return Section("orders", title, [*blocks, table])
