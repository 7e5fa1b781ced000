"""Rows that can't be read, kept with their reason in quarantine.rejected_rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
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
        source_file: Where it stands.
        line_number: Line of the file on which the row starts; the header is line 1.
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
        return f"{self.source_file}, line {self.line_number}, {self.column_name}: {self.reason}"


class Quarantine(AbstractContextManager["Quarantine"]):
    """Collects the rejected rows of one feed on disk, so that a bad file can't fill the memory."""

    def __init__(self, company_id: str, source: str, feed: str) -> None:
        self.key = {"company_id": company_id, "source": source, "feed": feed}
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

    def add(self, row: RejectedRow) -> None:
        """Takes one row."""
        self.rows += 1
        if len(self.first) < EXAMPLES:
            self.first.append(row)
        self._spool.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")

    def examples(self) -> str:
        """The first rejected rows as text for a message, empty without any."""
        return "".join(f"\n  {row}" for row in self.first)

    def replace(self) -> None:
        """Writes the rows to the warehouse in place of those of the feed's last load."""
        from warehouse.bulk import replace_rows
        from warehouse.connection import connect

        with connect() as connection:
            replace_rows(
                connection,
                "quarantine.rejected_rows",
                where=self.key,
                columns=COLUMNS,
                rows=self._tuples(),
            )

    def _tuples(self) -> Iterator[tuple[Any, ...]]:
        rejected_at = datetime.now(UTC)
        self._spool.seek(0)
        for line in self._spool:
            row = json.loads(line)
            yield (
                *self.key.values(),
                row["source_file"],
                row["line_number"],
                row["column_name"],
                row["reason"],
                json.dumps(row["raw_row"], ensure_ascii=False),
                rejected_at,
            )
