"""Asks the site again, by other questions, and compares with what landed.

Counts are the site's own. Of a sample of days every order is read anew and added up here, in plain
decimals. Shares nothing with the load but the way in which a request is sent.

A site goes on selling meanwhile: what was created or changed after the newest that landed isn't
compared. What is in quarantine is accounted for, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, LiteralString

from ingestion.comparison import Comparison, sampled_days
from ingestion.sources.woocommerce.client import WooCommerceClient
from ingestion.sources.woocommerce.settings import client_for, site_of
from warehouse.companies import Company

#: What is counted, and by which filter all of it is listed.
_COUNTED: dict[str, dict[str, Any]] = {
    "orders": {"status": "any"},
    "customers": {"role": "all"},
    "products": {"status": "any"},
}

#: A day is asked for with this much around it, and cut out here: WordPress may move a limit by
#: the hour that summer time skips.
_AROUND = timedelta(hours=3)

_PAGE = 100


def reconcile(
    company: Company,
    *,
    days: int = 5,
    seed: int | None = None,
    client: WooCommerceClient | None = None,
) -> list[Comparison]:
    """Compares the site with raw_woocommerce.

    Args:
        company: The company.
        days: How many days are read again: the last one that landed, and others by chance.
        seed: Makes the choice of days repeatable; by default it is another one each day.
        client: The site's API; by default that of companies.yml with its key.

    Returns:
        Counts of orders, customers and products, and six figures a day and currency.

    Raises:
        SourceError: The site refuses or doesn't answer.
    """
    client = client or client_for(company)
    since = site_of(company).since
    counted = [each for each in _COUNTED if since is None or each != "orders"]
    return [
        *(_count(client, company.id, entity) for entity in counted),
        *(
            comparison
            for day in sampled_days("raw_woocommerce", "orders", company.id, since, days, seed)
            for comparison in _day(client, company.id, day)
        ),
    ]


def _count(client: WooCommerceClient, company_id: str, entity: str) -> Comparison:
    """Counts what isn't newer than the newest that landed."""
    asked = _COUNTED[entity] | {"orderby": "id", "order": "desc", "per_page": _PAGE}
    answer = client.get(entity, asked | {"_fields": "id"})
    landed, newest = _row(
        f"""
        select count(*), coalesce(max(id::bigint), 0) from (
            select id from raw_woocommerce.{entity} where company_id = %(company)s
            union
            select split_part(source_file, '/', 2) from quarantine.rejected_rows
            where company_id = %(company)s and source = 'woocommerce' and feed = %(entity)s
                and source_file ~ '/[0-9]{{1,18}}$'
            except
            select id from raw_woocommerce.deletions
            where company_id = %(company)s and entity = %(entity)s
        ) as there
        """,  # noqa: S608  one of three names
        {"company": company_id, "entity": entity},
    )
    newer = sum(int(node["id"]) > newest for node in answer.nodes)
    total = len(answer.nodes) if answer.total is None else answer.total
    return Comparison(entity, Decimal(total - newer), Decimal(landed))


def _day(client: WooCommerceClient, company_id: str, day: date) -> list[Comparison]:
    (newest,) = _row(
        "select max(modified_at) from raw_woocommerce.orders where company_id = %(company)s",
        {"company": company_id},
    )
    (waiting,) = _row(
        "select coalesce(array_agg(distinct split_part(source_file, '/', 2)), '{}')"
        " from quarantine.rejected_rows where company_id = %(company)s"
        " and source = 'woocommerce' and source_file like 'orders/%%'",
        {"company": company_id},
    )
    left_out = set(waiting)
    sums: dict[str, dict[str, Decimal]] = {}
    for order in _orders_of(client, day):
        if newest is not None and _moment(order["date_modified_gmt"]) > newest:
            left_out.add(str(order["id"]))
        if str(order["id"]) not in left_out:
            _add(sums.setdefault(order["currency"], dict.fromkeys(_FIGURES, Decimal(0))), order)
    opening = datetime.combine(day, time.min, UTC)
    window = {
        "company": company_id,
        "start": opening,
        "end": opening + timedelta(days=1),
        "left_out": sorted(left_out),
    }
    landed = {currency: figures for currency, *figures in _rows(_LANDED, window)}
    nothing = [Decimal(0)] * len(_FIGURES)
    return [
        Comparison(
            f"{figure} {currency} of {day}",
            sums.get(currency, {}).get(figure, Decimal(0)),
            Decimal(landed.get(currency, nothing)[place]),
        )
        for currency in sorted({*sums, *landed})
        for place, figure in enumerate(_FIGURES)
    ]


