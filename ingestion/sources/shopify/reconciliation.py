"""Asks the shop again, by other questions, and compares with what landed.

Counts are the shop's own. Of a sample of days every order is read anew and added up here, in plain
decimals. Shares nothing with the load but the way in which a request is sent.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, LiteralString

from ingestion.sources.shopify.client import ShopifyClient
from ingestion.sources.shopify.settings import client_for
from warehouse.companies import Company

_DAY = """
query ReconciledDay($query: String!, $after: String) {
  orders(first: 15, after: $after, query: $query, sortKey: CREATED_AT) {
    nodes {
      id
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

_COUNTS = """
query ReconciledCounts {
  orders: ordersCount(limit: null) { count }
  customers: customersCount(limit: null) { count }
  products: productsCount(limit: null) { count }
}"""

#: What is added up of a day, as (name, SQL over the orders of that day).
_MEASURES = {
    "orders": "count(*)",
    "total_price": "coalesce(sum(total_price), 0)",
    "total_tax": "coalesce(sum(total_tax), 0)",
    "total_refunded": "coalesce(sum(total_refunded), 0)",
    "total_received": "coalesce(sum(total_received), 0)",
}


@dataclass(frozen=True)
class Comparison:
    """One figure of the shop beside that of the warehouse.

    Attributes:
        what: The figure, such as "orders" or "total_price of 2026-06-30".
        shop: As the shop has it.
        warehouse: As it landed.
    """

    what: str
    shop: Decimal
    warehouse: Decimal

    @property
    def agrees(self) -> bool:
        """Whether they are the same, to the last digit."""
        return self.shop == self.warehouse

    def __str__(self) -> str:
        verdict = "agrees" if self.agrees else f"differs by {self.warehouse - self.shop:,}"
        return f"{self.what}: shop {self.shop:,}, warehouse {self.warehouse:,}: {verdict}"


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
        Counts of orders, customers and products, and eight figures a day. A row in quarantine and a
        change since the load show as differences.

    Raises:
        SourceError: The shop refuses or doesn't answer.
    """
    client = client or client_for(company)
    return [
        *_counts(client, company.id),
        *(
            comparison
            for day in _sample(company.id, days, seed)
            for comparison in _day(client, company.id, day)
        ),
    ]


def _counts(client: ShopifyClient, company_id: str) -> list[Comparison]:
    counted = client.ask("ReconciledCounts", _COUNTS).data
    found = []
    for entity in ("orders", "customers", "products"):
        (landed,) = _row(
            f"""
            select count(*) from raw_shopify.{entity} as landed
            where company_id = %(company)s and not exists (
                select from raw_shopify.deletions as deletions
                where deletions.company_id = landed.company_id
                    and deletions.entity = %(entity)s and deletions.id = landed.id
            )
            """,  # noqa: S608  one of three names
            {"company": company_id, "entity": entity},
        )
        found.append(Comparison(entity, Decimal(counted[entity]["count"]), Decimal(landed)))
    return found


def _sample(company_id: str, days: int, seed: int | None) -> list[date]:
    from warehouse.connection import connect

    with connect() as connection:
        landed = [
            day
            for (day,) in connection.execute(
                "select distinct (created_at at time zone 'UTC')::date from raw_shopify.orders"
                " where company_id = %s order by 1",
                (company_id,),
            )
        ]
    chance = random.Random(datetime.now(UTC).date().toordinal() if seed is None else seed)
    others = landed[:-1]
    return sorted({*landed[-1:], *chance.sample(others, min(max(days - 1, 0), len(others)))})


def _day(client: ShopifyClient, company_id: str, day: date) -> list[Comparison]:
    sums = dict.fromkeys((*_MEASURES, "units", "lines", "payments"), Decimal(0))
    for order in _orders_of(client, day):
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
    window = {"company": company_id, "start": opening, "end": opening + timedelta(days=1)}
    of_day = """
        select id from raw_shopify.orders as landed
        where company_id = %(company)s and created_at >= %(start)s and created_at < %(end)s
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


def _row(query: LiteralString, parameters: dict[str, Any]) -> tuple[Any, ...]:
    from warehouse.connection import connect

    with connect() as connection:
        (found,) = connection.execute(query, parameters).fetchall()
    return tuple(found)
