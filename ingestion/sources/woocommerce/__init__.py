"""WooCommerce: a site's orders and all that CLV needs around them, landed in raw_woocommerce.

Belongs here: the steps of a load, and its report. Does not belong here: what is read (`source.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

from ingestion.intake import Progress
from ingestion.loads import Landing, Load, beginning, days_between, landing
from ingestion.sources.woocommerce import tables
from ingestion.sources.woocommerce.client import WooCommerceClient
from ingestion.sources.woocommerce.deletions import compare_with_site, read_again, tombstones
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

#: A backfill reads this much more at both ends: WordPress may move a limit by the hour that summer
#: time skips. What is read without need is merged onto itself.
_MARGIN = timedelta(hours=2)


@dataclass(frozen=True)
class _Work:
    """A load under way, and what it reads from."""

    landing: Landing
    site: Site


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
        work.landing.load(changes_source(work.site))
        found = compare_with_site(work.site)
        work.landing.note(found)
        for source in corrections(work.site, found.pages, found.deleted, found.restored):
            work.landing.load(source)
        return work.landing.report(work.site.client.requests)


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
    opening, closing = days_between(company, start, end)
    with _work(company, client, progress) as work:
        created = created_within(opening - _MARGIN, closing + _MARGIN)
        work.landing.load(backfill_source(work.site, created))
        return work.landing.report(work.site.client.requests)


def reread_woocommerce(
    company: Company,
    objects: Mapping[str, Sequence[str]],
    *,
    client: WooCommerceClient | None = None,
    progress: Progress | None = None,
) -> Load | None:
    """Lands objects anew of which somebody said that they have changed or are gone.

    Args:
        company: The company.
        objects: Ids by table: orders (with their refunds), products (with their variations),
            customers, coupons.
        client: The site's API; by default that of companies.yml with its key.
        progress: Told after each page.

    Returns:
        What was done; None where nothing of the site has landed yet, which is for a load of all.

    Raises:
        SourceError: As `land_woocommerce`.
    """
    wanted = {entity: sorted(map(int, ids)) for entity, ids in objects.items()}
    with _work(company, client, progress) as work:
        if not work.landing.intake.replaces:
            return None
        found = read_again(work.site, wanted)
        work.landing.note(found)
        for source in corrections(work.site, found.pages, found.deleted, found.restored):
            work.landing.load(source)
        return work.landing.report(work.site.client.requests)


@contextmanager
def _work(
    company: Company, client: WooCommerceClient | None, progress: Progress | None
) -> Iterator[_Work]:
    """Finds out how the site answers, and keeps a second load of it out meanwhile."""
    configured = site_of(company)
    client = client or client_for(company)
    with landing(SOURCE, company, tables.TABLES, progress) as under_way:
        # Says whether the key is good, and what time it is there.
        client.get("orders", ANY | {"_fields": "id", "per_page": 1})
        since = beginning(configured.since)
        site = Site(client, under_way.intake, since, tombstones(company.id))
        look_for_lists(site)
        yield _Work(under_way, site)
