"""Reads a sample of days again, another way, and compares with what landed.

Stripe counts nothing itself. So of some days all payments, refunds, movements of the balance and
final invoices are read anew and added up here, in the smallest units. Compared is what never
changes once it is there; an account goes on working meanwhile, so what came after the newest that
landed is left out, and so is what is in quarantine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from psycopg import sql

from ingestion.comparison import Comparison, sampled_days
from ingestion.sources.stripe.client import StripeClient
from ingestion.sources.stripe.currencies import places
from ingestion.sources.stripe.settings import SOURCE, account_of, client_for
from warehouse.companies import Company

#: Fewer than the load asks for, so that pages end elsewhere.
_LIMIT = 75


@dataclass(frozen=True)
class _Figure:
    """What is added up of one list.

    Attributes:
        entity: The list.
        amounts: Fields, which are columns too.
        final_at: Path of the time from which on an object's amounts don't change any more.
        column: Where that time landed.
    """

    entity: str
    amounts: tuple[str, ...]
    final_at: tuple[str, ...] = ("created",)
    column: str = "created_at"


_FIGURES = (
    _Figure("charges", ("amount",)),
    _Figure("refunds", ("amount",)),
    _Figure("balance_transactions", ("amount", "fee", "net")),
    _Figure("invoices", ("total",), ("status_transitions", "finalized_at"), "finalized_at"),
)


def reconcile(
    company: Company, *, days: int = 5, seed: int | None = None, client: StripeClient | None = None
) -> list[Comparison]:
    """Compares the account with raw_stripe.

    Args:
        company: The company.
        days: How many days are read again: the last one that landed, and others by chance.
        seed: Makes the choice of days repeatable; by default it is another one each day.
        client: The account's API; by default that of companies.yml with its key.

    Returns:
        Numbers and sums a day, list and currency.

    Raises:
        SourceError: The account refuses or doesn't answer.
    """
    client = client or client_for(company)
    account = account_of(company)
    figures = [each for each in _FIGURES if each.entity not in account.skip]
    return [
        comparison
        for day in sampled_days("raw_stripe", "charges", company.id, account.since, days, seed)
        for figure in figures
        for comparison in _compare(client, company.id, figure, day)
    ]


def _compare(
    client: StripeClient, company_id: str, figure: _Figure, day: date
) -> Iterator[Comparison]:
    opening = datetime.combine(day, time.min, UTC)
    closing = opening + timedelta(days=1)
    newest, quarantined = _known(company_id, figure)
    if newest is None:
        return
    real: dict[str, Decimal] = defaultdict(Decimal)
    for node in _listed(client, figure.entity, opening, closing):
        final = _value(node, figure.final_at)
        if final is None or final >= newest.timestamp() or node["id"] in quarantined:
            continue
        code = node["currency"].upper()
        real[f"{figure.entity} in {code}"] += 1
        for name in figure.amounts:
            worth = Decimal(node[name]).scaleb(-places(code))
            real[f"{name} of {figure.entity} in {code}"] += worth
    landed: dict[str, Decimal] = {}
    for code, number, *sums in _landed(company_id, figure, opening, closing, newest, quarantined):
        landed[f"{figure.entity} in {code}"] = Decimal(number)
        for name, total in zip(figure.amounts, sums, strict=True):
            landed[f"{name} of {figure.entity} in {code}"] = total
    for what in sorted(real.keys() | landed.keys()):
        yield Comparison(f"{what} on {day}", real[what], landed.get(what, Decimal(0)))


def _listed(
    client: StripeClient, entity: str, opening: datetime, closing: datetime
) -> Iterator[dict[str, Any]]:
    """Reads what was created on a day."""
    window = {
        "created[gte]": int(opening.timestamp()),
        "created[lte]": int(closing.timestamp()) - 1,
        "limit": _LIMIT,
    }
    page, after = 0, None
    while True:
        page += 1
        asked = window | ({"starting_after": after} if after else {})
        found = client.get(f"reconciled {entity}, page {page}", entity, asked)
        yield from found["data"]
        if not found["has_more"]:
            return
        after = found["data"][-1]["id"]


def _value(node: dict[str, Any], path: tuple[str, ...]) -> int | None:
    value: Any = node
    for step in path:
        value = value[step]
    found: int | None = value
    return found


def _known(company_id: str, figure: _Figure) -> tuple[datetime | None, list[str]]:
    """Returns the newest time that landed, and what is in quarantine."""
    from warehouse.connection import connect

    with connect() as connection:
        newest = connection.execute(
            sql.SQL("select max({}) from {} where company_id = %s").format(
                sql.Identifier(figure.column), sql.Identifier("raw_stripe", figure.entity)
            ),
            (company_id,),
        ).fetchone()
        rejected = connection.execute(
            "select distinct source_file from quarantine.rejected_rows"
            " where company_id = %s and source = %s and feed = %s",
            (company_id, SOURCE, figure.entity),
        ).fetchall()
    return (newest[0] if newest else None), [each for (each,) in rejected]


def _landed(
    company_id: str,
    figure: _Figure,
    opening: datetime,
    closing: datetime,
    newest: datetime,
    quarantined: list[str],
) -> list[tuple[Any, ...]]:
    from warehouse.connection import connect

    # A draft that was deleted may be there still; nothing else here can be.
    query = sql.SQL(
        "select currency, count(*), {sums} from {table} where company_id = %(company)s"
        " and created_at >= %(opening)s and created_at < %(closing)s"
        " and {final} < %(newest)s and id <> all(%(quarantined)s) group by currency"
    ).format(
        sums=sql.SQL(", ").join(
            sql.SQL("sum({})").format(sql.Identifier(name)) for name in figure.amounts
        ),
        table=sql.Identifier("raw_stripe", figure.entity),
        final=sql.Identifier(figure.column),
    )
    with connect() as connection:
        return connection.execute(
            query,
            {
                "company": company_id,
                "opening": opening,
                "closing": closing,
                "newest": newest,
                "quarantined": quarantined,
            },
        ).fetchall()
