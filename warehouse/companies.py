"""What a company (tenant) is: companies.yml, read and checked.

Belongs here: the shape of the file and the messages for what is wrong in it. Does not belong
here: how a source is read (`ingestion/`) or a value is computed (`ml/`, dbt).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from warehouse.currencies import minor_units

FileColumn = Literal[
    "order_id",
    "customer_id",
    "email",
    "order_date",
    "ordered_at",
    "amount",
    "unit_price",
    "quantity",
    "refunded",
    "currency",
    "channel",
    "country",
    "product",
]

SpendColumn = Literal["company", "channel", "date", "amount", "currency"]

DecimalMark = Literal[".", ","]
ThousandsMark = Literal[".", ",", " ", "'"]

#: Stands for a company where rows belong to none; no company can have it, ids start with a letter.
NO_COMPANY = "0_all"

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]


class CompaniesFileError(Exception):
    """companies.yml can't be used; the message names the file, the field and what to do."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _check_currency(code: str) -> str:
    if code not in minor_units():
        raise ValueError(f"{code!r} is not an ISO 4217 currency code (such as USD or EUR)")
    return code


def _check_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is not an IANA time zone (such as Europe/Berlin)")
    return name


class CsvFormat(_Strict):
    """Where CSV files are and what their fields look like.

    Attributes:
        path: File or glob pattern, relative to companies.yml; a file may be compressed by gzip or
            be the one file of a zip archive. Together the matched files are the whole truth of the
            feed: a row that left them leaves the warehouse.
        currency: ISO 4217 code of an amount, where the file has no currency column or it is empty.
        date_format: strptime format of dates; "epoch" and "epoch_ms" count from 1970; unset
            accepts ISO 8601; "auto" is guessed from the first rows.
        timezone: IANA zone of times without an offset; unset means the company's.
        decimal: Decimal mark of amounts and quantities; "auto" is guessed from the first rows,
            thousands with it.
        round_amounts: Whether an amount with more than 4 decimals is rounded instead of refused.
        thousands: What groups digits by three; unset refuses such numbers.
        delimiter: Field separator; unset or "auto" is guessed from the header.
        encoding: Text encoding; a byte-order mark is tolerated; unset or "auto" is guessed from
            the bytes.
        skip: By header the values (case doesn't matter) whose rows are no purchases, such as
            cancelled orders; they are counted and left out.
    """

    path: str
    currency: str | None = None
    date_format: str | None = None
    timezone: str | None = None
    decimal: DecimalMark | Literal["auto"] = "."
    round_amounts: bool = False
    thousands: ThousandsMark | None = None
    delimiter: str | None = None
    encoding: str | None = None
    skip: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, code: str | None) -> str | None:
        return None if code is None else _check_currency(code)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str | None) -> str | None:
        return None if name is None else _check_timezone(name)

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, delimiter: str | None) -> str | None:
        if delimiter is None or delimiter == "auto":
            return None
        if len(delimiter) != 1 or delimiter in '"\r\n\x00':
            raise ValueError(f"{delimiter!r} is not one character that can stand between fields")
        return delimiter

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str | None) -> str | None:
        if name is None or name == "auto":
            return None
        try:
            "".encode(name)
        except LookupError:
            raise ValueError(f"{name!r} is not a text encoding (such as utf-8)") from None
        return name

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.thousands == self.decimal:
            raise ValueError("decimal and thousands: they can't be the same character")
        return self


class FileFeed(CsvFormat):
    """One kind of CSV file of purchases of a company, and how to read it.

    Attributes:
        feed: Name of the feed, part of every landed row's key.
        columns: Our column name to the header in the file. Without `amount`, it is `unit_price`
            times `quantity`; `refunded`, whatever its sign, is taken off.
    """

    feed: Identifier
    columns: dict[FileColumn, str]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        mapped = set(self.columns)
        if not mapped & {"customer_id", "email"}:
            raise ValueError("columns: map customer_id or email")
        if not mapped & {"order_date", "ordered_at"}:
            raise ValueError("columns: map order_date or ordered_at")
        if "amount" not in mapped and not {"unit_price", "quantity"} <= mapped:
            raise ValueError("columns: map amount, or unit_price and quantity")
        if {"amount", "unit_price"} <= mapped:
            raise ValueError("columns: map amount or unit_price, not both")
        if "currency" not in mapped and self.currency is None:
            raise ValueError("currency: give one code, or map a column under columns")
        return self


