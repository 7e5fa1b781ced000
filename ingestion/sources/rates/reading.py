"""Files of exchange rates to typed pages: the ECB's wide form, and long forms with a row a rate.

Belongs here: what a file of rates looks like. Does not belong here: where it comes from
(`__init__.py`), and filling the days without a rate (dbt).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingestion.errors import SourceError
from ingestion.once import Once
from ingestion.quarantine import Quarantine, RejectedRow
from ingestion.sources.files.dates import cached_date
from ingestion.sources.files.guessing import SAMPLE_BYTES, guess_delimiter
from ingestion.sources.files.opening import is_marked, open_text
from ingestion.sources.files.rows import Row, read_rows
from warehouse.currencies import minor_units

PAGE_ROWS = 20_000

EXCHANGE_RATES = pa.schema(
    [
        pa.field("rate_date", pa.date32(), nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("units_per_eur", pa.decimal128(38, 18), nullable=False),
        pa.field("source", pa.string(), nullable=False),
    ]
)

#: The first day of the euro.
EARLIEST_DATE = date(1999, 1, 1)

#: Currencies that the ECB's history holds and that are no more: no amount can be in one of them.
WITHDRAWN = frozenset(["CYP", "EEK", "GRD", "HRK", "LTL", "LVL", "MTL", "ROL", "SIT", "SKK", "TRL"])

#: Headers of the columns of long forms: plain ones, and those of the ECB's data portal.
_DATES = ("date", "rate_date", "time_period")
_CURRENCIES = ("currency",)
_RATES = ("units_per_eur", "obs_value", "rate")
_BASES = ("currency_denom",)
_SOURCES = ("source",)

_RATE = re.compile(r"\d{1,12}(\.\d{1,18})?", re.ASCII)

#: The ECB writes days by ISO 8601 in its history, and so in the file of the last day.
_DATE_FORMATS = (None, "%d %B %Y")


@dataclass
class RateTotals:
    """What was read of the rates, counted while it is read.

    Attributes:
        landed_rows: Rates that landed.
        rejected_rows: Rates, or whole rows, that went to quarantine.
        withdrawn_rows: Rates of currencies that are no more.
        last_date: The newest day with a rate.
        currencies: Those that have a rate.
    """

    landed_rows: int = 0
    rejected_rows: int = 0
    withdrawn_rows: int = 0
    last_date: date | None = None
    currencies: set[str] = field(default_factory=set)


class _BadRateError(ValueError):
    """A rate can't be read.

    Attributes:
        column: Header of the field at fault.
    """

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


def read_rates(
    path: Path, name: str, source: str, totals: RateTotals, quarantine: Quarantine
) -> Iterator[pa.Table]:
    """Reads a file of rates, compressed or not.

    Args:
        path: The file.
        name: What errors and the quarantine call it.
        source: Where a rate comes from, unless a column of the file says so.
        totals: Counted up while the pages are read.
        quarantine: Takes what can't be read.

    Yields:
        Tables of `EXCHANGE_RATES`, each day and currency once.

    Raises:
        SourceError: The file can't be read, isn't one of rates, or holds none that can be read.
    """
    once = Once()
    lines: list[dict[str, Any]] = []
    codes = sorted(minor_units())
    for row, header, fields in _cells(path, name):
        try:
            line = _line(fields, source)
            if line is None:
                totals.withdrawn_rows += 1
                continue
            number = line["rate_date"].toordinal() * len(codes) + codes.index(line["currency"])
            if not once.first([number])[0]:
                raise _BadRateError(line["currency"], "this day has a rate already: take one out")
        except _BadRateError as error:
            totals.rejected_rows += 1
            raw = dict(zip(header, _readable(row.fields), strict=False))
            quarantine.add(RejectedRow(name, row.line_number, error.column, str(error), raw))
            continue
        totals.landed_rows += 1
        totals.currencies.add(line["currency"])
        totals.last_date = max(totals.last_date or line["rate_date"], line["rate_date"])
        lines.append(line)
        if len(lines) == PAGE_ROWS:
            yield pa.Table.from_pylist(lines, schema=EXCHANGE_RATES)
            lines = []
    if lines:
        yield pa.Table.from_pylist(lines, schema=EXCHANGE_RATES)
    if totals.landed_rows == 0:
        raise SourceError(
            f"{name}: not one rate can be read, so what was loaded before is kept."
            f"{quarantine.examples()}"
        )


@dataclass(frozen=True)
class _Cell:
    """One rate as it is written.

    Attributes:
        day: Its day, or None where the row as a whole can't be read.
        currency: Code of the currency.
        rate: Units for one euro.
        source: Where it comes from; empty without a column of it.
        columns: Headers of day, currency and rate.
        broken: Why the row can't be read.
    """

    day: str
    currency: str
    rate: str
    source: str
    columns: tuple[str, str, str]
    broken: str | None = None


def _line(cell: _Cell, source: str) -> dict[str, Any] | None:
    """Reads one rate; None where its currency is no more.

    Raises:
        _BadRateError: It can't be read.
    """
    if cell.broken is not None:
        raise _BadRateError("(row)", cell.broken)
    day_column, currency_column, rate_column = cell.columns
    currency = cell.currency.upper()
    if currency in WITHDRAWN:
        return None
    if currency not in minor_units():
        raise _BadRateError(currency_column, f"{cell.currency!r} is not an ISO 4217 currency code")
    day = _day(cell.day, day_column)
    if not _RATE.fullmatch(cell.rate) or Decimal(cell.rate) == 0:
        raise _BadRateError(
            rate_column, f"{cell.rate!r} is not a rate: write a number above 0, such as 1.0842"
        )
    if currency == "EUR" and Decimal(cell.rate) != 1:
        raise _BadRateError(rate_column, "one euro is 1 EUR: rates are units for one euro")
    return {
        "rate_date": day,
        "currency": currency,
        "units_per_eur": Decimal(cell.rate),
        "source": cell.source or source,
    }


def _day(text: str, column: str) -> date:
    for date_format in _DATE_FORMATS:
        try:
            day = cached_date(text, date_format)
        except ValueError:
            continue
        if EARLIEST_DATE <= day <= datetime.now(UTC).date() + timedelta(days=1):
            return day
        raise _BadRateError(column, f"{day} is not between {EARLIEST_DATE} and tomorrow")
    raise _BadRateError(column, f"{text!r} is not a day such as 2026-06-30")


def _cells(path: Path, name: str) -> Iterator[tuple[Row, list[str], _Cell]]:
    """Yields every rate of a file, with the row and the header that it stands in."""
    with open_text(path, name, "utf-8") as file:
        delimiter = guess_delimiter(file.readline(SAMPLE_BYTES))
    with open_text(path, name, "utf-8") as file:
        rows = read_rows(file, delimiter)
        first = next(rows, None)
        header = [column.strip() for column in first.fields] if first else []
        # The ECB ends each row with a comma.
        while header and not header[-1]:
            header.pop()
        lowered = [column.lower() for column in header]
        if len(set(lowered)) != len(lowered):
            raise SourceError(f"{name}, line 1: a column is there twice.")
        split = _long(header, lowered) or _wide(header, lowered)
        if split is None:
            raise SourceError(
                f"{name} holds no exchange rates that are known: its header has to be Date,USD,… "
                "or date,currency,units_per_eur."
            )
        for row in rows:
            fields = [field.strip() for field in row.fields]
            while len(fields) > len(header) and not fields[-1]:
                fields.pop()
            broken = row.broken
            if broken is None and len(fields) != len(header):
                broken = f"the row has {len(fields)} fields, the header {len(header)}"
            if broken is None and any(map(is_marked, fields)):
                broken = "it holds bytes that are not utf-8 text"
            if broken is not None:
                yield row, header, _Cell("", "", "", "", ("", "", ""), broken)
                continue
            for cell in split(fields):
                yield row, header, cell


def _long(header: Sequence[str], lowered: Sequence[str]) -> Any:
    """Returns what reads a row of a long form, None where the header isn't of one."""

    def place(names: Sequence[str]) -> int | None:
        return next((lowered.index(name) for name in names if name in lowered), None)

    day, currency, rate = place(_DATES), place(_CURRENCIES), place(_RATES)
    if day is None or currency is None or rate is None:
        return None
    base, source = place(_BASES), place(_SOURCES)
    columns = (header[day], header[currency], header[rate])

    def split(fields: list[str]) -> Iterator[_Cell]:
        foreign = base is not None and fields[base] != "EUR"
        yield _Cell(
            fields[day],
            fields[currency],
            fields[rate],
            fields[source] if source is not None else "",
            columns,
            "it isn't a rate of the euro" if foreign else None,
        )

    return split


def _wide(header: Sequence[str], lowered: Sequence[str]) -> Any:
    """Returns what reads a row of a wide form, None where the header isn't of one."""
    if len(header) < 2 or lowered[0] not in _DATES:
        return None
    if not any(column in minor_units() for column in header[1:]):
        return None

    def split(fields: list[str]) -> Iterator[_Cell]:
        for column, rate in zip(header[1:], fields[1:], strict=True):
            # The ECB writes N/A where it set no rate.
            if rate and rate.upper() != "N/A":
                yield _Cell(fields[0], column, rate, "", (header[0], column, column))

    return split


def _readable(fields: Sequence[str]) -> list[str]:
    return [
        text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
        for text in fields
    ]
