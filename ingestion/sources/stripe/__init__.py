"""Stripe: an account's payments and subscriptions, landed in raw_stripe.

Belongs here: the steps of a load, and its report. Does not belong here: what is read (`source.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from ingestion.errors import SourceError
from ingestion.intake import Intake, Progress
from ingestion.loads import Load, has_rows
from ingestion.locks import exclusive_load
from ingestion.pipeline import load
from ingestion.quarantine import ObjectQuarantine
from ingestion.sources.stripe.client import StripeClient
from ingestion.sources.stripe.entities import CHILDREN, ENTITIES
from ingestion.sources.stripe.landed import Landed
from ingestion.sources.stripe.settings import SOURCE, account_of, client_for
from ingestion.sources.stripe.source import Account, backfill_source, changes_source
from warehouse.companies import Company

log = logging.getLogger(__name__)


@dataclass
class _Work:
    """A load under way."""

    company: Company
    account: Account
    quarantine: ObjectQuarantine


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
        return _load(work, changes_source(work.account))


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
    if end < start:
        raise SourceError(f"The backfill ends ({end}) before it starts ({start}).")
    opening = datetime.combine(start, time.min, company.zone).astimezone(UTC)
    closing = datetime.combine(end + timedelta(days=1), time.min, company.zone).astimezone(UTC)
    with _work(company, client, progress) as work:
        return _load(work, backfill_source(work.account, opening, closing))


@contextmanager
def _work(
    company: Company, client: StripeClient | None, progress: Progress | None
) -> Iterator[_Work]:
    """Keeps a second load of the account out meanwhile."""
    configured = account_of(company)
    client = client or client_for(company)
    with ExitStack() as stack:
        stack.enter_context(exclusive_load(SOURCE, company.id))
        quarantine = stack.enter_context(ObjectQuarantine(company.id, SOURCE))
        quarantine.recall()
        landed = Landed(company.id)
        since = configured.since
        account = Account(
            client,
            Intake(
                company.id,
                quarantine,
                has_rows(SOURCE, CHILDREN, company.id),
                progress or (lambda *_: None),
            ),
            landed,
            tuple(each for each in ENTITIES if each.name not in configured.skip),
            datetime.combine(since, time.min, UTC) if since else None,
        )
        yield _Work(company, account, quarantine)
        for warning in account.warnings:
            log.warning("stripe, company %s: %s", company.id, warning)


def _load(work: _Work, source: object) -> Load:
    load_id = load(source, SOURCE, work.company.id, once_read=work.quarantine.update)
    account = work.account
    return Load(
        totals=account.intake.totals,
        # Stripe counts nothing itself.
        counts={},
        deleted=dict(account.deleted),
        warnings=tuple(account.warnings),
        first_rejected=tuple(work.quarantine.first),
        requests=account.client.requests,
        load_ids=(load_id,) if load_id else (),
    )
