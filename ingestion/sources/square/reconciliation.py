"""Reads a sample of days again, another way, and compares with what landed.

Square counts nothing itself. So the payments and refunds of some days are read anew, by their time
of creation and oldest first, and added up here, in the smallest units. A seller goes on working
meanwhile: what changed since the newest that landed is left out, as is what is in quarantine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from psycopg import sql

from ingestion.comparison import Comparison, sampled_days
from ingestion.sources.square.client import SquareClient
from ingestion.sources.square.settings import SOURCE, client_for, seller_of
from warehouse.companies import Company
from warehouse.currencies import minor_units

#: Fewer than the load asks for, so that pages end elsewhere.
_LIMIT = 75

#: By list, the field that holds the amount and its column.
_AMOUNTS = {"payments": ("total_money", "total"), "refunds": ("amount_money", "amount")}


def reconcile(
    company: Company, *, days: int = 5, seed: int | None = None, client: SquareClient | None = None
) -> list[Comparison]:
    """Compares the account with raw_square.

    Args:
        company: The company.
        days: How many days are read again: the last one that landed, and others by chance.
        seed: Makes the choice of days repeatable; by default it is another one each day.
        client: The seller's API; by default that of companies.yml with its token.

    Returns:
        Numbers and sums a day, list and currency.

    Raises:
        SourceError: The account refuses or doesn't answer.
    """
    client = client or client_for(company)
    since = seller_of(company).since
    places = [
        place["id"]
        for place in client.get("reconciled locations", "locations").get("locations", ())
    ]
    return [
        comparison
        for day in sampled_days("raw_square", "payments", company.id, since, days, seed)
        for kind in _AMOUNTS
        for comparison in _compare(client, company.id, kind, day, places)
    ]


def _compare(
    client: SquareClient, company_id: str, kind: str, day: date, places: list[str]
) -> Iterator[Comparison]:
    opening = datetime.combine(day, time.min, UTC)
    closing = opening + timedelta(days=1)
    newest, left_out = _known(company_id, kind)
    if newest is None:
        return
    field, column = _AMOUNTS[kind]
    real: dict[str, Decimal] = defaultdict(Decimal)
    # Payments are listed by location; refunds of all of them at once.
    scopes = [{"location_id": place} for place in places] if kind == "payments" else [{}]
    for node in (each for scope in scopes for each in _listed(client, kind, opening, scope)):
        if datetime.fromisoformat(node["updated_at"]) >= newest:
            left_out.append(node["id"])
        if node["id"] in left_out or datetime.fromisoformat(node["created_at"]) >= closing:
            continue
        money = node[field]
        code = money["currency"]
        real[f"{kind} in {code}"] += 1
        real[f"{column} of {kind} in {code}"] += Decimal(money["amount"]).scaleb(
            -minor_units()[code]
        )
    landed: dict[str, Decimal] = {}
    for code, number, total in _landed(company_id, kind, column, opening, closing, left_out):
        landed[f"{kind} in {code}"] = Decimal(number)
        landed[f"{column} of {kind} in {code}"] = total
    for what in sorted(real.keys() | landed.keys()):
        yield Comparison(f"{what} on {day}", real[what], landed.get(what, Decimal(0)))


def _listed(
    client: SquareClient, kind: str, opening: datetime, scope: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """Reads what was created on a day."""
    asked: dict[str, Any] = {
        **scope,
        "begin_time": f"{opening:%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{opening + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        "sort_field": "CREATED_AT",
        "sort_order": "ASC",
        "limit": _LIMIT,
    }
    page = 0
    while True:
        page += 1
        found = client.get(f"reconciled {kind}, page {page}", kind, asked)
        yield from found.get(kind, ())
        if not found.get("cursor"):
            return
        asked["cursor"] = found["cursor"]


def _known(company_id: str, kind: str) -> tuple[datetime | None, list[str]]:
    """Returns the newest change that landed, and what is in quarantine."""
    from warehouse.connection import connect

    query = sql.SQL("select max(updated_at) from {} where company_id = %s")
    with connect() as connection:
        (newest,) = connection.execute(
            query.format(sql.Identifier("raw_square", kind)), (company_id,)
        ).fetchone() or (None,)
        rejected = connection.execute(
            "select distinct source_file from quarantine.rejected_rows"
            " where company_id = %s and source = %s and feed = %s",
            (company_id, SOURCE, kind),
        ).fetchall()
    return newest, [each for (each,) in rejected]


def _landed(
    company_id: str,
    kind: str,
    column: str,
    opening: datetime,
    closing: datetime,
    left_out: list[str],
) -> list[tuple[Any, ...]]:
    from warehouse.connection import connect

    # What has the newest change was left out above, whether or not it has changed again.
    query = sql.SQL(
        "select currency, count(*), sum({column}) from {table} where company_id = %s"
        " and created_at >= %s and created_at < %s and id <> all(%s) group by currency"
    ).format(column=sql.Identifier(column), table=sql.Identifier("raw_square", kind))
    with connect() as connection:
        return connection.execute(query, (company_id, opening, closing, left_out)).fetchall()