_FIGURES = ("orders", "total", "total_tax", "units", "lines", "refunded")

_LANDED: LiteralString = """
with of_day as (
    select id, currency, total, total_tax from raw_woocommerce.orders as landed
    where company_id = %(company)s and created_at >= %(start)s and created_at < %(end)s
        and id <> all(%(left_out)s)
        and not exists (
            select from raw_woocommerce.deletions as deletions
            where deletions.company_id = landed.company_id
                and deletions.entity = 'orders' and deletions.id = landed.id
        )
),

lines_summed as (
    select order_id, sum(quantity) as units, sum(total) as lines
    from raw_woocommerce.order_lines where company_id = %(company)s group by order_id
),

refunds_summed as (
    select order_id, sum(amount) as refunded from raw_woocommerce.refunds as landed
    where company_id = %(company)s and not exists (
        select from raw_woocommerce.deletions as deletions
        where deletions.company_id = landed.company_id
            and deletions.entity = 'refunds' and deletions.id = landed.id
    )
    group by order_id
)

select
    currency,
    count(*),
    sum(total),
    sum(coalesce(total_tax, 0)),
    sum(coalesce(units, 0)),
    sum(coalesce(lines, 0)),
    sum(coalesce(refunded, 0))
from of_day
left join lines_summed on lines_summed.order_id = of_day.id
left join refunds_summed on refunds_summed.order_id = of_day.id
group by currency
"""


def _add(sums: dict[str, Decimal], order: dict[str, Any]) -> None:
    sums["orders"] += 1
    sums["total"] += _amount(order["total"])
    sums["total_tax"] += _amount(order["total_tax"])
    for line in order["line_items"]:
        sums["units"] += _amount(line["quantity"])
        sums["lines"] += _amount(line["total"])
    for refund in order["refunds"]:
        # Negative here, and positive where refunds are listed by themselves.
        sums["refunded"] -= _amount(refund["total"])


def _orders_of(client: WooCommerceClient, day: date) -> Iterator[dict[str, Any]]:
    opening = datetime.combine(day, time.min)
    closing = opening + timedelta(days=1)
    asked = {
        "status": "any",
        "after": (opening - _AROUND).isoformat(),
        "before": (closing + _AROUND).isoformat(),
        "dates_are_gmt": "true",
        "orderby": "date",
        "order": "asc",
        "per_page": _PAGE,
    }
    page, seen = 0, set()
    while True:
        page += 1
        answer = client.get("orders", asked | {"page": page}, page)
        for order in answer.nodes:
            if order["id"] not in seen and str(order["date_created_gmt"])[:10] == day.isoformat():
                seen.add(order["id"])
                yield order
        if len(answer.nodes) < _PAGE:
            return


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _amount(value: Any) -> Decimal:
    try:
        return Decimal(str(value or 0))
    except InvalidOperation:
        return Decimal(0)


def _row(query: LiteralString, parameters: dict[str, Any]) -> tuple[Any, ...]:
    (found,) = _rows(query, parameters)
    return found


def _rows(query: LiteralString, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    from warehouse.connection import connect

    with connect() as connection:
        return [tuple(row) for row in connection.execute(query, parameters)]
