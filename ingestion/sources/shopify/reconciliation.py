"""Asks the shop again, by other questions, and compares with what landed.

Counts are the shop's own. Of a sample of days every order is read anew and added up here, in plain
decimals. Shares nothing with the load but the way in which a request is sent.

A shop goes on selling meanwhile: what was created or changed after the newest that landed isn't
compared. What is in quarantine is accounted for, too.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, LiteralString

from ingestion.comparison import Comparison, sampled_days
from ingestion.sources.shopify.client import ShopifyClient
from ingestion.sources.shopify.settings import client_for, shop_of
from warehouse.companies import Company

_DAY = """
query ReconciledDay($query: String!, $after: String) {
  orders(first: 15, after: $after, query: $query, sortKey: CREATED_AT) {
    nodes {
      id
      updatedAt
      lineItems(first: 10) {
        nodes { quantity originalTotalSet { shopMoney { amount } } }
        pageInfo { hasNextPage }
      }
      totalPriceSet { shopMoney { amount } }
      totalTaxSet { shopMoney { amount } }
      totalRefundedSet { shopMoney { amount } }
      totalReceivedSet { shopMoney { amount } }
      transactions { kind status test amountSet { shopMoney { amount } } }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""

_LINES = """
query ReconciledLines($id: ID!, $after: String) {
  order(id: $id) {
    lineItems(first: 250, after: $after) {
      nodes { quantity originalTotalSet { shopMoney { amount } } }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""

_SCOPES = "query ReconciledScopes { currentAppInstallation { accessScopes { handle } } }"

_COUNTS = """
query ReconciledCounts($orders: String, $customers: String, $products: String) {
  orders: ordersCount(limit: null, query: $orders) { count }
  customers: customersCount(limit: null, query: $customers) { count }
  products: productsCount(limit: null, query: $products) { count }
}"""

#: A token without read_all_orders sees orders of 60 days; one day is for the clocks.
_VISIBLE = timedelta(days=59)

#: Before the first shop.
_LONG_AGO = date(2000, 1, 1)

#: How a search calls the time of creation.
_CREATED = {"orders": "created_at", "customers": "customer_date", "products": "created_at"}

#: What is added up of a day, as (name, SQL over the orders of that day).
_MEASURES = {
    "orders": "count(*)",
    "total_price": "coalesce(sum(total_price), 0)",
    "total_tax": "coalesce(sum(total_tax), 0)",
    "total_refunded": "coalesce(sum(total_refunded), 0)",
    "total_received": "coalesce(sum(total_received), 0)",
}


def reconcile(
    company: Company, *, days: int = 5, seed: int | None = None, client: ShopifyClient | None = None
) -> list[Comparison]:
    """Compares the shop with raw_shopify.

    Args:
        company: The company.
        days: How many days are read again: the last one that landed, and others by chance.
        seed: Makes the choice of days repeatable; by default it is another one each day.
        client: The shop's API; by default that of companies.yml with its token.

    Returns:
        Counts of orders, customers and products, and eight figures a day.

    Raises:
        SourceError: The shop refuses or doesn't answer.
    """
    client = client or client_for(company)
    start = datetime.combine(shop_of(company).since or _LONG_AGO, time.min, UTC)
    visible = start
    granted = client.ask("ReconciledScopes", _SCOPES).data["currentAppInstallation"]
    if "read_all_orders" not in {scope["handle"] for scope in granted["accessScopes"]}:
        visible = max(start, datetime.now(UTC) - _VISIBLE)
    # Of the first day that is seen, a part may not be.
    whole = visible + timedelta(days=1)
    return [
        *_counts(client, company.id, {"orders": visible, "customers": start, "products": start}),
        *(
            comparison
            for day in sampled_days("raw_shopify", "orders", company.id, whole, days, seed)
            for comparison in _day(client, company.id, day)
        ),
    ]


def _counts(
    client: ShopifyClient, company_id: str, starts: dict[str, datetime]
) -> list[Comparison]:
    """Counts what was created from a start on and before the second of the newest that landed."""
    closings: dict[str, datetime] = {}
    searches: dict[str, str] = {}
    for entity, created in _CREATED.items():
        (newest,) = _row(
            "select date_trunc('second', max(created_at))"  # noqa: S608  one of three names
            f" from raw_shopify.{entity} where company_id = %(company)s",
            {"company": company_id},
        )
        closings[entity] = newest or datetime.now(UTC)
        searches[entity] = (
            f"{created}:>='{_iso(starts[entity])}' AND {created}:<'{_iso(closings[entity])}'"
        )
    counted = client.ask("ReconciledCounts", _COUNTS, searches).data
    return [
        Comparison(
            entity,
            Decimal(counted[entity]["count"]),
            Decimal(_landed(company_id, entity, starts[entity], closing)),
        )
        for entity, closing in closings.items()
    ]


def _landed(company_id: str, entity: str, start: datetime, end: datetime) -> int:
    """Counts what was created in a time and is in the warehouse, in quarantine perhaps."""
    (number,) = _row(
        f"""
        select count(*) from (
            select id from raw_shopify.{entity}
            where company_id = %(company)s and created_at >= %(start)s and created_at < %(end)s
            union
            select regexp_replace(source_file, '^.*/', '') from quarantine.rejected_rows
            where company_id = %(company)s and source = 'shopify' and feed = %(entity)s
                and raw_row ->> 'createdAt' >= %(first)s and raw_row ->> 'createdAt' < %(last)s
            except
            select id from raw_shopify.deletions
            where company_id = %(company)s and entity = %(entity)s
        ) as there
        """,  # noqa: S608  one of three names
        {
            "company": company_id,
            "entity": entity,
            "start": start,
            "end": end,
            # What is in quarantine may hold no time at all.
            "first": _iso(start),
            "last": _iso(end),
        },
    )
    return int(number)


def _day(client: ShopifyClient, company_id: str, day: date) -> list[Comparison]:
    (newest,) = _row(
        "select max(updated_at) from raw_shopify.orders where company_id = %(company)s",
        {"company": company_id},
    )
    (quarantined,) = _row(
        "select coalesce(array_agg(distinct source_file), '{}') from quarantine.rejected_rows"
        " where company_id = %(company)s and source = 'shopify'",
        {"company": company_id},
    )
    sums = dict.fromkeys((*_MEASURES, "units", "lines", "payments"), Decimal(0))
    left_out = set(quarantined)
    for order in _orders_of(client, day):
        if datetime.fromisoformat(order["updatedAt"]) > newest:
            left_out.add(order["id"])
        if order["id"] in left_out:
            continue
        sums["orders"] += 1
        sums["total_price"] += _shop_money(order["totalPriceSet"])
        sums["total_tax"] += _shop_money(order["totalTaxSet"])
        sums["total_refunded"] += _shop_money(order["totalRefundedSet"])
        sums["total_received"] += _shop_money(order["totalReceivedSet"])
        for line in _lines_of(client, order):
            sums["units"] += line["quantity"]
            sums["lines"] += _shop_money(line["originalTotalSet"])
        for payment in order["transactions"]:
            if payment["status"] == "SUCCESS" and payment["kind"] in {"SALE", "CAPTURE"}:
                sums["payments"] += _shop_money(payment["amountSet"])
    opening = datetime.combine(day, time.min, UTC)
    window = {
        "company": company_id,
        "start": opening,
        "end": opening + timedelta(days=1),
        "left_out": [gid.rsplit("/", 1)[-1] for gid in left_out],
    }
    of_day = """
        select id from raw_shopify.orders as landed
        where company_id = %(company)s and created_at >= %(start)s and created_at < %(end)s
            and id <> all(%(left_out)s)
            and not exists (
                select from raw_shopify.deletions as deletions
                where deletions.company_id = landed.company_id
                    and deletions.entity = 'orders' and deletions.id = landed.id
            )
    """
    measured = _row(
        f"select {', '.join(_MEASURES.values())} from raw_shopify.orders"  # noqa: S608
        f" where company_id = %(company)s and id in ({of_day})",
        window,
    )
    units, lines = _row(
        "select coalesce(sum(quantity), 0), coalesce(sum(original_total), 0)"  # noqa: S608
        " from raw_shopify.order_lines"
        f" where company_id = %(company)s and order_id in ({of_day})",
        window,
    )
    (payments,) = _row(
        "select coalesce(sum(amount), 0) from raw_shopify.transactions"  # noqa: S608
        f" where company_id = %(company)s and order_id in ({of_day})"
        " and status = 'SUCCESS' and kind in ('SALE', 'CAPTURE')",
        window,
    )
    landed = dict(zip(_MEASURES, measured, strict=True))
    landed |= {"units": units, "lines": lines, "payments": payments}
    return [Comparison(f"{name} of {day}", sums[name], Decimal(landed[name])) for name in sums]


def _orders_of(client: ShopifyClient, day: date) -> list[dict[str, Any]]:
    orders: list[dict[str, Any]] = []
    after, page = None, 0
    window = f"created_at:>='{day}T00:00:00Z' AND created_at:<'{day + timedelta(days=1)}T00:00:00Z'"
    while True:
        page += 1
        answer = client.ask("ReconciledDay", _DAY, {"query": window, "after": after}, page)
        found = answer.data["orders"]
        orders += found["nodes"]
        if not found["pageInfo"]["hasNextPage"]:
            return orders
        after = found["pageInfo"]["endCursor"]


def _lines_of(client: ShopifyClient, order: dict[str, Any]) -> list[dict[str, Any]]:
    if not order["lineItems"]["pageInfo"]["hasNextPage"]:
        return list(order["lineItems"]["nodes"])
    lines: list[dict[str, Any]] = []
    after, page = None, 0
    while True:
        page += 1
        asked = {"id": order["id"], "after": after}
        found = client.ask("ReconciledLines", _LINES, asked, page, about=order["id"]).data["order"]
        lines += found["lineItems"]["nodes"]
        if not found["lineItems"]["pageInfo"]["hasNextPage"]:
            return lines
        after = found["lineItems"]["pageInfo"]["endCursor"]


def _shop_money(bag: dict[str, Any] | None) -> Decimal:
    return Decimal(bag["shopMoney"]["amount"]) if bag else Decimal(0)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _row(query: LiteralString, parameters: dict[str, Any]) -> tuple[Any, ...]:
    from warehouse.connection import connect

    with connect() as connection:
        (found,) = connection.execute(query, parameters).fetchall()
    return tuple(found)
