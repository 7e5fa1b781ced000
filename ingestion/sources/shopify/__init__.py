"""Shopify: a shop's orders and all that CLV needs around them, landed in raw_shopify.

Belongs here: the steps of a load, and its report. Does not belong here: what is read (`source.py`).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from ingestion.errors import SourceError
from ingestion.intake import Intake, Progress
from ingestion.loads import Load, has_rows
from ingestion.locks import exclusive_load
from ingestion.pipeline import load
from ingestion.quarantine import ObjectQuarantine
from ingestion.sources.shopify import queries, tables
from ingestion.sources.shopify.client import ShopifyClient
from ingestion.sources.shopify.deletions import (
    Corrections,
    compare_with_shop,
    departed_customers,
)
from ingestion.sources.shopify.settings import SOURCE, client_for, shop_of
from ingestion.sources.shopify.source import (
    Shop,
    backfill_source,
    changes_source,
    corrections,
)
from warehouse.companies import Company

log = logging.getLogger(__name__)

ALL_ORDERS = "read_all_orders"


@dataclass
class _Work:
    """A load under way, and what it has done so far."""

    company: Company
    client: ShopifyClient
    quarantine: ObjectQuarantine
    shop: Shop
    sees_all_orders: bool
    warnings: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    deleted: Counter[str] = field(default_factory=Counter)
    load_ids: list[str] = field(default_factory=list)


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
        if work.shop.intake.replaces:
            _correct(work, departed_customers(work.client, company.id))
        _load(work, changes_source(work.shop))
        _correct(
            work,
            compare_with_shop(work.client, company.id, sees_all_orders=work.sees_all_orders),
        )
        _warn_of_young_orders(work)
        return _report(work)


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
    if end < start:
        raise SourceError(f"The backfill ends ({end}) before it starts ({start}).")
    opening = datetime.combine(start, time.min, company.zone).astimezone(UTC)
    closing = datetime.combine(end + timedelta(days=1), time.min, company.zone).astimezone(UTC)
    with _work(company, client, progress) as work:
        _load(work, backfill_source(work.shop, opening, closing))
        return _report(work)


@contextmanager
def _work(
    company: Company, client: ShopifyClient | None, progress: Progress | None
) -> Iterator[_Work]:
    """Asks who the token is, and keeps a second load of the shop out meanwhile."""
    configured = shop_of(company)
    client = client or client_for(company)
    with ExitStack() as stack:
        stack.enter_context(exclusive_load(SOURCE, company.id))
        quarantine = stack.enter_context(ObjectQuarantine(company.id, SOURCE))
        quarantine.recall()
        found = client.ask("Installation", queries.INSTALLATION).data
        scopes = {scope["handle"] for scope in found["currentAppInstallation"]["accessScopes"]}
        since = configured.since
        intake = Intake(
            company.id,
            quarantine,
            has_rows(SOURCE, (*tables.ORDER_CHILDREN, tables.VARIANTS), company.id),
            progress or (lambda *_: None),
        )
        shop = Shop(
            client,
            intake,
            found["shop"]["currencyCode"],
            datetime.combine(since, time.min, UTC) if since else None,
            configured.skip,
        )
        work = _Work(company, client, quarantine, shop, ALL_ORDERS in scopes)
        if not work.sees_all_orders:
            work.warnings.append(
                f"The token lacks the access scope {ALL_ORDERS}: only orders of the last 60 days "
                "are visible, so every customer looks new. Ask Shopify for the scope in the app's "
                "settings, then backfill what is missing."
            )
        yield work
        for warning in work.warnings:
            log.warning("shopify, company %s: %s", company.id, warning)


def _load(work: _Work, source: object) -> None:
    load_id = load(source, SOURCE, work.company.id, once_read=work.quarantine.update)
    if load_id:
        work.load_ids.append(load_id)


def _correct(work: _Work, found: Corrections) -> None:
    work.warnings += found.warnings
    work.counts |= found.counts
    work.deleted.update(tombstone["entity"] for tombstone in found.deleted)
    for source in corrections(work.shop, found.orders, found.deleted, found.restored):
        _load(work, source)


def _report(work: _Work) -> Load:
    return Load(
        totals=work.shop.intake.totals,
        counts=work.counts,
        deleted=dict(work.deleted),
        warnings=tuple(work.warnings),
        first_rejected=tuple(work.quarantine.first),
        requests=work.client.requests,
        load_ids=tuple(work.load_ids),
    )


def _warn_of_young_orders(work: _Work) -> None:
    """Warns when the history begins where a token without all orders would have it begin."""
    from warehouse.connection import connect

    if not work.sees_all_orders:
        return
    with connect() as connection:
        found = connection.execute(
            "select (select min(created_at) from raw_shopify.orders where company_id = %(id)s),"
            " (select min(created_at) from raw_shopify.customers where company_id = %(id)s)",
            {"id": work.company.id},
        ).fetchone()
    order, customer = found or (None, None)
    young = datetime.now(UTC) - timedelta(days=62)
    if order and customer and order > young and customer < order - timedelta(days=30):
        work.warnings.append(
            f"The first order is of {order:%Y-%m-%d}, but customers are there since "
            f"{customer:%Y-%m-%d}. If the shop has older orders, the token may not see them: check "
            f"the access scope {ALL_ORDERS}, and backfill."
        )
