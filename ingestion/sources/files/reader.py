"""CSV files to pages of typed lines, in one pass and bounded memory.

Every data row of a file ends up in a page, in the quarantine, or among those that the feed skips,
never nowhere.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingestion.errors import SourceError
from ingestion.quarantine import Quarantine, RejectedRow
from ingestion.sources.files import guessing
from ingestion.sources.files.opening import open_text
from ingestion.sources.files.parsing import BadFieldError, RowParser, SpendParser
from ingestion.sources.files.rows import Row, read_rows
from ingestion.sources.files.schema import MARKETING_SPEND, ORDER_LINES
from warehouse.companies import Company, FileFeed, SpendFeed

PAGE_ROWS = 50_000

#: Rows from which decimal marks and date formats are guessed, where a feed leaves them to that.
GUESSED_ROWS = 2_000

Feed = FileFeed | SpendFeed


@dataclass
class FeedTotals:
    """What was read of one feed, counted while it is read.

    Attributes:
        files: The files, in the order in which they were read.
        formats: How each of them was read, and what of that was guessed.
        landed_rows: Rows that became lines.
        rejected_rows: Rows that went to quarantine.
        skipped_rows: Rows that the feed leaves out.
        amounts: Sum of the landed amounts by currency.
    """

    files: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    landed_rows: int = 0
    rejected_rows: int = 0
    skipped_rows: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """All data rows of the files."""
        return self.landed_rows + self.rejected_rows + self.skipped_rows


@dataclass(frozen=True)
class FileFormat:
    """How one file is to be read.

    Attributes:
        encoding: Of its text.
        delimiter: Between its fields.
        guessed: Which of the two the feed left open.
    """

    encoding: str
    delimiter: str
    guessed: tuple[str, ...]

    def __str__(self) -> str:
        named = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "pipe"}
        delimiter = named.get(self.delimiter, repr(self.delimiter))
        guessed = f" (guessed: {', '.join(self.guessed)})" if self.guessed else ""
        return f"{self.encoding}, {delimiter}{guessed}"


def find_files(company: Company, feed: Feed, folder: Path) -> list[Path]:
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


def name_of(path: Path, folder: Path) -> str:
    """Returns what a file is called in the warehouse and in messages."""
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def file_format(path: Path, name: str, feed: Feed) -> FileFormat:
    """Settles how a file is read: what the feed says goes before what the bytes say.

    Files of one feed are looked at one by one: one of them may have been saved anew elsewhere.

    Args:
        path: The file.
        name: What errors call it.
        feed: How it is mapped.

    Raises:
        SourceError: The file can't be read.
    """
    guessed = []
    encoding, delimiter = feed.encoding, feed.delimiter
    if encoding is None:
        encoding = guessing.guess_encoding(*guessing.sample(path, name))
        guessed.append("encoding")
    if delimiter is None:
        expected = [*feed.columns.values(), *feed.skip]
        delimiter = guessing.guess_delimiter(_first_line(path, name, encoding), expected)
        guessed.append("delimiter")
    return FileFormat(encoding, delimiter, tuple(guessed))


def _first_line(path: Path, name: str, encoding: str) -> str:
    with open_text(path, name, encoding) as file:
        return file.readline(guessing.SAMPLE_BYTES)


def read_feed(
    company: Company, feed: Feed, folder: Path, totals: FeedTotals, quarantine: Quarantine
) -> Iterator[pa.Table]:
    """Reads all files of a feed.

    Args:
        company: Whose feed it is.
        feed: How the files are mapped.
        folder: What a relative path starts from.
        totals: Counted up while the pages are read.
        quarantine: Takes the rows that can't be read.

    Yields:
        Tables of `schema.ORDER_LINES`, or of `schema.MARKETING_SPEND`, at most `PAGE_ROWS` rows
        each.

    Raises:
        SourceError: A file or a mapped column is missing, a file can't be read, or there is no
            row that could land (which would empty the warehouse).
    """
    schema = ORDER_LINES if isinstance(feed, FileFeed) else MARKETING_SPEND
    settled: Feed | None = None
    for path in find_files(company, feed, folder):
        name = name_of(path, folder)
        how = file_format(path, name, feed)
        settled = settled or _settled(path, name, company, feed, how, totals)
        totals.files.append(name)
        totals.formats.append(f"{name}: {how}")
        lines: list[dict[str, Any]] = []
        for line in _read_file(path, name, company, settled, how, totals, quarantine):
            lines.append(line)
            if len(lines) == PAGE_ROWS:
                yield pa.Table.from_pylist(lines, schema=schema)
                lines = []
        if lines:
            yield pa.Table.from_pylist(lines, schema=schema)
    if totals.landed_rows == 0:
        raise SourceError(
            f"{', '.join(totals.files)}: not one of {totals.rows} rows can be read, of which "
            f"{totals.skipped_rows} are left out, so what was loaded before is kept."
            f"{quarantine.examples()}"
        )


def settle(company: Company, feed: Feed, folder: Path) -> Feed:
    """Returns the feed with the guesses that a load of it makes.

    Raises:
        SourceError: As `read_feed`.
    """
    path = find_files(company, feed, folder)[0]
    name = name_of(path, folder)
    return _settled(path, name, company, feed, file_format(path, name, feed), FeedTotals())


def _settled(
    path: Path, name: str, company: Company, feed: Feed, how: FileFormat, totals: FeedTotals
) -> Feed:
    """Guesses decimal mark and date format from a feed's first rows, where it asks for that."""
    if feed.decimal != "auto" and feed.date_format != "auto":
        return feed
    plain = feed.model_copy(update={"decimal": ".", "date_format": None})
    rows = [
        dict(zip(parser.header, row.fields, strict=False))
        for row, parser in islice(_rows(path, name, company, plain, how), GUESSED_ROWS)
        if row.broken is None
    ]

    def values(*columns: str) -> list[str]:
        headers = [feed.columns[name] for name in columns if name in feed.columns]  # type: ignore[index]
        return [row[header] for row in rows for header in headers if row.get(header, "").strip()]

    update: dict[str, Any] = {}
    if feed.decimal == "auto":
        decimal, thousands = guessing.guess_decimal(values("amount", "unit_price"))
        if decimal is None:
            raise SourceError(
                f"{name}: the first amounts don't say whether the decimal mark is a point or a "
                f"comma. Set decimal of feed {feed.feed}, company {company.id}, in companies.yml."
            )
        update = {"decimal": decimal, "thousands": feed.thousands or thousands}
    if feed.date_format == "auto":
        formats = guessing.guess_date_formats(values("order_date", "ordered_at", "date"))
        if not formats or guessing.is_ambiguous(formats):
            wrong = "could be day or month first" if formats else "are of no format that is known"
            raise SourceError(
                f"{name}: the first dates {wrong}. Set date_format of feed {feed.feed}, company "
                f"{company.id}, in companies.yml (such as '%d/%m/%Y')."
            )
        update["date_format"] = formats[0]
    totals.formats.extend(
        f"{feed.feed}: {key} {value!r} (guessed)" for key, value in update.items()
    )
    return feed.model_copy(update=update)


