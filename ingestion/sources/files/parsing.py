"""One CSV row to one typed line, or to the reason why not. Pure functions.

Belongs here: what a row of each kind of feed is. Does not belong here: opening files (`reader.py`),
and how an amount or a date is written (`amounts.py`, `dates.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Generic, Self, TypeVar
from zoneinfo import ZoneInfo

from ingestion.sources.files.amounts import parse_money
from ingestion.sources.files.dates import (
    cached_date,
    cached_timestamp,
)
from ingestion.sources.files.opening import is_marked
from warehouse.companies import Company, FileColumn, FileFeed, SpendColumn, SpendFeed
from warehouse.currencies import minor_units

EARLIEST_DATE = date(1970, 1, 1)

#: What the warehouse can hold of money and quantities: numeric(18, 4).
LIMIT = Decimal(10) ** 14

AnyFeed = TypeVar("AnyFeed", FileFeed, SpendFeed)


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


@dataclass(frozen=True)
class _Parser(Generic[AnyFeed]):
    """Turns the fields of one file into lines.

    Attributes:
        company: Whose file it is.
        feed: How the file is mapped; nothing in it is left to be guessed but the encoding's name.
        header: The file's header.
        latest_date: The last day a row may have; later ones are typing errors that would move the
            company's as-of date.
    """

    company: Company
    feed: AnyFeed
    header: tuple[str, ...]
    latest_date: date

    @classmethod
    def for_header(cls, company: Company, feed: AnyFeed, header: tuple[str, ...]) -> Self:
        """Builds the parser of a file.

        Raises:
            ValueError: A mapped column is missing or is there twice; the message says what to do.
        """
        where = f"columns of feed {feed.feed}, company {company.id}, in companies.yml"
        needed = [*feed.columns.items(), *(("skip", theirs) for theirs in feed.skip)]
        for ours, theirs in needed:
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

    @cached_property
    def _columns(self) -> Mapping[Any, str]:
        return self.feed.columns

    @cached_property
    def _skipped_values(self) -> dict[str, frozenset[str]]:
        return {
            header: frozenset(value.strip().casefold() for value in values)
            for header, values in self.feed.skip.items()
        }

    @cached_property
    def _zone(self) -> ZoneInfo:
        """Zone of times without an offset."""
        return ZoneInfo(self.feed.timezone) if self.feed.timezone else self.company.zone

    def _row(self, fields: list[str]) -> dict[str, str] | None:
        """Returns the fields by header; None where the feed leaves the row out.

        Raises:
            BadFieldError: Their number is wrong, or one of them isn't text.
        """
        if len(fields) != len(self.header):
            raise BadFieldError(
                "(row)",
                f"the row has {len(fields)} fields, the header {len(self.header)}: "
                "look for a missing or an unquoted delimiter",
            )
        row = dict(zip(self.header, fields, strict=True))
        if self._is_left_out(row):
            return None
        for header, value in row.items() if is_marked("".join(fields)) else ():
            if is_marked(value):
                raise BadFieldError(
                    header,
                    f"holds bytes that are not {self.feed.encoding or 'utf-8'} text: "
                    "set the feed's encoding",
                )
        return row

    def _is_left_out(self, row: dict[str, str]) -> bool:
        return any(
            row[header].strip().casefold() in values
            for header, values in self._skipped_values.items()
        )

    def _text(self, row: dict[str, str], ours: FileColumn | SpendColumn) -> str | None:
        header = self._columns.get(ours)
        return row[header].strip() or None if header is not None else None

    def _read(
        self,
        row: dict[str, str],
        ours: FileColumn | SpendColumn,
        read: Callable[[str], Any],
        optional: bool = False,
    ) -> Any:
        text = self._text(row, ours)
        if text is None:
            if optional:
                return None
            raise BadFieldError(self._columns[ours], "is empty")
        try:
            return read(text)
        except ValueError as error:
            raise BadFieldError(self._columns[ours], str(error)) from None

    def _money(
        self,
        row: dict[str, str],
        ours: FileColumn | SpendColumn,
        currency: str | None,
        optional: bool = False,
    ) -> Any:
        feed = self.feed
        return self._read(
            row,
            ours,
            lambda text: parse_money(
                text, feed.decimal, feed.thousands, currency, rounded=feed.round_amounts
            ),
            optional,
        )

    def _day(self, row: dict[str, str], ours: FileColumn | SpendColumn) -> date:
        day: date = self._read(row, ours, lambda text: cached_date(text, self.feed.date_format))
        return self._checked(day, ours)

    def _checked(self, day: date, ours: FileColumn | SpendColumn) -> date:
        if not EARLIEST_DATE <= day <= self.latest_date:
            raise BadFieldError(
                self._columns[ours],
                f"{day} is not between {EARLIEST_DATE} and tomorrow: correct the date",
            )
        return day

    def _currency(self, row: dict[str, str]) -> str:
        code = (self._text(row, "currency") or self.feed.currency or "").upper()
        if code not in minor_units():
            raise BadFieldError(
                self._columns.get("currency", "currency"),
                f"{code!r} is not an ISO 4217 currency code: write one such as USD or EUR",
            )
        return code

    def _extra(self, row: dict[str, str], kept: frozenset[str] = frozenset()) -> str | None:
        mapped = {header for ours, header in self._columns.items() if ours not in kept}
        rest = {header: value for header, value in row.items() if header not in mapped}
        return json.dumps(rest, ensure_ascii=False) if rest else None


@dataclass(frozen=True)
class RowParser(_Parser[FileFeed]):
    """Turns the fields of one file of purchases into order lines, in the order of the file."""

    _last_order: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    def parse(self, fields: list[str]) -> dict[str, Any] | None:
        """Reads one row.

        Args:
            fields: The row's fields, in the order of the header.

        Returns:
            The values of `schema.ORDER_LINES` but for the key columns; None where the feed skips
            the row.

        Raises:
            BadFieldError: The first field that can't be read.
        """
        row = self._row(fields)
        if row is None:
            return None
        customer_id = self._text(row, "customer_id")
        email = self._text(row, "email")
        if customer_id is None and email is None:
            ours: FileColumn = "customer_id" if "customer_id" in self._columns else "email"
            raise BadFieldError(self._columns[ours], "is empty: a purchase needs a customer")
        ordered_at, order_date = self._when(row)
        currency = self._currency(row)
        amount, quantity = self._amount_and_quantity(row, currency)
        # What was given back is in the amount of nobody else; some exports write a minus before it.
        refunded = self._money(row, "refunded", currency, optional=True) or Decimal(0)
        return {
            "order_id": self._text(row, "order_id"),
            "customer_id": customer_id,
            "email": email,
            "ordered_at": ordered_at,
            "order_date": order_date,
            "amount": amount - abs(refunded),
            "quantity": quantity,
            "currency": currency,
            "channel": self._text(row, "channel"),
            "country": self._text(row, "country"),
            "product": self._text(row, "product"),
            # Neither the price nor what was given back has a column of its own.
            "extra": self._extra(row, kept=frozenset({"unit_price", "refunded"})),
        }

    def _is_left_out(self, row: dict[str, str]) -> bool:
        """Says whether a row is left out; of an order of several lines the first may speak for all.

        So do the exports that write an order's status on its first line only.
        """
        order_id = self._text(row, "order_id") if self._skipped_values else None
        if order_id in self._last_order and not any(row[each].strip() for each in self.feed.skip):
            return self._last_order[order_id]
        left_out = super()._is_left_out(row)
        if order_id is not None:
            self._last_order.clear()
            self._last_order[order_id] = left_out
        return left_out

    def _amount_and_quantity(
        self, row: dict[str, str], currency: str
    ) -> tuple[Decimal, Decimal | None]:
        if "amount" in self._columns:
            amount = self._money(row, "amount", currency)
            return amount, self._money(row, "quantity", None, optional=True)
        price = self._money(row, "unit_price", currency)
        quantity = self._money(row, "quantity", None)
        product = (price * quantity).quantize(Decimal("0.0001"))
        if abs(product) >= LIMIT:
            raise BadFieldError(
                self._columns["unit_price"], f"times {quantity} is not below 10^14: correct it"
            )
        return product, quantity

    def _when(self, row: dict[str, str]) -> tuple[datetime | None, date]:
        """Returns the point in time, where the file has one, and the company's local day."""
        ordered_at: datetime | None = None
        if "ordered_at" in self._columns:
            ordered_at = self._read(
                row,
                "ordered_at",
                lambda text: cached_timestamp(text, self.feed.date_format, self._zone),
            )
            assert ordered_at is not None  # noqa: S101  a missing one was refused by _read
            order_date = ordered_at.astimezone(self.company.zone).date()
        if "order_date" in self._columns:
            return ordered_at, self._day(row, "order_date")
        return ordered_at, self._checked(order_date, "ordered_at")


class SpendParser(_Parser[SpendFeed]):
    """Turns the fields of one file of marketing spend into rows."""

    def parse(self, fields: list[str]) -> dict[str, Any] | None:
        """Reads one row.

        Args:
            fields: The row's fields, in the order of the header.

        Returns:
            The values of `schema.MARKETING_SPEND` but for the key columns; None where the row is
            another company's, or the feed skips it.

        Raises:
            BadFieldError: The first field that can't be read.
        """
        row = self._row(fields)
        if row is None:
            return None
        if "company" in self._columns and self._text(row, "company") is None:
            raise BadFieldError(self._columns["company"], "is empty: write the company's id")
        channel = self._text(row, "channel") or self.feed.channel
        if channel is None:
            raise BadFieldError(self._columns["channel"], "is empty: spend needs a channel")
        currency = self._currency(row)
        return {
            "spend_date": self._day(row, "date"),
            "channel": channel,
            "amount": self._money(row, "amount", currency),
            "currency": currency,
            "extra": self._extra(row),
        }

    def _is_left_out(self, row: dict[str, str]) -> bool:
        company = self._text(row, "company") or self.company.id
        return company != self.company.id or super()._is_left_out(row)
