"""Counts a feed's files again, by another parser, to compare with what landed."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from ingestion.sources.files.reader import find_files
from warehouse.companies import Company, FileFeed


@dataclass(frozen=True)
class FeedCount:
    """What stands in the files of a feed.

    Attributes:
        rows: All data rows, readable or not.
        amount: Sum of every amount that is a number.
    """

    rows: int
    amount: Decimal


def to_amount(text: str | None, decimal_mark: str) -> Decimal:
    """Reads an amount as plainly as can be: 0 where it isn't a finite number."""
    try:
        amount = Decimal((text or "").strip().replace(decimal_mark, "."))
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)


def count_feed(company: Company, feed: FileFeed, folder: Path) -> FeedCount:
    """Counts the rows and adds up the amounts of a feed's files.

    Shares no code with the reader but the list of files, so that one misreading can't pass twice.

    Args:
        company: Whose feed it is.
        feed: How the files are mapped.
        folder: What a relative path starts from.

    Returns:
        Rows and amount over all files.

    Raises:
        SourceError: There is no file.
    """
    rows, amount = 0, Decimal(0)
    for path in find_files(company, feed, folder):
        odd_rows = 0

        def skip(_: Any) -> str:
            nonlocal odd_rows
            odd_rows += 1
            return "skip"

        header = _header_as_written(path, feed, feed.columns["amount"])
        reader = pa.csv.open_csv(
            path,
            read_options=pa.csv.ReadOptions(encoding=feed.encoding, use_threads=False),
            parse_options=pa.csv.ParseOptions(
                delimiter=feed.delimiter, newlines_in_values=True, invalid_row_handler=skip
            ),
            convert_options=pa.csv.ConvertOptions(
                include_columns=[header],
                column_types={header: pa.string()},
                strings_can_be_null=False,
            ),
        )
        for batch in reader:
            rows += batch.num_rows
            for text in batch.column(0).to_pylist():
                amount += to_amount(text, feed.decimal)
        rows += odd_rows
    return FeedCount(rows, amount)


def _header_as_written(path: Path, feed: FileFeed, name: str) -> str:
    """Returns a header with the blanks around it that the mapping leaves out."""
    with path.open(encoding=feed.encoding, newline="") as file:
        written = next(csv.reader(file, delimiter=feed.delimiter))
    return next(header for header in written if header.strip().lstrip("\ufeff") == name)
