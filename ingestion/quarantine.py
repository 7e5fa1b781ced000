"""Rows that can't be read, kept with their reason in quarantine.rejected_rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Self

EXAMPLES = 5

COLUMNS = (
    "company_id",
    "source",
    "feed",
    "source_file",
    "line_number",
    "column_name",
    "reason",
    "raw_row",
    "rejected_at",
)


@dataclass(frozen=True)
class RejectedRow:
    """One row that didn't land.

    Attributes:
        source_file: Where it stands: a file's name, or the id of an API's object.
        line_number: Line of the file on which the row starts; the header is line 1. 0 without one.
        column_name: Header of the field at fault, or "(row)".
        reason: What is wrong and what to do.
        raw_row: The row as it was found, by header.
    """

    source_file: str
    line_number: int
    column_name: str
    reason: str
    raw_row: dict[str, Any]

    def __str__(self) -> str:
        line = f", line {self.line_number}" if self.line_number else ""
        return f"{self.source_file}{line}, {self.column_name}: {self.reason}"


class _Spool:
    """Rejected rows on disk, so that a bad load can't fill the memory."""

    def __init__(self, company_id: str, source: str) -> None:
        self.company_id = company_id
        self.source = source
        self.rows = 0
        self.first: list[RejectedRow] = []
        self._spool = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._spool.close()

    def examples(self) -> str:
        """The first rejected rows as text for a message, empty without any."""
        return "".join(f"\n  {row}" for row in self.first)

    def _write(self, feed: str, row: RejectedRow) -> None:
        self.rows += 1
        if len(self.first) < EXAMPLES:
            self.first.append(row)
        line = {"feed": feed} | vars(row)
        self._spool.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _tuples(self) -> Iterator[tuple[Any, ...]]:
        """The rows in the order of `COLUMNS`."""
        rejected_at = datetime.now(UTC)
        self._spool.seek(0)
        for line in self._spool:
            row = json.loads(line)
            yield (
                self.company_id,
                self.source,
                row["feed"],
                row["source_file"],
                row["line_number"],
                row["column_name"],
                row["reason"],
                json.dumps(row["raw_row"], ensure_ascii=False),
                rejected_at,
            )


class Quarantine(_Spool):
    """The rejected rows of one feed, which each load reads as a whole."""

    def __init__(
        self,
        company_id: str,
        source: str,
        feed: str,
        tidied: Callable[[RejectedRow], RejectedRow] = lambda row: row,
    ) -> None:
        """Opens it.

        Args:
            company_id: Whose feed it is.
            source: Name of the source.
            feed: Name of the feed.
            tidied: What of a row may be kept.
        """
        super().__init__(company_id, source)
        self.feed = feed
        self._tidied = tidied

    def add(self, row: RejectedRow) -> None:
        """Takes one row."""
        self._write(self.feed, self._tidied(row))

    def replace(self) -> None:
        """Writes the rows to the warehouse in place of those of the feed's last load."""
        from warehouse.bulk import replace_rows
        from warehouse.connection import connect

        with connect() as connection:
            replace_rows(
                connection,
                "quarantine.rejected_rows",
                where={"company_id": self.company_id, "source": self.source, "feed": self.feed},
                columns=COLUMNS,
                rows=self._tuples(),
            )


class ObjectQuarantine(_Spool):
    """The rejected objects of an API, each kept until it is read again.

    A load reads only what changed, so what it doesn't read stays as it was. In the table,
    `source_file` holds the id of the object (of the parent, for what comes with one) and
    `line_number` is 0.
    """

    def __init__(self, company_id: str, source: str) -> None:
        super().__init__(company_id, source)
        self._known: set[str] = set()
        self._read_again: set[str] = set()

    def recall(self) -> None:
        """Looks up whose rows are in quarantine from earlier loads."""
        from warehouse.connection import connect

        with connect() as connection:
            found = connection.execute(
                "select distinct source_file from quarantine.rejected_rows"
                " where company_id = %s and source = %s",
                (self.company_id, self.source),
            )
            self._known = {name for (name,) in found}

    def read(self, ids: Iterable[str]) -> None:
        """Notes that objects were read: what was wrong with them before doesn't count any more."""
        if self._known:
            self._read_again.update(self._known.intersection(ids))

    def add(self, feed: str, row: RejectedRow) -> None:
        """Takes one object."""
        self._write(feed, row)

    def update(self) -> None:
        """Writes what was found since the last update to the warehouse, in one transaction.

        Has to happen before the load's state counts: what is written too early is read again.
        """
        from psycopg import sql

        from warehouse.connection import connect

        if not self.rows and not self._read_again:
            return
        with connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "delete from quarantine.rejected_rows"
                " where company_id = %s and source = %s and source_file = any(%s)",
                (self.company_id, self.source, list(self._read_again)),
            )
            statement = sql.SQL("copy quarantine.rejected_rows ({}) from stdin").format(
                sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
            )
            with cursor.copy(statement) as copy:
                for row in self._tuples():
                    copy.write_row(row)
                    self._known.add(row[COLUMNS.index("source_file")])
        self._read_again.clear()
        self._spool.seek(0)
        self._spool.truncate()
