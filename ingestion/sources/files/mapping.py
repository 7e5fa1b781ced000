"""Which column of a file means what, guessed from headers and content: `clv map`.

Belongs here: the guess and its trial over the whole file. Does not belong here: how one value looks
(`guessing.py`), writing companies.yml (`companies_file.py`), and what a person sees.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from ingestion.errors import SourceError
from ingestion.quarantine import Quarantine, RejectedRow
from ingestion.sources.files.amounts import parse_money
from ingestion.sources.files.guessing import (
    AGREEMENT,
    guess_date_formats,
    guess_decimal,
    guess_delimiter,
    guess_encoding,
    has_clock,
    is_ambiguous,
    sample,
)
from ingestion.sources.files.opening import open_text
from ingestion.sources.files.reader import Feed, FeedTotals, read_feed
from ingestion.sources.files.rows import read_rows
from ingestion.sources.files.synonyms import SYNONYMS, UNSOLD
from warehouse.companies import Company, FileColumn, FileFeed
from warehouse.currencies import minor_units

#: Rows of which every value is looked at; of a longer file, rows from all over it.
LOOKED_AT = 6_000

SHOWN = 5

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

_SIGNS = {"€": "EUR", "£": "GBP", "$": "USD", "₹": "INR", "₩": "KRW", "zł": "PLN", "Kč": "CZK"}

#: Shares of rows in which an order's number, and what merely describes a purchase, must be there.
_FILLED, _SELDOM = 0.5, 0.05

#: Share of the values that must be numbers where the header says that they are.
_NAMED = 0.5


@dataclass
class Guess:
    """What a file seems to be, and what would land of it.

    Attributes:
        feed: The mapping; None where something is missing that only a person knows.
        columns: Our column to the file's.
        settings: The rest of the mapping.
        problems: What has to be decided or mended first, and how.
        notes: What is worth a look.
        totals: Rows as a load would read them.
        landed: The first rows as they would land.
        rejected: The first rows that would go to quarantine.
        reasons: How many rows each kind of reason would keep from landing.
    """

    feed: FileFeed | None = None
    columns: dict[FileColumn, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    totals: FeedTotals = field(default_factory=FeedTotals)
    landed: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


def guess_file(
    path: Path,
    company: Company,
    feed_name: str,
    path_in_file: str,
    *,
    given: Mapping[str, Any] | None = None,
    totals: FeedTotals | None = None,
) -> Guess:
    """Guesses how a file is mapped, and tries it on every row; writes nothing.

    Args:
        path: The file.
        company: Whose it is: its currency and time zone count where the file has none.
        feed_name: What the feed is to be called.
        path_in_file: The path as it is to stand in companies.yml.
        given: Settings of the feed that aren't guessed, such as {"date_format": "%d/%m/%Y"}.
        totals: Counted up while the file is tried, for whoever watches.

    Returns:
        The guess, with problems where it can't be used as it is.

    Raises:
        SourceError: The file is missing, empty, no text, or has no header; the message says what
            to do.
    """
    given = dict(given or {})
    name = path.name
    if not path.is_file():
        raise SourceError(f"{path} is missing, or is no file: give the path of a CSV file.")
    start, telling = sample(path, name)
    encoding = given.get("encoding") or guess_encoding(start, telling)
    text = start.decode(encoding, "replace")
    lines = [line for line in text.removeprefix("\ufeff").splitlines() if line.strip()]
    if not lines:
        raise SourceError(f"{name} is empty: export it again.")
    if _is_binary(text):
        raise SourceError(f"{name} is no text: export it as CSV and take that file.")
    delimiter = given.get("delimiter") or guess_delimiter(lines[0])
    columns = _look(path, name, encoding, delimiter)
    guess = Guess(settings={"encoding": encoding, "delimiter": delimiter} | given)
    guess.totals = totals or guess.totals
    _assign(guess, columns, company)
    _try(guess, path, company, feed_name, path_in_file)
    return guess


def _is_binary(text: str) -> bool:
    """Says whether a text has more control characters than any CSV file would."""
    odd = sum(char < " " and char not in "\t\r\n\f\v\x1a" for char in text)
    return odd * 100 > len(text)


@dataclass
class _Column:
    """One column of the file: its header and the values that were looked at.

    Attributes:
        header: As it stands in the file.
        values: One a row, trimmed; "" where it is empty.
    """

    header: str
    values: list[str]

    @property
    def filled(self) -> list[str]:
        """The values that aren't empty."""
        return [value for value in self.values if value]

    def share(self, fits: Any, of: Sequence[str] | None = None) -> float:
        """Says what share of the values fits."""
        values = self.filled if of is None else of
        return sum(map(bool, map(fits, values))) / len(values) if values else 0.0


