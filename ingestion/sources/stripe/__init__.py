"""Stripe: an account's payments and subscriptions, landed in raw_stripe.

Belongs here: the steps of a load, and its report. Does not belong here: what is read (`source.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from ingestion.intake import Progress
from ingestion.loads import Landing, Load, beginning, days_between, landing
from ingestion.sources.stripe import tables
from ingestion.sources.stripe.client import StripeClient
from ingestion.sources.stripe.entities import ENTITIES
from ingestion.sources.stripe.landed import Landed
from ingestion.sources.stripe.settings import SOURCE, account_of, client_for
from ingestion.sources.stripe.source import (
    Account,
    again_source,
    backfill_source,
    changes_source,
)
from warehouse.companies import Company


@dataclass(frozen=True)
class _Work:
    """A load under way, and what it reads from."""

    landing: Landing
    account: Account

    def load(self, source: object) -> Load:
        """Loads a dlt source and reports."""
        self.landing.load(source)
        return self.landing.report(self.account.client.requests)


def land_stripe(
    company: Company, *, client: StripeClient | None = None, progress: Progress | None = None
) -> Load:
    """Lands what is new or changed in a company's account since the last load, and what is gone.

    Args:
        company: The company.
        client: The account's API; by default that of companies.yml with its key.
        progress: Told after each page.

    Returns:
        What was done.

    Raises:
        SourceError: The account or its key is missing, refuses or doesn't answer; what was loaded
            before is kept, and the next load begins where this one did.
    """
    with _work(company, client, progress) as work:
        return work.load(changes_source(work.account))


def backfill_stripe(
    company: Company,
    start: date,
    end: date,
    *,
    client: StripeClient | None = None,
    progress: Progress | None = None,
) -> Load:
    """Lands what was created in a time.

    Remembers nothing: where the next load begins isn't moved.

    Args:
        company: The company.
        start: First day, of the company's time zone.
        end: Last day.
        client: The account's API; by default that of companies.yml with its key.
        progress: Told after each page.

    Returns:
        What was done.

    Raises:
        SourceError: As `land_stripe`; also when the days are the wrong way round.
    """
    opening, closing = days_between(company, start, end)
    with _work(company, client, progress) as work:
        return work.load(backfill_source(work.account, opening, closing))


def reread_stripe(
    company: Company,
    objects: Mapping[str, Sequence[str]],
    *,
    client: StripeClient | None = None,
    progress: Progress | None = None,
) -> Load | None:
    """Lands objects anew of which somebody said that they have changed or are gone.

    Args:
        company: The company.
        objects: Ids by table.
        client: The account's API; by default that of companies.yml with its key.
        progress: Told after each page.

    Returns:
        What was done; None where nothing of the account has landed yet, which is for a load of all.

    Raises:
        SourceError: As `land_stripe`.
    """
    with _work(company, client, progress) as work:
        if not work.landing.intake.replaces:
            return None
        return work.load(again_source(work.account, objects))


@contextmanager
def _work(
    company: Company, client: StripeClient | None, progress: Progress | None
) -> Iterator[_Work]:
    """Keeps a second load of the account out meanwhile."""
    configured = account_of(company)
    client = client or client_for(company)
    with landing(SOURCE, company, tables.TABLES, progress) as under_way:
        yield _Work(
            under_way,
            Account(
                client,
                under_way.intake,
                Landed(company.id),
                tuple(each for each in ENTITIES if each.name not in configured.skip),
                beginning(configured.since),
                under_way.warnings,
                under_way.deleted,
            ),
        )
