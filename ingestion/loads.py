"""The frame of a load of an API: alone, after what earlier ones left, and with a report.

Belongs here: what every API connector shares. Does not belong here: the steps of a load
(`sources/<name>/__init__.py`).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol

from psycopg import sql

from ingestion.arrow import Table
from ingestion.erasure import Guard, guarding
from ingestion.errors import SourceError
from ingestion.intake import Intake, Progress, Totals
from ingestion.locks import exclusive_load
from ingestion.pipeline import load
from ingestion.quarantine import ObjectQuarantine, RejectedRow
from warehouse.companies import Company
from warehouse.connection import connect, exists

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Load:
    """What one load of one shop did.

    Attributes:
        totals: Rows and money as read, by table.
        counts: Objects that the shop itself counts, by entity.
        deleted: Tombstones written by this load's comparison, by entity.
        warnings: What people have to look at.
        first_rejected: The first objects that went to quarantine.
        requests: Requests to the API.
        load_ids: dlt's ids of what was loaded.
    """

    totals: dict[str, Totals]
    counts: dict[str, int]
    deleted: dict[str, int]
    warnings: tuple[str, ...]
    first_rejected: tuple[RejectedRow, ...]
    requests: int
    load_ids: tuple[str, ...]


class Findings(Protocol):
    """What a comparison with the shop found."""

    @property
    def deleted(self) -> Sequence[Mapping[str, Any]]:
        """Tombstones, each with its `entity`."""

    @property
    def counts(self) -> Mapping[str, int]:
        """What the shop counts, by entity."""

    @property
    def warnings(self) -> Sequence[str]:
        """What people have to look at."""


@dataclass
class Landing:
    """A load under way, and what it has done so far.

    Attributes:
        source: Name of the source.
        company_id: Whose load it is.
        tables: All that the source lands.
        intake: Takes what is read.
        guard: Takes out who was erased.
        warnings: What people have to look at.
        counts: Objects that the shop itself counts, by entity.
        deleted: Tombstones written, by entity.
        load_ids: dlt's ids of what was loaded.
    """

    source: str
    company_id: str
    tables: Sequence[Table]
    intake: Intake
    guard: Guard
    warnings: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    deleted: Counter[str] = field(default_factory=Counter)
    load_ids: list[str] = field(default_factory=list)

    def load(self, source: object) -> None:
        """Loads a dlt source, with the quarantine of what it read.

        Raises:
            SourceError: The shop refuses or doesn't answer; what was loaded before is kept.
        """
        quarantine = self.intake.quarantine
        load_id = load(
            source,
            self.source,
            self.company_id,
            once_read=quarantine.update,
            once_written=self.guard.landed,
        )
        if load_id:
            self.load_ids.append(load_id)
        if not self.intake.replaces:
            _drop_vacancies(self.source, self.tables, self.company_id)

    def note(self, found: Findings) -> None:
        """Takes what a comparison found into the report."""
        self.warnings += found.warnings
        self.counts |= found.counts
        self.deleted.update(tombstone["entity"] for tombstone in found.deleted)

    def report(self, requests: int) -> Load:
        """Sums up.

        Args:
            requests: Requests to the API.
        """
        return Load(
            totals=self.intake.totals,
            counts=self.counts,
            deleted=dict(self.deleted),
            warnings=tuple(self.warnings),
            first_rejected=tuple(self.intake.quarantine.first),
            requests=requests,
            load_ids=tuple(self.load_ids),
        )


@contextmanager
def landing(
    source: str, company: Company, tables: Sequence[Table], progress: Progress | None
) -> Iterator[Landing]:
    """Keeps a second load out, and says at the end what people have to look at.

    Args:
        source: Name of the source.
        company: Whose load it is.
        tables: All that the source lands.
        progress: Told after each page.

    Raises:
        SourceError: Another load of the company's shop is under way.
    """
    with (
        exclusive_load(source, company.id),
        guarding(company.id, source) as guard,
        ObjectQuarantine(company.id, source) as quarantine,
    ):
        quarantine.recall()
        _drop_vacancies(source, tables, company.id)
        replaces = _has_rows(source, tables, company.id)
        intake = Intake(
            company.id, quarantine, replaces, progress or (lambda *_: None), guard=guard
        )
        under_way = Landing(source, company.id, tables, intake, guard)
        yield under_way
        for warning in under_way.warnings:
            log.warning("%s, company %s: %s", source, company.id, warning)


def beginning(day: date | None) -> datetime | None:
    """Returns when a day begins, in UTC; None where there is none."""
    return None if day is None else datetime.combine(day, time.min, UTC)


def days_between(company: Company, start: date, end: date) -> tuple[datetime, datetime]:
    """Returns a time in the company's zone: its start, and its end, which isn't in it.

    Args:
        company: The company.
        start: First day.
        end: Last day.

    Raises:
        SourceError: The days are the wrong way round.
    """
    if end < start:
        raise SourceError(f"The backfill ends ({end}) before it starts ({start}).")
    opening = datetime.combine(start, time.min, company.zone).astimezone(UTC)
    closing = datetime.combine(end + timedelta(days=1), time.min, company.zone).astimezone(UTC)
    return opening, closing


def _has_rows(source: str, tables: Sequence[Table], company_id: str) -> bool:
    """Says whether any table of a source holds rows of the company; half a load is enough."""
    with connect() as connection:
        for table in tables:
            name = sql.Identifier(f"raw_{source}", table.name)
            query = sql.SQL("select 1 from {} where company_id = %s limit 1").format(name)
            if exists(connection, name) and connection.execute(query, (company_id,)).fetchone():
                return True
    return False


def _drop_vacancies(source: str, tables: Sequence[Table], company_id: str) -> None:
    """Deletes the rows that only made tables: a merge leaves them out, a first load can't."""
    with connect(autocommit=True) as connection:
        for table in tables:
            name = sql.Identifier(f"raw_{source}", table.name)
            if not exists(connection, name):
                continue
            those = sql.SQL("from {} where company_id = %s and ({}) = ({})").format(
                name,
                sql.SQL(", ").join(map(sql.Identifier, table.merge_columns)),
                sql.SQL(", ").join(map(sql.Literal, table.nothing)),
            )
            # Looked for first: to delete none would wait for whoever writes to the table.
            if connection.execute(sql.SQL("select 1 ") + those, (company_id,)).fetchone():
                connection.execute(sql.SQL("delete ") + those, (company_id,))
