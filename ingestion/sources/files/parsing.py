"""One CSV row to one typed line, or to the reason why not. Pure functions.

Belongs here: what a field may look like. Does not belong here: opening files (`reader.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from warehouse.companies import Company, FileColumn, FileFeed
from warehouse.currencies import minor_units

EARLIEST_DATE = date(1970, 1, 1)

_PLAIN_NUMBER = re.compile(r"[+-]?(\d{1,14})(\.\d+)?")


class BadFieldError(ValueError):
    """A field can't be read.

    Attributes:
        column: Header of the field in the file.
        reason: What is wrong and what to do.
    """

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"column {column}: {reason}")
        self.column = column
        self.reason = reason


def parse_amount(text: str, decimal_mark: str, *, rounded: bool = False) -> Decimal:
    """Reads an amount exactly.

    Args:
        text: Digits with an optional sign and decimal mark.
        decimal_mark: "." or ",".
        rounded: Whether more than 4 decimals, as programs write floats, are rounded.

    Returns:
        The amount, with at most 4 decimals.

    Raises:
        ValueError: It isn't a plain number below 10^14 with at most 4 decimals; the message says
            what to do.
    """
    plain = text.strip()
    if decimal_mark == ",":
        if "." in plain:
            raise ValueError(
                f"{text!r} has a point, but the feed's decimal mark is a comma: "
                "write 1234,50 without a thousands separator, or set decimal: '.'"
            )
        plain = plain.replace(",", ".")
    elif "," in plain:
        raise ValueError(
            f"{text!r} has a comma, but the feed's decimal mark is a point: "
            "write 1234.50 without a thousands separator, or set decimal: ','"
        )
    if not _PLAIN_NUMBER.fullmatch(plain) or not plain.isascii():
        raise ValueError(
            f"{text!r} is not a number below 10^14: write digits only, such as 1234{decimal_mark}50"
        )
    amount = Decimal(plain)
    exact = amount.quantize(Decimal("0.0001"))
    if exact != amount and not rounded:
        raise ValueError(f"{text!r} has more than 4 decimals: round it")
    return exact


def parse_date(text: str, date_format: str | None) -> date:
    """Reads a calendar day.

    Args:
        text: The day.
        date_format: strptime format; None reads ISO 8601 (2026-06-30).

    Raises:
        ValueError: It isn't a day of that format; the message says what to do.
    """
    plain = text.strip()
    try:
        if date_format is None:
            return date.fromisoformat(plain)
        return datetime.strptime(plain, date_format).date()
    except ValueError:
        raise ValueError(
            f"{text!r} is not a date of the form {date_format or 'YYYY-MM-DD'}: "
            "correct it, or set date_format"
        ) from None


def parse_timestamp(text: str, date_format: str | None, zone: ZoneInfo) -> datetime:
    """Reads a point in time; one without an offset is local to the zone.

    Args:
        text: The time.
        date_format: strptime format; None reads ISO 8601.
        zone: Time zone of the company.

    Returns:
        The time in UTC.

    Raises:
        ValueError: It isn't a time of that format; the message says what to do.
    """
    plain = text.strip()
    try:
        if date_format is None:
            moment = datetime.fromisoformat(plain)
        else:
            moment = datetime.strptime(plain, date_format)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is not a time of the form {date_format or 'YYYY-MM-DD HH:MM:SS'}: "
            "correct it, or set date_format"
        ) from None


@dataclass(frozen=True)
class RowParser:
    """Turns the fields of one file into lines.

    Attributes:
        company: Whose file it is.
        feed: How the file is mapped.
        header: The file's header.
        latest_date: The last day an order may have; later ones are typing errors that would move
            the company's as-of date.
    """

    company: Company
    feed: FileFeed
    header: tuple[str, ...]
    latest_date: date

    @classmethod
    def for_header(cls, company: Company, feed: FileFeed, header: tuple[str, ...]) -> RowParser:
        """Builds the parser of a file.

        Raises:
            ValueError: A mapped column is missing or is there twice; the message says what to do.
        """
        where = f"columns of feed {feed.feed}, company {company.id}, in companies.yml"
        for ours, theirs in feed.columns.items():
            if header.count(theirs) == 0:
                raise ValueError(
                    f"column {theirs!r} ({ours}) is missing; the header has: "
                    f"{', '.join(header) or 'nothing'}. Correct the file or the {where}"
                )
            if header.count(theirs) > 1:
                raise ValueError(
                    f"column {theirs!r} ({ours}) is there twice: rename one, or correct the {where}"
                )
        return cls(company, feed, header, datetime.now(UTC).date() + timedelta(days=1))

    def parse(self, fields: list[str]) -> dict[str, Any]:
        """Reads one row.

        Args:
            fields: The row's fields, in the order of the header.

        Returns:
            The values of `schema.ORDER_LINES` but for the key columns.

        Raises:
            BadFieldError: The first field that can't be read.
        """
        if len(fields) != len(self.header):
            raise BadFieldError(
                "(row)",
                f"the row has {len(fields)} fields, the header {len(self.header)}: "
                "look for a missing or an unquoted delimiter",
            )
        row = dict(zip(self.header, fields, strict=True))
        for header, value in row.items():
            if "\x00" in value or not _is_encodable(value):
                raise BadFieldError(
                    header,
                    f"holds bytes that are not {self.feed.encoding} text: set the feed's encoding",
                )
        customer_id = self._text(row, "customer_id")
        email = self._text(row, "email")
        if customer_id is None and email is None:
            ours: FileColumn = "customer_id" if "customer_id" in self.feed.columns else "email"
            raise BadFieldError(self.feed.columns[ours], "is empty: a purchase needs a customer")
        ordered_at, order_date = self._when(row)
        return {
            "order_id": self._text(row, "order_id"),
            "customer_id": customer_id,
            "email": email,
            "ordered_at": ordered_at,
            "order_date": order_date,
            "amount": self._read(row, "amount", self._amount),
            "quantity": self._read(row, "quantity", self._amount, optional=True),
            "currency": self._currency(row),
            "channel": self._text(row, "channel"),
            "country": self._text(row, "country"),
            "product": self._text(row, "product"),
            "extra": self._extra(row),
        }

    def _amount(self, text: str) -> Decimal:
        return parse_amount(text, self.feed.decimal, rounded=self.feed.round_amounts)

    def _text(self, row: dict[str, str], ours: FileColumn) -> str | None:
        header = self.feed.columns.get(ours)
        return row[header].strip() or None if header is not None else None

    def _read(
        self,
        row: dict[str, str],
        ours: FileColumn,
        read: Callable[[str], Any],
        optional: bool = False,
    ) -> Any:
        text = self._text(row, ours)
        if text is None:
            if optional:
                return None
            raise BadFieldError(self.feed.columns[ours], "is empty")
        try:
            return read(text)
        except ValueError as error:
            raise BadFieldError(self.feed.columns[ours], str(error)) from None

    def _when(self, row: dict[str, str]) -> tuple[datetime | None, date]:
        """Returns the point in time, where the file has one, and the company's local day."""
        ordered_at: datetime | None = None
        column: FileColumn = "order_date"
        if "ordered_at" in self.feed.columns:
            column = "ordered_at"
            ordered_at = self._read(
                row, "ordered_at", lambda t: _timestamp(t, self.feed.date_format, self.company.zone)
            )
            assert ordered_at is not None  # noqa: S101  a missing one was refused by _read
            order_date = ordered_at.astimezone(self.company.zone).date()
        if "order_date" in self.feed.columns:
            column = "order_date"
            order_date = self._read(row, "order_date", lambda t: _date(t, self.feed.date_format))
        if not EARLIEST_DATE <= order_date <= self.latest_date:
            raise BadFieldError(
                self.feed.columns[column],
                f"{order_date} is not between {EARLIEST_DATE} and tomorrow: correct the date",
            )
        return ordered_at, order_date

    def _currency(self, row: dict[str, str]) -> str:
        code = (self._text(row, "currency") or self.feed.currency or "").upper()
        if code not in minor_units():
            raise BadFieldError(
                self.feed.columns.get("currency", "currency"),
                f"{code!r} is not an ISO 4217 currency code: write one such as USD or EUR",
            )
        return code

    def _extra(self, row: dict[str, str]) -> str | None:
        mapped = set(self.feed.columns.values())
        rest = {header: value for header, value in row.items() if header not in mapped}
        return json.dumps(rest, ensure_ascii=False) if rest else None


# A file repeats its days many times: strptime is the slowest thing done to a row.
_date = lru_cache(maxsize=65_536)(parse_date)
_timestamp = lru_cache(maxsize=65_536)(parse_timestamp)


def _is_encodable(text: str) -> bool:
    """Says whether the text holds no byte that the decoder couldn't read."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
