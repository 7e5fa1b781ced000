"""What customers are worth in a handful of numbers, and how these moved."""

from __future__ import annotations

from datetime import date
from typing import Any

from reporting.blocks.blocks import Block, Note, Section, Tile, Tiles
from reporting.blocks.formats import (
    change,
    count,
    day,
    money,
    percent,
    signed_percent,
)
from reporting.metrics.company import CompanyFacts
from reporting.metrics.scope import Row

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