def _look(path: Path, name: str, encoding: str, delimiter: str) -> list[_Column]:
    """Reads the header and rows from all over the file.

    Raises:
        SourceError: There is no header, or nothing below it.
    """
    with open_text(path, name, encoding) as file:
        rows = (row for row in read_rows(file, delimiter) if row.broken is None)
        first = next(rows, None)
        header = [column.strip() for column in first.fields] if first else []
        if len(header) < 2:
            raise SourceError(
                f"{name} has a single column, {', '.join(header)[:80]!r}: is it a CSV file? "
                "Give its delimiter, if it is neither comma, semicolon, tab nor pipe."
            )
        if any(_is_amount(column, ".") for column in header) or any(
            guess_date_formats([column]) for column in header if column
        ):
            raise SourceError(
                f"{name} has no header: its first line is data. Add a line with the columns' names."
            )
        looked = _spread(row.fields for row in rows if len(row.fields) == len(header))
    if not looked:
        raise SourceError(f"{name} has a header and no rows below it: export it again.")
    return [
        _Column(column, [fields[place].strip() for fields in looked])
        for place, column in enumerate(header)
    ]


def _spread(rows: Iterator[list[str]]) -> list[list[str]]:
    """Keeps the first rows, and later ones at equal distances, in bounded memory."""
    first: list[list[str]] = []
    spread: list[list[str]] = []
    step = 1
    for place, fields in enumerate(rows):
        if place < LOOKED_AT:
            first.append(fields)
        elif place % step == 0:
            spread.append(fields)
            if len(spread) == LOOKED_AT:
                spread = spread[::2]
                step *= 2
    return first + spread


def _plain(header: str) -> str:
    """Writes a header as the synonyms are: small letters and digits, words apart by one blank."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    bare = "".join(
        char
        for char in unicodedata.normalize("NFKD", apart.replace("ß", "ss"))
        if not unicodedata.combining(char)
    )
    composed = unicodedata.normalize("NFKC", bare).lower()
    return " ".join(re.findall(r"[^\W_]+", composed))


def _named(columns: Sequence[_Column], role: str) -> list[_Column]:
    """Returns the columns whose header means a role, the likeliest first."""
    ranked = []
    for place, column in enumerate(columns):
        plain = _plain(column.header)
        joined = plain.replace(" ", "")
        for rank, synonym in enumerate(SYNONYMS[role]):
            if plain == synonym or joined == synonym.replace(" ", ""):
                ranked.append((rank, place, column))
                break
    return [column for _, _, column in sorted(ranked, key=lambda each: each[:2])]


def _assign(guess: Guess, columns: list[_Column], company: Company) -> None:
    """Fills in columns and settings."""
    _assign_amounts(guess, columns)
    _assign_date(guess, columns)
    emails = [
        column for column in _named(columns, "email") if column.share(_EMAIL.fullmatch) > 0.8
    ] or [column for column in columns if column.share(_EMAIL.fullmatch) > AGREEMENT]
    if emails:
        guess.columns["email"] = emails[0].header
    for column in _named(columns, "customer_id"):
        if column.filled and column.share(_EMAIL.fullmatch) < 0.5:
            guess.columns["customer_id"] = column.header
            break
    roles: tuple[FileColumn, ...] = ("order_id", "channel", "country", "product")
    for role in roles:
        for column in _named(columns, role):
            taken = column.header in guess.columns.values()
            if not taken and _suits(column, role):
                guess.columns[role] = column.header
                break
    _assign_currency(guess, columns, company)
    _assign_decimal(guess, columns)
    _assign_skipped(guess, columns)
    if not {"customer_id", "email"} & guess.columns.keys():
        guess.problems.append(
            "No column names the customer: map customer_id or email by hand. "
            f"The header has: {', '.join(column.header for column in columns)}"
        )


def _suits(column: _Column, role: str) -> bool:
    """Says whether a column has enough values, and for an order's number such that are numbered."""
    filled = len(column.filled) / len(column.values)
    if role == "order_id":
        return filled > _FILLED and column.share(lambda text: re.search(r"\d", text)) > AGREEMENT
    return filled > _SELDOM