class SpendFeed(CsvFormat):
    """One kind of CSV file of what a company spent on marketing, and how to read it.

    Attributes:
        feed: Name of the feed, part of every landed row's key.
        columns: Our column name to the header in the file. With `company`, the rows of other
            companies are counted and left out.
        channel: Channel of every row, where the file has no such column.
    """

    feed: Identifier
    columns: dict[SpendColumn, str]
    channel: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        mapped = set(self.columns)
        for column in ("date", "amount"):
            if column not in mapped:
                raise ValueError(f"columns: map {column}")
        if "channel" not in mapped and self.channel is None:
            raise ValueError("channel: give one, or map a column under columns")
        if "currency" not in mapped and self.currency is None:
            raise ValueError("currency: give one code, or map a column under columns")
        return self


class ShopifyShop(_Strict):
    """A company's shop at Shopify; its token is a secret and stands elsewhere (settings.py).

    Attributes:
        shop: The shop's own domain.
        endpoint: Address of the API where it isn't the shop's own, such as a proxy's.
        demo_port: Port of this machine at which `clv` serves a made-up shop instead of a real one.
        since: Where the first load starts: what changed before that day (UTC) is left to backfills.
        skip: Entities that are not read, for a token without their access scope.
    """

    shop: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*\.myshopify\.com$")]
    endpoint: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    demo_port: Annotated[int, Field(ge=1024, le=65535)] | None = None
    since: date | None = None
    skip: tuple[Literal["discounts", "disputes"], ...] = ()

    @model_validator(mode="after")
    def _one_address(self) -> ShopifyShop:
        if self.endpoint is not None and self.demo_port is not None:
            raise ValueError("endpoint and demo_port: give one of them")
        return self


class StripeAccount(_Strict):
    """A company's account at Stripe; its key is a secret and stands elsewhere (settings.py).

    Attributes:
        endpoint: Address of the API where it isn't Stripe's own, such as a proxy's.
        demo_port: Port of this machine at which `clv` serves a made-up account instead of a real
            one.
        since: Where the first load starts: what was created before that day (UTC) is left to
            backfills.
        skip: Entities that are not read, for a key without their permission.
    """

    endpoint: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    demo_port: Annotated[int, Field(ge=1024, le=65535)] | None = None
    since: date | None = None
    skip: tuple[
        Literal[
            "balance_transactions",
            "charges",
            "coupons",
            "credit_notes",
            "customers",
            "disputes",
            "invoice_payments",
            "invoices",
            "payment_intents",
            "prices",
            "products",
            "refunds",
            "subscriptions",
        ],
        ...,
    ] = ()

    @model_validator(mode="after")
    def _one_address(self) -> StripeAccount:
        if self.endpoint is not None and self.demo_port is not None:
            raise ValueError("endpoint and demo_port: give one of them")
        return self


class SquareSeller(_Strict):
    """A company's account at Square; its token is a secret and stands elsewhere (settings.py).

    Attributes:
        endpoint: Address of the API where it isn't Square's own, such as the sandbox's.
        demo_port: Port of this machine at which `clv` serves a made-up account instead of a real
            one.
        since: What was created before that day (UTC) is left to backfills.
    """

    endpoint: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    demo_port: Annotated[int, Field(ge=1024, le=65535)] | None = None
    since: date | None = None

    @model_validator(mode="after")
    def _one_address(self) -> SquareSeller:
        if self.endpoint is not None and self.demo_port is not None:
            raise ValueError("endpoint and demo_port: give one of them")
        return self


class WooCommerceSite(_Strict):
    """A company's WooCommerce site; its key and secret stand elsewhere (settings.py).

    Attributes:
        site: Its address as WordPress knows it, as far as the folder in which WordPress lies.
        demo_port: Port of this machine at which `clv` serves a made-up site instead of a real one.
        since: Where the first load of orders starts: what changed before that day (UTC) is left
            to backfills.
    """

    site: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#@]*)?$")]
    demo_port: Annotated[int, Field(ge=1024, le=65535)] | None = None
    since: date | None = None


AnyFeed = TypeVar("AnyFeed", FileFeed, SpendFeed)


class Sources(_Strict):
    """The connected sources of a company."""

    files: tuple[FileFeed, ...] = ()
    spend: tuple[SpendFeed, ...] = ()
    shopify: ShopifyShop | None = None
    square: SquareSeller | None = None
    stripe: StripeAccount | None = None
    woocommerce: WooCommerceSite | None = None

    @field_validator("files", "spend")
    @classmethod
    def _unique_feeds(cls, feeds: tuple[AnyFeed, ...]) -> tuple[AnyFeed, ...]:
        names = [feed.feed for feed in feeds]
        doubled = {name for name in names if names.count(name) > 1}
        if doubled:
            raise ValueError(f"feed {', '.join(sorted(doubled))} is there twice")
        return feeds

    @model_validator(mode="after")
    def _apart_in_quarantine(self) -> Self:
        shared = {feed.feed for feed in self.files} & {feed.feed for feed in self.spend}
        if shared:
            raise ValueError(f"feed {', '.join(sorted(shared))} is both in files and in spend")
        return self


