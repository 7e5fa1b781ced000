"""Shopify: a shop's orders and all that CLV needs around them, landed in raw_shopify.

Belongs here: the steps of a load, and its report. Does not belong here: what is read (`source.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ingestion.arrow import Node, last_part
from ingestion.intake import Progress
from ingestion.loads import Landing, Load, beginning, days_between, landing
from ingestion.sources.shopify import queries, tables
from ingestion.sources.shopify.client import ShopifyClient
from ingestion.sources.shopify.deletions import (
    COMPARED,
    Corrections,
    compare_with_shop,
    departed_customers,
    told_apart,
)
from ingestion.sources.shopify.settings import SOURCE, client_for, shop_of
from ingestion.sources.shopify.source import (
    Shop,
    again_source,
    backfill_source,
    changes_source,
    corrections,
)
from warehouse.companies import Company

ALL_ORDERS = "read_all_orders"


@dataclass(frozen=True)
class _Work:
    """A load under way, and what it reads from."""

    landing: Landing
    shop: Shop
    sees_all_orders: bool


def land_shopify(
    company: Company, *, client: ShopifyClient | None = None, progress: Progress | None = None
) -> Load:
    """Lands what changed in a company's shop since the last load, and finds what is gone.

    Args:
        company: The company.
        client: The shop's API; by default that of companies.yml with its token.
        progress: Told after each page.

    Returns:
        What was done.

    Raises:
        SourceError: The shop or its token is missing, refuses or doesn't answer; what was loaded
            before is kept, and the next load begins where this one did.
    """
    with _work(company, client, progress) as work:
        client = work.shop.client
        if work.shop.intake.replaces:
            _correct(work, departed_customers(client, company.id))
        work.landing.load(changes_source(work.shop))
        found = compare_with_shop(client, company.id, sees_all_orders=work.sees_all_orders)
        _correct(work, found)
        _warn_of_young_orders(work)
        return work.landing.report(client.requests)


def backfill_shopify(
    company: Company,
    start: date,
    end: date,
    *,
    client: ShopifyClient | None = None,
    progress: Progress | None = None,
) -> Load:
    """Lands the orders, customers and products that were created in a time, by bulk operations.

    Remembers nothing: where the next load begins isn't moved.

    Args:
        company: The company.
        start: First day, of the company's time zone.
        end: Last day.
        client: The shop's API; by default that of companies.yml with its token.
        progress: Told after each page.

    Returns:
        What was done.

    Raises:
        SourceError: As `land_shopify`; also when the days are the wrong way round, or a bulk
            operation came to no complete result.
    """
    opening, closing = days_between(company, start, end)
    with _work(company, client, progress) as work:
        work.landing.load(backfill_source(work.shop, opening, closing))
        return work.landing.report(work.shop.client.requests)


def reread_shopify(
    company: Company,
    objects: Mapping[str, Sequence[str]],
    *,
    client: ShopifyClient | None = None,
    progress: Progress | None = None,
) -> Load | None:
    """Lands objects anew of which somebody said that they have changed or are gone.

    Args:
        company: The company.
        objects: Ids by table: orders, customers, products, disputes.
        client: The shop's API; by default that of companies.yml with its token.
        progress: Told after each page.

    Returns:
        What was done; None where nothing of the shop has landed yet, which is for a load of all.

    Raises:
        SourceError: As `land_shopify`.
    """
    wanted = {entity: sorted(map(int, ids)) for entity, ids in objects.items()}
    with _work(company, client, progress) as work:
        client = work.shop.client
        if not work.shop.intake.replaces:
            return None
        # The orders of a merged customer must be followed before they come under the new one.
        _correct(work, departed_customers(client, company.id))
        there: dict[str, set[int]] = defaultdict(set)

        def found(entity: str, nodes: list[Node]) -> None:
            there[entity] |= {int(last_part(str(node.get("id")))) for node in nodes}

        work.landing.load(again_source(work.shop, wanted, found))
        gone = {entity: set(wanted.get(entity, ())) - there[entity] for entity in COMPARED}
        if not work.sees_all_orders:
            # It may just be too old to be seen.
            gone["orders"] = set()
        _correct(work, told_apart(company.id, gone, there))
        return work.landing.report(client.requests)


@contextmanager
def _work(
    company: Company, client: ShopifyClient | None, progress: Progress | None
) -> Iterator[_Work]:
    """Asks who the token is, and keeps a second load of the shop out meanwhile."""
    configured = shop_of(company)
    client = client or client_for(company)
    with landing(SOURCE, company, tables.TABLES, progress) as under_way:
        found = client.ask("Installation", queries.INSTALLATION).data
        scopes = {scope["handle"] for scope in found["currentAppInstallation"]["accessScopes"]}
        currency = found["shop"]["currencyCode"]
        since = beginning(configured.since)
        shop = Shop(client, under_way.intake, currency, since, configured.skip)
        if ALL_ORDERS not in scopes:
            under_way.warnings.append(
                f"The token lacks the access scope {ALL_ORDERS}: only orders of the last 60 days "
                "are visible, so every customer looks new. Ask Shopify for the scope in the app's "
                "settings, then backfill what is missing."
            )
        yield _Work(under_way, shop, ALL_ORDERS in scopes)


def _correct(work: _Work, found: Corrections) -> None:
    work.landing.note(found)
    for source in corrections(work.shop, found.orders, found.deleted, found.restored):
        work.landing.load(source)


def _warn_of_young_orders(work: _Work) -> None:
    """Warns when the history begins where a token without all orders would have it begin."""
    from warehouse.connection import connect

    if not work.sees_all_orders:
        return
    with connect() as connection:
        found = connection.execute(
            "select (select min(created_at) from raw_shopify.orders where company_id = %(id)s),"
            " (select min(created_at) from raw_shopify.customers where company_id = %(id)s)",
            {"id": work.landing.company_id},
        ).fetchone()
    order, customer = found or (None, None)
    young = datetime.now(UTC) - timedelta(days=62)
    if order and customer and order > young and customer < order - timedelta(days=30):
        work.landing.warnings.append(
            f"The first order is of {order:%Y-%m-%d}, but customers are there since "
            f"{customer:%Y-%m-%d}. If the shop has older orders, the token may not see them: check "
            f"the access scope {ALL_ORDERS}, and backfill."
        )