def _is_amount(text: str, decimal: str, thousands: str | None = None) -> bool:
    """Says whether a text is a number, whatever currency stands beside it."""
    bare = re.sub(r"[^\d.,'’\s()+\-−]{1,4}\.?", "", text)
    if not re.search(r"\d", bare):
        return False
    try:
        parse_money(bare, decimal, thousands)
    except ValueError:
        return False
    return True


def _numbers(columns: Sequence[_Column], role: str) -> list[_Column]:
    """Returns the columns named like a role whose values look like numbers, in any locale."""
    return [
        column
        for column in _named(columns, role)
        if column.share(lambda text: re.fullmatch(r"[^\d]{0,6}[\d.,'’\s]+[^\d]{0,6}", text))
        >= _NAMED
    ]


def _assign_amounts(guess: Guess, columns: list[_Column]) -> None:
    amounts, prices = _numbers(columns, "amount"), _numbers(columns, "unit_price")
    quantities = _numbers(columns, "quantity")
    amount = next((column for column in amounts if _is_whole(column)), None)
    orders = _named(columns, "order_id")
    if amount is not None and orders and _is_of_order(amount, orders[0]):
        if prices and quantities and _is_whole(prices[0]):
            guess.notes.append(
                f"{amount.header!r} is that of the whole order, on each of its lines: "
                f"{prices[0].header!r} times {quantities[0].header!r} is taken instead."
            )
            amount = None
        else:
            guess.notes.append(
                f"{amount.header!r} is the same on all lines of an order: if it is the order's "
                "total, it would count several times. Export one line an order."
            )
    if amount is not None:
        guess.columns["amount"] = amount.header
    elif prices and quantities:
        guess.columns["unit_price"] = prices[0].header
        amount = prices[0]
    elif prices:
        guess.columns["amount"] = prices[0].header
        amount = prices[0]
        guess.notes.append(f"{amount.header!r} is taken for the amount: there is no quantity.")
    else:
        numeric = [
            column
            for column in columns
            if column.share(lambda text: re.search(r"\d[.,]\d\d?\D*$", text)) > AGREEMENT
            and not guess_date_formats(column.filled[:50])
        ]
        if len(numeric) != 1:
            guess.problems.append(
                "No column is the amount: map amount, or unit_price and quantity, by hand. The "
                f"header has: {', '.join(column.header for column in columns)}"
            )
            return
        amount = numeric[0]
        guess.columns["amount"] = amount.header
        guess.notes.append(f"{amount.header!r} is taken for the amount: it holds decimals.")
    if quantities and quantities[0] is not amount:
        guess.columns["quantity"] = quantities[0].header
    _assign_refunds(guess, columns)