def _read_file(
    path: Path,
    name: str,
    company: Company,
    feed: Feed,
    how: FileFormat,
    totals: FeedTotals,
    quarantine: Quarantine,
) -> Iterator[dict[str, Any]]:
    key = {"company_id": company.id, "feed": feed.feed, "source_file": name}
    for row, parser in _rows(path, name, company, feed, how):
        try:
            if row.broken is not None:
                raise BadFieldError("(row)", row.broken)
            line = parser.parse(row.fields)
        except BadFieldError as error:
            totals.rejected_rows += 1
            quarantine.add(
                RejectedRow(name, row.line_number, error.column, error.reason, _raw(parser, row))
            )
            continue
        if line is None:
            totals.skipped_rows += 1
            continue
        totals.landed_rows += 1
        currency = line["currency"]
        totals.amounts[currency] = totals.amounts.get(currency, Decimal(0)) + line["amount"]
        yield key | {"line_number": row.line_number} | line


def _rows(
    path: Path, name: str, company: Company, feed: Feed, how: FileFormat
) -> Iterator[tuple[Row, RowParser | SpendParser]]:
    """Yields every data row with the parser that the header calls for."""
    readable: Feed = feed.model_copy(update={"encoding": how.encoding})
    with open_text(path, name, how.encoding) as file:
        rows = read_rows(file, how.delimiter)
        first = next(rows, None)
        header = tuple(column.strip() for column in first.fields) if first else ()
        parser: RowParser | SpendParser
        try:
            if first is not None and first.broken is not None:
                raise ValueError(first.broken)
            if isinstance(readable, FileFeed):
                parser = RowParser.for_header(company, readable, header)
            else:
                parser = SpendParser.for_header(company, readable, header)
        except ValueError as error:
            line = first.line_number if first else 1
            raise SourceError(f"{name}, line {line}: {error}.") from None
        for row in rows:
            yield row, parser


def _raw(parser: RowParser | SpendParser, row: Row) -> dict[str, Any]:
    """The row as it stands in the file; what the header doesn't name is under "(more)"."""
    readable = [text.encode("utf-8", "backslashreplace").decode() for text in row.fields]
    readable = [text.replace("\x00", "\\x00") for text in readable]
    if row.broken is not None:
        return {"(line)": readable[0]}
    raw: dict[str, Any] = dict(zip(parser.header, readable, strict=False))
    if len(readable) > len(parser.header):
        raw["(more)"] = readable[len(parser.header) :]
    return raw
