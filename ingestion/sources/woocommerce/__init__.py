"""WooCommerce: a site's orders and all that CLV needs around them, landed in raw_woocommerce.

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
from ingestion.sources.woocommerce import tables
from ingestion.sources.woocommerce.client import WooCommerceClient
from ingestion.sources.woocommerce.deletions import (
    Corrections,
    compare_with_site,
    tombstones,
)
from ingestion.sources.woocommerce.reading import created_within
from ingestion.sources.woocommerce.settings import SOURCE, client_for, site_of
from ingestion.sources.woocommerce.source import (
    ANY,
    Site,
    backfill_source,
    changes_source,
    corrections,
    look_for_lists,
)
from warehouse.companies import Company

log = logging.getLogger(__name__)

#: A backfill reads this much more at both ends: WordPress may move a limit by the hour that summer
#: time skips. What is read without need is merged onto itself.
_MARGIN = timedelta(hours=2)


@dataclass
class _Work:
    """A load under way, and what it has done so far."""

    company: Company
    quarantine: ObjectQuarantine
    site: Site
    warnings: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    deleted: Counter[str] = field(default_factory=Counter)
    load_ids: list[str] = field(default_factory=list)


def land_woocommerce(
    company: Company, *, client: WooCommerceClient | None = None, progress: Progress | None = None
) -> Load:
    """Lands what changed on a company's site since the last load, and finds what is gone.

    Args:
        company: The company.
        client: The site's API; by default that of companies.yml with its key.
        progress: Told after each page.

    Returns:
        What was done.

    Raises:
        SourceError: The site or its key is missing, refuses or doesn't answer; what was loaded
            before is kept, and the next load begins where this one did.
    """
    with _work(company, client, progress) as work:
        _load(work, changes_source(work.site))
        _correct(work, compare_with_site(work.site))
        return _report(work)


def backfill_woocommerce(
    company: Company,
    start: date,
    end: date,
    *,
    client: WooCommerceClient | None = None,
    progress: Progress | None = None,
) -> Load:
    """Lands the orders with their refunds, products and coupons that were created in a time.

    Remembers nothing: where the next load begins isn't moved. Customers are read as a whole by
    every other load.

    Args:
        company: The company.
        start: First day, of the company's time zone.
        end: Last day.
        client: The site's API; by default that of companies.yml with its key.
        progress: Told after each page.

    Returns:
        What was done.

    Raises:
        SourceError: As `land_woocommerce`; also when the days are the wrong way round.
    """
    if end < start:
        raise SourceError(f"The backfill ends ({end}) before it starts ({start}).")
    opening = datetime.combine(start, time.min, company.zone).astimezone(UTC)
    closing = datetime.combine(end + timedelta(days=1), time.min, company.zone).astimezone(UTC)
    with _work(company, client, progress) as work:
        created = created_within(opening - _MARGIN, closing + _MARGIN)
        _load(work, backfill_source(work.site, created))
        return _report(work)


@contextmanager
def _work(
    company: Company, client: WooCommerceClient | None, progress: Progress | None
) -> Iterator[_Work]:
    """Finds out how the site answers, and keeps a second load of it out meanwhile."""
    configured = site_of(company)
    client = client or client_for(company)
    with ExitStack() as stack:
        stack.enter_context(exclusive_load(SOURCE, company.id))
        quarantine = stack.enter_context(ObjectQuarantine(company.id, SOURCE))
        quarantine.recall()
        # Says whether the key is good, and what time it is there.
        client.get("orders", ANY | {"_fields": "id", "per_page": 1})
        children = (*tables.ORDER_CHILDREN.values(), tables.REFUND_LINES)
        intake = Intake(
            company.id,
            quarantine,
            has_rows(SOURCE, children, company.id),
            progress or (lambda *_: None),
        )
        start = configured.since
        site = Site(
            client,
            intake,
            datetime.combine(start, time.min, UTC) if start else None,
            tombstones(company.id),
        )
        look_for_lists(site)
        work = _Work(company, quarantine, site)
        yield work
        for warning in work.warnings:
            log.warning("woocommerce, company %s: %s", company.id, warning)


def _load(work: _Work, source: object) -> None:
    load_id = load(source, SOURCE, work.company.id, once_read=work.quarantine.update)
    if load_id:
        work.load_ids.append(load_id)


def _correct(work: _Work, found: Corrections) -> None:
    work.warnings += found.warnings
    work.counts |= found.counts
    work.deleted.update(tombstone["entity"] for tombstone in found.deleted)
    for source in corrections(work.site, found.pages, found.deleted, found.restored):
        _load(work, source)


def _report(work: _Work) -> Load:
    return Load(
        totals=work.site.intake.totals,
        counts=work.counts,
        deleted=dict(work.deleted),
        warnings=tuple(work.warnings),
        first_rejected=tuple(work.quarantine.first),
        requests=work.site.client.requests,
        load_ids=tuple(work.load_ids),
    )