def _assign_refunds(guess: Guess, columns: list[_Column]) -> None:
    """Takes off what was given back, where it stands in a column of its own."""
    amount = guess.columns.get("amount", "")
    apart = [column for column in columns if "refund" in _plain(column.header).split()]
    if "net" not in _plain(amount).split():
        refunds = _numbers(columns, "refunded")
        orders = _named(columns, "order_id")
        # What is the same on all lines of an order would be taken off once a line.
        repeated = refunds and orders and _is_of_order(refunds[0], orders[0])
        if refunds and not repeated and refunds[0].header not in guess.columns.values():
            guess.columns["refunded"] = refunds[0].header
            guess.notes.append(f"{refunds[0].header!r} is taken off the amount.")
            return
    if apart:
        guess.notes.append(
            f"Refunds stand apart in {', '.join(repr(column.header) for column in apart)} and are "
            "not taken off: map refunded by hand if the amount is before them."
        )


def _is_whole(column: _Column) -> bool:
    """Says whether a column has a value in nearly every row."""
    return len(column.filled) >= 0.98 * len(column.values)


def _is_of_order(amount: _Column, order: _Column) -> bool:
    """Says whether the lines of an order repeat one amount, in orders that have several lines."""
    seen: dict[str, set[str]] = {}
    lines: Counter[str] = Counter()
    for number, value in zip(order.values, amount.values, strict=True):
        if number:
            seen.setdefault(number, set()).add(value)
            lines[number] += 1
    several = [number for number, count in lines.items() if count > 1]
    same = sum(len(seen[number]) == 1 for number in several)
    return len(several) >= 2 and same >= 0.95 * len(several)


def _assign_decimal(guess: Guess, columns: list[_Column]) -> None:
    mapped = guess.columns.get("amount") or guess.columns.get("unit_price")
    amount = next((column for column in columns if column.header == mapped), None)
    if amount is None or "decimal" in guess.settings:
        return
    decimal, thousands = guess_decimal(amount.filled)
    if decimal is None and _is_without_cents(guess, columns):
        pointed = any("." in value for value in amount.filled)
        decimal, thousands = (",", ".") if pointed else (".", ",")
    if decimal is None:
        example = next(value for value in amount.filled if "," in value or "." in value)
        guess.problems.append(
            f"{example!r} in {amount.header!r} could have a decimal mark or a thousands separator: "
            "give --decimal . or --decimal ,"
        )
        return
    guess.settings["decimal"] = decimal
    if thousands is not None:
        guess.settings["thousands"] = thousands


def _is_without_cents(guess: Guess, columns: list[_Column]) -> bool:
    """Says whether all amounts are in currencies that have no decimals, such as the yen."""
    header = guess.columns.get("currency")
    codes = {
        value.upper() for column in columns if column.header == header for value in column.filled
    }
    codes |= {guess.settings["currency"]} if "currency" in guess.settings else set()
    return bool(codes) and all(minor_units().get(code) == 0 for code in codes)


def _assign_date(guess: Guess, columns: list[_Column]) -> None:
    given = guess.settings.get("date_format")
    named = _named(columns, "date")
    # What the header calls a date is one, although some of them are wrong.
    agreement = 0.5 if named else AGREEMENT
    for column in named or columns:
        looked = list(dict.fromkeys(column.filled))
        if len(column.filled) < 0.9 * len(column.values):
            continue
        formats = (
            [given] if given else guess_date_formats(looked[:1000] + looked[1000::20], agreement)
        )
        if not formats:
            continue
        if is_ambiguous(formats):
            guess.problems.append(
                f"The dates in {column.header!r}, such as {looked[0]!r}, don't say whether day or "
                f"month comes first: give --date-format '{formats[0]}' or another."
            )
        elif formats[0] is not None:
            guess.settings["date_format"] = formats[0]
        with_clock = has_clock(looked[:100], formats[0])
        guess.columns["ordered_at" if with_clock else "order_date"] = column.header
        if with_clock and {"utc", "gmt"} & set(_plain(column.header).split()):
            guess.settings.setdefault("timezone", "UTC")
        return
    guess.problems.append(
        "No column is the date of the purchase: map order_date or ordered_at by hand, or give "
        f"--date-format. The header has: {', '.join(column.header for column in columns)}"
    )