class Company(_Strict):
    """One company: its settings and sources.

    Attributes:
        id: Key of the company in every table.
        name: Name shown to people.
        base_currency: ISO 4217 code in which everything is added up.
        timezone: IANA name; a day is a day of this zone.
        margin_rate: Share of net revenue that is left after cost of goods, where no unit cost is
            known.
        discount_rate: Yearly rate at which future revenue is discounted.
        horizons_months: Horizons of the predictions.
        churn_window_days: Days without an order after which a customer counts as lost.
        target_payback_months: Months within which acquisition cost is to be earned back.
        fresh_within_hours: Hours since the last landing after which the company counts as stale.
        share_priors: Whether a company that is too small for a fit of its own may borrow this one's
            fitted parameters, and this one those of others that share.
        alert_emails: Who is mailed the alerts of this company, beside CLV_ALERT_EMAILS.
        sources: Where the data come from.
    """

    id: Identifier
    name: str
    base_currency: str
    timezone: str
    margin_rate: float = Field(ge=0, le=1)
    discount_rate: float = Field(default=0.10, ge=0, lt=1)
    horizons_months: tuple[Annotated[int, Field(ge=1, le=60)], ...] = (3, 6, 12)
    churn_window_days: int = Field(default=180, ge=1)
    target_payback_months: int = Field(default=12, ge=1)
    fresh_within_hours: int = Field(default=26, ge=1)
    share_priors: bool = False
    alert_emails: tuple[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")], ...] = ()
    sources: Sources = Sources()

    @field_validator("base_currency")
    @classmethod
    def _known_currency(cls, code: str) -> str:
        return _check_currency(code)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str) -> str:
        return _check_timezone(name)

    @field_validator("horizons_months")
    @classmethod
    def _yearly_horizon(cls, months: tuple[int, ...]) -> tuple[int, ...]:
        if 12 not in months:
            raise ValueError("12 must be among them: the reports are yearly")
        return tuple(sorted(set(months)))

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of the company's days."""
        return ZoneInfo(self.timezone)


class ExchangeRates(_Strict):
    """Where exchange rates come from, for all companies; one of the two is set.

    Attributes:
        path: CSV, or zip or gzip of one, relative to companies.yml: the ECB's, wide or long.
        url: Address of such a file.
    """

    path: str | None = None
    url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("give either path or url")
        return self


class Companies(_Strict):
    """All companies of the installation, in the order of the file, and what they share."""

    companies: tuple[Company, ...]
    exchange_rates: ExchangeRates | None = None

    @model_validator(mode="after")
    def _unique(self) -> Companies:
        ids = [company.id for company in self.companies]
        doubled = {name for name in ids if ids.count(name) > 1}
        if doubled:
            raise ValueError(f"company {', '.join(sorted(doubled))} is there twice")
        if not ids:
            raise ValueError("name at least one company")
        return self


def load_companies(path: Path) -> dict[str, Company]:
    """Reads the companies of companies.yml.

    Args:
        path: The file.

    Returns:
        The companies by id, in the order of the file.

    Raises:
        CompaniesFileError: The file is missing, isn't YAML, or a field is wrong; the message
            lists every problem.
    """
    return {company.id: company for company in load_file(path).companies}


def load_file(path: Path) -> Companies:
    """Reads companies.yml.

    Raises:
        CompaniesFileError: As `load_companies`.
    """
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CompaniesFileError(
            f"{path} is missing. Write it (README, 'Your own data') or point "
            "CLV_COMPANIES_FILE at it."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CompaniesFileError(f"{path} can't be read: {error}") from None
    except yaml.YAMLError as error:
        raise CompaniesFileError(f"{path} is not valid YAML: {error}") from None
    try:
        return Companies.model_validate(raw)
    except ValidationError as error:
        problems = "\n".join(f"  {_where(raw, p['loc'])}: {p['msg']}" for p in error.errors())
        raise CompaniesFileError(f"{path} has a mistake:\n{problems}") from None


def _where(raw: Any, location: tuple[int | str, ...]) -> str:
    """Names a field as a person would: list positions by the id or feed that stands there."""
    words: list[str] = []
    node = raw
    for step in location:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            node = None
        if isinstance(step, int) and isinstance(node, dict):
            words.append(str(node.get("id") or node.get("feed") or step + 1))
        elif not (isinstance(step, str) and step.startswith("function-")):
            words.append(str(step))
    return " > ".join(words) or "the file"
