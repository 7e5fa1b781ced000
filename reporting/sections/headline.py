"""What customers are worth in a handful of numbers, and how these moved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from reporting.blocks.blocks import Block, Column, Note, Section, Table, Tile, Tiles
from reporting.blocks.formats import (
    change,
    count,
    day,
    money,
    percent,
    signed_percent,
)
from reporting.metrics.company import CompanyFacts
from reporting.metrics.scope import Row, Scope

#: With fewer customers shares say little.
FEW_CUSTOMERS = 30


def moved(
    now: Any, then: Any, since: date | None, *, up_is_good: bool | None = True
) -> dict[str, Any]:
    """Returns how a tile says that its number moved; nothing where nothing is comparable."""
    share = change(now, then)
    if share is None or since is None:
        return {"since": "nothing to compare with yet"}
    flat = abs(share) < 0.0005
    good = up_is_good is not None and (share > 0) == up_is_good
    tone = "" if flat or up_is_good is None else ("good" if good else "bad")
    return {"change": signed_percent(share), "since": f"since {day(since)}", "tone": tone}


def headline(facts: CompanyFacts, now: Row, then: Row, predicted: Row) -> Section:
    """Customers, what they brought and what they are expected to bring, and how that moved."""
    cur, since, earlier = facts.currency, then["as_of_date"], predicted["calculation_date"]

    def value(label: str, name: str, definition: str) -> Tile:
        return Tile(
            label,
            money(now[name], cur),
            definition=definition,
            **moved(now[name], then.get(name), since),
        )

    def expected(label: str, name: str, definition: str) -> Tile:
        return Tile(
            label,
            money(now[name], cur),
            definition=definition,
            **moved(now[name], predicted[name], earlier),
        )

    churn = now["churn_probability_12m"]
    tiles = [
        Tile(
            "Customers",
            count(now["customers"]),
            definition="Everybody with an order so far.",
            **moved(now["customers"], then["customers"], since),
        ),
        value(
            "Value to date, mean",
            "mean_value_to_date",
            "Net revenue to date of a customer, on average.",
        ),
        value(
            "Value to date, median",
            "median_value_to_date",
            "Net revenue to date of the customer in the middle: half brought more.",
        ),
        value("Value to date, all", "value_to_date", "Net revenue to date of all customers."),
        expected(
            "Next 12 months, mean",
            "mean_predicted_12m",
            "Gross revenue that a customer is expected to bring in 12 months, on average.",
        ),
        expected(
            "Next 12 months, median",
            "median_predicted_12m",
            "Gross revenue in 12 months expected of the customer in the middle.",
        ),
        expected(
            "Next 12 months, all",
            "predicted_12m",
            "Gross revenue that all customers are expected to bring in 12 months.",
        ),
        Tile(
            "Risk of no order in 12 months",
            percent(churn),
            definition="Probability that a customer doesn't order in 12 months, on average.",
            **moved(churn, predicted["churn_probability_12m"], earlier, up_is_good=False),
        ),
    ]
    blocks: list[Block] = [Tiles(tiles)]
    if now["customers"] < FEW_CUSTOMERS:
        blocks.append(
            Note(
                f"{count(now['customers'])} customers so far: shares and averages below move with "
                "every single order."
            )
        )
    return Section("headline", "Headline numbers", blocks)


def covers(facts: CompanyFacts, scope: Scope) -> bool:
    """Whether the data reach back over all of a period, so that it can be compared with."""
    first = facts.first_order_date
    return scope.start is not None and first is not None and first <= scope.start


def period(facts: CompanyFacts, scope: Scope, now: Row, then: Row, before: Scope) -> Section:
    """The sales of a period beside those of the one before."""
    cur = facts.currency
    comparable = covers(facts, before)

    def told(now: Any, then: Any) -> dict[str, Any]:
        share = change(now, then) if comparable else None
        if share is None:
            return {"since": "nothing to compare with"}
        tone = "" if abs(share) < 0.0005 else ("good" if share > 0 else "bad")
        return {"change": signed_percent(share), "since": "on the period before", "tone": tone}

    def returning(row: Row) -> float | None:
        total = row["net_revenue"]
        return float(row["returning_revenue"]) / float(total) if total else None

    tiles = [
        Tile(
            "Net revenue",
            money(now["net_revenue"], cur),
            definition="Gross revenue less discounts and refunds, without tax and shipping.",
            **told(now["net_revenue"], then["net_revenue"]),
        ),
        Tile(
            "Orders",
            count(now["orders"]),
            definition="Paid orders.",
            **told(now["orders"], then["orders"]),
        ),
        Tile(
            "Customers who ordered",
            count(now["buyers"]),
            definition="Each counted once.",
            **told(now["buyers"], then["buyers"]),
        ),
        Tile(
            "New customers",
            count(now["new_customers"]),
            definition="Those with their first order in the period.",
            **told(now["new_customers"], then["new_customers"]),
        ),
        Tile(
            "Average order",
            money(now["average_order_value"], cur),
            definition="Net revenue ÷ orders.",
            **told(now["average_order_value"], then["average_order_value"]),
        ),
        Tile(
            "From returning customers",
            percent(returning(now)),
            definition="Share of net revenue from second and later orders.",
            **told(returning(now), returning(then)),
        ),
    ]
    return Section(
        "sales",
        f"{day(scope.start)} to {day(scope.end)}",
        [Tiles(tiles)],
        f"Compared with {day(before.start)} to {day(before.end)}." if comparable else "",
    )


def movers(facts: CompanyFacts, rows: Sequence[Row], scope: Scope, before: Scope) -> Section:
    """Where net revenue moved most between two periods."""
    title = "What changed"
    if not covers(facts, before):
        return Section(
            "changed", title, [Note("The data don't reach back far enough to compare with.")]
        )
    if not rows:
        return Section("changed", title, [Note("Nothing moved against the period before.")])
    cur = facts.currency
    return Section(
        "changed",
        title,
        [
            Table(
                "Where net revenue moved most",
                [
                    Column("dimension", "By"),
                    Column("name", "Name"),
                    Column("now", "This period", "money"),
                    Column("then", "Period before", "money"),
                    Column("difference", "Difference", "money"),
                    Column("change", "Change", "percent"),
                ],
                [{**row, "change": change(row["now"], row["then"])} for row in rows],
                currency=cur,
                definition=(
                    f"Net revenue of {day(scope.start)} to {day(scope.end)} against "
                    f"{day(before.start)} to {day(before.end)}, by channel of the order and by "
                    "country of the customer's first order."
                ),
                export="movers",
            )
        ],
    )