def _assign_currency(guess: Guess, columns: list[_Column], company: Company) -> None:
    for column in _named(columns, "currency"):
        if column.share(lambda text: text.upper() in minor_units()) >= AGREEMENT:
            guess.columns["currency"] = column.header
            if not _is_whole(column):
                common = Counter(value.upper() for value in column.filled).most_common(1)[0][0]
                guess.settings.setdefault("currency", common)
                guess.notes.append(f"Rows without a currency are taken for {common}.")
            return
    if "currency" in guess.settings:
        return
    amount = guess.columns.get("amount") or guess.columns.get("unit_price")
    values = next((column.filled for column in columns if column.header == amount), [])
    signs = Counter(code for value in values for sign, code in _SIGNS.items() if sign in value)
    currency = signs.most_common(1)[0][0] if signs else company.base_currency
    if "$" in "".join(values[:100]) and company.base_currency.endswith("D"):
        currency = company.base_currency
    guess.settings["currency"] = currency
    if not signs:
        guess.notes.append(f"No column has the currency: every amount is taken for {currency}.")


def _assign_skipped(guess: Guess, columns: list[_Column]) -> None:
    for column in _named(columns, "status"):
        found = sorted({value for value in column.filled if _plain(value) in UNSOLD})
        if found:
            guess.settings.setdefault("skip", {})[column.header] = found
            guess.notes.append(
                f"Rows whose {column.header!r} is {', '.join(found)} are left out: no sale."
            )


class _Tally(Quarantine):
    """Counts what a quarantine would take, by reason, and keeps the first rows."""

    def __init__(self, company_id: str, feed: str) -> None:
        super().__init__(company_id, "files", feed)
        self.reasons: Counter[str] = Counter()

    def add(self, row: RejectedRow) -> None:
        """Takes one row."""
        self.rows += 1
        if len(self.first) < SHOWN:
            self.first.append(row)
        kind = f"{row.column_name}: {re.sub(_QUOTED, '…', row.reason)}"
        if kind in self.reasons or len(self.reasons) < 50:
            self.reasons[kind] += 1


_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\d{4}-\d\d-\d\d|has \d+ fields")


def _try(guess: Guess, path: Path, company: Company, feed_name: str, path_in_file: str) -> None:
    """Reads the whole file by the guess, as a load would."""
    order = get_args(FileColumn)
    guess.columns = dict(sorted(guess.columns.items(), key=lambda each: order.index(each[0])))
    if guess.problems:
        return
    written = {"feed": feed_name, "path": path_in_file, "columns": guess.columns} | guess.settings
    try:
        feed = FileFeed.model_validate(written)
    except ValidationError as error:
        guess.problems += [f"{each['loc']}: {each['msg']}" for each in error.errors()]
        return
    if _reads(guess, path, company, feed):
        guess.feed = feed


def try_feed(path: Path, company: Company, feed: Feed, totals: FeedTotals) -> Guess:
    """Tries the mapping that a feed has on a file; writes nothing.

    Args:
        path: The file.
        company: Whose it is.
        feed: The feed; its path doesn't count.
        totals: Counted up meanwhile.

    Returns:
        What would land, with problems where the mapping doesn't fit the file.
    """
    guess = Guess(totals=totals)
    guess.columns = dict(feed.columns)  # type: ignore[arg-type]
    _reads(guess, path, company, feed)
    return guess


def _reads(guess: Guess, path: Path, company: Company, feed: Feed) -> bool:
    """Reads a whole file by a mapping, and says whether that can be done."""
    local = feed.model_copy(update={"path": _literal(path.name)})
    with _Tally(company.id, feed.feed) as quarantine:
        try:
            for page in read_feed(company, local, path.parent, guess.totals, quarantine):
                if len(guess.landed) < SHOWN:
                    guess.landed += page.slice(0, SHOWN - len(guess.landed)).to_pylist()
        except SourceError as error:
            guess.problems.append(str(error))
        guess.rejected, guess.reasons = quarantine.first, quarantine.reasons
    return not guess.problems


def _literal(name: str) -> str:
    """Writes a file's name so that nothing in it is a pattern."""
    return re.sub(r"([*?[])", r"[\1]", name)
