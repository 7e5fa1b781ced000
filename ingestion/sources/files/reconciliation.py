"""Counts a feed's files again, by other code, to compare with what landed.

Shares with the reader only the list of files and how they are opened and decoded, so that one
misreading can't pass twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO

from psycopg import sql

from ingestion.sources.files.opening import open_text
from ingestion.sources.files.reader import Feed, file_format, find_files, name_of, settle
from ingestion.sources.files.rows import LONGEST_ROW
from warehouse.companies import Company, FileFeed, SpendFeed

_CHUNK = 4 * LONGEST_ROW

_CENT = Decimal("0.0001")

_LIMIT = Decimal(10) ** 15

#: How a byte that couldn't be decoded, or NUL, stands in the quarantine.
_ESCAPED = re.compile(r"\\udc[0-9a-f]{2}|\\x00")


@dataclass(frozen=True)
class FeedCount:
    """What stands in the files of a feed.

    Attributes:
        rows: All data rows, readable or not, but for those that the feed leaves out.
        amount: Sum of every amount that is a number.
    """

    rows: int
    amount: Decimal


@dataclass(frozen=True)
class Comparison:
    """What a comparison of one feed found.

    Attributes:
        in_files: What the files hold.
        differences: A line for each figure that doesn't agree.
    """

    in_files: FeedCount
    differences: tuple[str, ...]


def to_amount(text: str | None, decimal_mark: str) -> Decimal:
    """Reads an amount as plainly as can be: its digits and marks, and whether a minus is there.

    Returns:
        The amount, rounded to 4 decimals; 0 where it isn't a number below 10^15.
    """
    written = _ESCAPED.sub("", text or "")
    digits = re.search(r"[0-9](?:.*[0-9])?", written, re.DOTALL)
    plain = re.sub(f"[^0-9{re.escape(decimal_mark)}]", "", digits.group() if digits else "")
    try:
        amount = Decimal(plain.replace(decimal_mark, "."))
    except InvalidOperation:
        return Decimal(0)
    if amount >= _LIMIT:
        return Decimal(0)
    return (-amount if re.search(r"[(\-−]", written) else amount).quantize(_CENT)


def count_feed(company: Company, feed: Feed, folder: Path) -> FeedCount:
    """Counts the rows and adds up the amounts of a feed's files.

    Args:
        company: Whose feed it is.
        feed: How the files are mapped.
        folder: What a relative path starts from.

    Returns:
        Rows and amount over all files.

    Raises:
        SourceError: There is no file, or it can't be read.
    """
    feed = settle(company, feed, folder)
    rows, amount = 0, Decimal(0)
    for path in find_files(company, feed, folder):
        name = name_of(path, folder)
        how = file_format(path, name, feed)
        with open_text(path, name, how.encoding) as file:
            records = _records(file, how.delimiter)
            header = [field.strip() for field in next(records, None) or []]
            left_out: tuple[str, bool] = ("", False)
            for fields in records:
                row = dict(zip(header, fields, strict=False)) if fields is not None else {}
                whole = fields is not None and len(fields) == len(header)
                if whole:
                    order = row.get(feed.columns.get("order_id", ""), "").strip()  # type: ignore[call-overload]
                    states = "".join(row[header].strip() for header in feed.skip)
                    # An order's status may stand on its first line only.
                    if states or not order or order != left_out[0]:
                        left_out = (order, _is_left_out(row, feed, company))
                    if left_out[1]:
                        continue
                rows += 1
                if whole:
                    amount += row_amount(row, feed)
    return FeedCount(rows, amount)


def row_amount(row: dict[str, str], feed: Feed) -> Decimal:
    """Reads the amount of a row, by header, as plainly as can be."""

    def read(column: str) -> Decimal:
        return to_amount(row.get(feed.columns[column]), feed.decimal)  # type: ignore[index]

    refunded = abs(read("refunded")) if "refunded" in feed.columns else Decimal(0)
    if "amount" in feed.columns:
        return read("amount") - refunded
    product = read("unit_price") * read("quantity")
    return (product.quantize(_CENT) if abs(product) < _LIMIT else Decimal(0)) - refunded


def _is_left_out(row: dict[str, str], feed: Feed, company: Company) -> bool:
    for header, values in feed.skip.items():
        if row[header].strip().casefold() in {value.strip().casefold() for value in values}:
            return True
    if isinstance(feed, SpendFeed) and "company" in feed.columns:
        return row[feed.columns["company"]].strip() not in {"", company.id}
    return False


def _records(file: IO[str], delimiter: str) -> Iterator[list[str] | None]:
    """Yields the rows of a text by regular expression; None for one whose quotes are wrong."""
    d = re.escape(delimiter)
    quoted_text = r'[^"]*+(?:""[^"]*+)*+'
    field = rf'(?:"{quoted_text}"|[^"{d}\r\n][^{d}\r\n]*+|)'
    record = re.compile(rf"{field}(?:{d}{field})*+(?=\r|\n|\Z)")
    part = re.compile(rf'(?:\A|(?<={d}))(?:"({quoted_text})"|([^{d}]*+))(?={d}|\Z)')
    line_end = re.compile(r"\r\n|\r|\n")
    text, start, done = "", 0, False
    while not done or start < len(text):
        if not done and len(text) - start < 2 * LONGEST_ROW:
            more = file.read(_CHUNK)
            text, start, done = text[start:] + more, 0, not more
            continue
        found = record.match(text, start)
        if found is not None and found.end() - start < LONGEST_ROW:
            if found.end() > start:
                yield [
                    quoted.replace('""', '"') if quoted else plain
                    for quoted, plain in part.findall(found.group())
                ]
            end = line_end.match(text, found.end())
        else:
            yield None
            end = line_end.search(text, start)
        while end is None and not done:
            # The rest of a line that is longer than any row.
            text = text[-1:] + file.read(_CHUNK)
            done = len(text) <= 1
            end = line_end.search(text, 1)
        start = end.end() if end else len(text)


def compare_feed(company: Company, feed: Feed, folder: Path, table: str) -> Comparison:
    """Compares the files of a feed with what landed of them.

    Args:
        company: Whose feed it is.
        feed: How the files are mapped.
        folder: What a relative path starts from.
        table: Of raw_files, in which the feed lands.

    Returns:
        Rows and amount, landed or in quarantine, beside those of the files.

    Raises:
        SourceError: As `count_feed`.
    """
    from warehouse.connection import connect

    in_files = count_feed(company, feed, folder)
    settled = settle(company, feed, folder)
    with connect() as connection:
        landed = connection.execute(
            sql.SQL(
                "select count(*), coalesce(sum(amount), 0) from {}"
                " where company_id = %s and feed = %s"
            ).format(sql.Identifier("raw_files", table)),
            (company.id, feed.feed),
        ).fetchone()
        rejected = connection.execute(
            "select column_name, raw_row from quarantine.rejected_rows"
            " where company_id = %s and source = 'files' and feed = %s",
            (company.id, feed.feed),
        ).fetchall()
    landed_rows, landed_amount = landed or (0, Decimal(0))
    rejected_amount = sum(
        (row_amount(raw, settled) for column, raw in rejected if column != "(row)"), Decimal(0)
    )
    differences = []
    if landed_rows + len(rejected) != in_files.rows:
        differences.append(
            f"feed {feed.feed}: {in_files.rows} rows in the files, {landed_rows} landed and "
            f"{len(rejected)} in quarantine"
        )
    if landed_amount + rejected_amount != in_files.amount:
        differences.append(
            f"feed {feed.feed}: the files add up to {in_files.amount}, what landed to "
            f"{landed_amount} and the quarantine to {rejected_amount}"
        )
    return Comparison(in_files, tuple(differences))


def feeds_of(company: Company, table: str) -> tuple[FileFeed, ...] | tuple[SpendFeed, ...]:
    """Returns the feeds of a company that land in a table of raw_files."""
    return company.sources.files if table == "order_lines" else company.sources.spend
