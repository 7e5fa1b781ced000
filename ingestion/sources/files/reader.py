"""CSV files to pages of typed lines, in one pass and bounded memory.

Every data row of a file ends up in a page or in the quarantine, never nowhere.
"""

from __future__ import annotations

import csv
import glob
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingestion.errors import SourceError
from ingestion.quarantine import Quarantine, RejectedRow
from ingestion.sources.files.parsing import BadFieldError, RowParser
from ingestion.sources.files.schema import ORDER_LINES
from warehouse.companies import Company, FileFeed

PAGE_ROWS = 50_000

# The default of 128 KiB would make a long note in an unmapped column an error.
csv.field_size_limit(16 * 1024 * 1024)


@dataclass
class FeedTotals:
    """What was read of one feed, counted while it is read.

    Attributes:
        files: The files, in the order in which they were read.
        landed_rows: Rows that became lines.
        rejected_rows: Rows that went to quarantine.
        amounts: Sum of the landed amounts by currency.
    """

    files: list[str] = field(default_factory=list)
    landed_rows: int = 0
    rejected_rows: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """All data rows of the files."""
        return self.landed_rows + self.rejected_rows


def find_files(company: Company, feed: FileFeed, folder: Path) -> list[Path]:
    """Finds the files of a feed.

    Args:
        company: Whose feed it is.
        feed: Gives the path or pattern.
        folder: What a relative path starts from: the folder of companies.yml.

    Returns:
        The files, sorted by name.

    Raises:
        SourceError: There is none.
    """
    pattern = str(folder / feed.path)
    found = sorted(Path(name) for name in glob.glob(pattern, recursive=True))  # noqa: PTH207
    files = [path for path in found if path.is_file()]
    if not files:
        raise SourceError(
            f"{pattern} is missing. Put the file there, or correct the path of feed {feed.feed}, "
            f"company {company.id}, in companies.yml."
        )
    return files


def read_feed(
    company: Company, feed: FileFeed, folder: Path, totals: FeedTotals, quarantine: Quarantine
) -> Iterator[pa.Table]:
    """Reads all files of a feed.

    Args:
        company: Whose feed it is.
        feed: How the files are mapped.
        folder: What a relative path starts from.
        totals: Counted up while the pages are read.
        quarantine: Takes the rows that can't be read.

    Yields:
        Tables of `schema.ORDER_LINES`, at most `PAGE_ROWS` rows each.

    Raises:
        SourceError: A file or a mapped column is missing, a file can't be read, or there is no
            row that could land (which would empty the warehouse).
    """
    for path in find_files(company, feed, folder):
        name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
        totals.files.append(name)
        lines: list[dict[str, Any]] = []
        for line in _read_file(path, name, company, feed, totals, quarantine):
            lines.append(line)
            if len(lines) == PAGE_ROWS:
                yield pa.Table.from_pylist(lines, schema=ORDER_LINES)
                lines = []
        if lines:
            yield pa.Table.from_pylist(lines, schema=ORDER_LINES)
    if totals.landed_rows == 0:
        raise SourceError(
            f"{', '.join(totals.files)}: not one of {totals.rows} rows can be read, so what was "
            f"loaded before is kept.{quarantine.examples()}"
        )


def _read_file(
    path: Path,
    name: str,
    company: Company,
    feed: FileFeed,
    totals: FeedTotals,
    quarantine: Quarantine,
) -> Iterator[dict[str, Any]]:
    key = {"company_id": company.id, "feed": feed.feed, "source_file": name}
    for line_number, fields, parser, broken in _rows(path, name, company, feed):
        try:
            if broken is not None:
                raise BadFieldError("(row)", broken)
            line = parser.parse(fields)
        except BadFieldError as error:
            totals.rejected_rows += 1
            quarantine.add(
                RejectedRow(name, line_number, error.column, error.reason, _raw(parser, fields))
            )
            continue
        totals.landed_rows += 1
        currency = line["currency"]
        totals.amounts[currency] = totals.amounts.get(currency, Decimal(0)) + line["amount"]
        yield key | {"line_number": line_number} | line


def _rows(
    path: Path, name: str, company: Company, feed: FileFeed
) -> Iterator[tuple[int, list[str], RowParser, str | None]]:
    """Yields every data row with its line number and, where csv gave up on it, why."""
    encoding = "utf-8-sig" if feed.encoding.lower().replace("_", "-") == "utf-8" else feed.encoding
    try:
        with path.open(encoding=encoding, errors="surrogateescape", newline="") as file:
            reader = csv.reader(_without_nul(file), delimiter=feed.delimiter)
            header = tuple(column.strip() for column in next(reader, []))
            try:
                parser = RowParser.for_header(company, feed, header)
            except ValueError as error:
                raise SourceError(f"{name}, line 1: {error}.") from None
            while True:
                line_number = reader.line_num + 1
                try:
                    fields = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield line_number, [], parser, f"{error}: look for a quote that never ends"
                    continue
                if fields:
                    yield line_number, fields, parser, None
    except (OSError, UnicodeError) as error:
        raise SourceError(f"{name} can't be read: {error}") from None


def _without_nul(lines: Iterable[str]) -> Iterator[str]:
    """Marks NUL bytes as undecodable: Python 3.11's csv stops at them, later ones don't."""
    for line in lines:
        yield line.replace("\x00", "\udc00") if "\x00" in line else line


def _raw(parser: RowParser, fields: list[str]) -> dict[str, Any]:
    """The row as it stands in the file; what the header doesn't name is under "(more)"."""
    readable = [text.encode("utf-8", "backslashreplace").decode() for text in fields]
    row: dict[str, Any] = dict(zip(parser.header, readable, strict=False))
    if len(readable) > len(parser.header):
        row["(more)"] = readable[len(parser.header) :]
    return row
