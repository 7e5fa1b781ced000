"""Square: a seller's payments and refunds, landed in raw_square.

Belongs here: the steps of a load, and its report. Does not belong here: what is read (`source.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from ingestion.intake import Progress
from ingestion.loads import Landing, Load, beginning, days_between, landing
from ingestion.sources.square.client import SquareClient
from ingestion.sources.square.settings import SOURCE, client_for, seller_of
from ingestion.sources.square.source import Seller, backfill_source, changes_source
from ingestion.sources.square.tables import TABLES
from warehouse.companies import Company


def land_square(
    company: Company, *, client: SquareClient | None = None, progress: Progress | None = None
) -> Load:
    """Lands what is new or changed since the last load.

    Args:
        company: The company.
        client: The seller's API; by default that of companies.yml with its token.
        progress: Told after each page.

    Returns:
        What was done.

    Raises:
        SourceError: The account or its token is missing, refuses or doesn't answer; what was loaded
            before is kept, and the next load begins where this one did.
    """
    with _work(company, client, progress) as (under_way, seller):
        under_way.load(changes_source(seller))
        return under_way.report(seller.client.requests)


def backfill_square(
    company: Company,
    start: date,
    end: date,
    *,
    client: SquareClient | None = None,
    progress: Progress | None = None,
) -> Load:
    """Lands what was created in a time.

    Remembers nothing: where the next load begins isn't moved.

    Args:
        company: The company.
        start: First day, of the company's time zone.
        end: Last day.
        client: The seller's API; by default that of companies.yml with its token.
        progress: Told after each page.

    Returns:
        What was done.

    Raises:
        SourceError: As `land_square`; also when the days are the wrong way round.
    """
    opening, closing = days_between(company, start, end)
    with _work(company, client, progress) as (under_way, seller):
        under_way.load(backfill_source(seller, opening, closing))
        return under_way.report(seller.client.requests)


@contextmanager
def _work(
    company: Company, client: SquareClient | None, progress: Progress | None
) -> Iterator[tuple[Landing, Seller]]:
    """Keeps a second load of the account out meanwhile."""
    configured = seller_of(company)
    client = client or client_for(company)
    with landing(SOURCE, company, TABLES, progress) as under_way:
        yield under_way, Seller(client, under_way.intake, beginning(configured.since))
