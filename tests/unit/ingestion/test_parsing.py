import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.sources.files.amounts import parse_amount
from ingestion.sources.files.dates import parse_date, parse_timestamp
from ingestion.sources.files.parsing import BadFieldError, RowParser
from warehouse.companies import Company, FileFeed

NEW_YORK = ZoneInfo("America/New_York")


def company(**changes: object) -> Company:
    return Company(
        id="shop",
        name="Shop",
        base_currency="USD",
        timezone="America/New_York",
        margin_rate=0.3,
        **changes,
    )


def feed(**changes: object) -> FileFeed:
    settings: dict[str, object] = {
        "feed": "orders",
        "path": "orders.csv",
        "columns": {"customer_id": "who", "order_date": "day", "amount": "paid"},
        "currency": "USD",
    }
    return FileFeed.model_validate(settings | changes)


def parser(header: str = "who,day,paid", **changes: object) -> RowParser:
    return RowParser.for_header(company(), feed(**changes), tuple(header.split(",")))


@pytest.mark.parametrize(
    ("text", "mark", "says"),
    [
        ("1,234.50", ".", "has a comma"),
        ("12,50", ".", "has a comma"),
        ("1.234,50", ",", "has a point"),
        ("twelve", ".", "is not a number"),
        ("$12.00", ".", "is not a number"),
        ("1e3", ".", "is not a number"),
        ("NaN", ".", "is not a number"),
        ("Infinity", ".", "is not a number"),
        ("--1", ".", "is not a number"),
        ("٣", ".", "is not a number"),
        ("100000000000000", ".", "below 10^14"),
        ("0.00001", ".", "more than 4 decimals"),
    ],
)
def test_a_bad_amount_says_what_is_wrong(text: str, mark: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as raised:
        parse_amount(text, mark)
    assert text in str(raised.value)


@given(
    st.decimals(
        min_value=Decimal("-99999999999999"),
        max_value=Decimal("99999999999999"),
        places=4,
        allow_nan=False,
        allow_infinity=False,
    ),
    st.sampled_from([".", ","]),
)
def test_an_amount_is_read_exactly(amount: Decimal, mark: str) -> None:
    written = f"{amount:f}".replace(".", mark)
    assert parse_amount(f" {written} ", mark) == amount


@given(st.text(max_size=12))
def test_an_amount_is_exact_or_refused(text: str) -> None:
    try:
        amount = parse_amount(text, ".")
    except ValueError:
        return
    assert amount == Decimal(text.strip())
    assert abs(amount) < Decimal(10) ** 14


@given(st.dates(min_value=date(1970, 1, 1), max_value=date(2999, 12, 31)))
def test_a_date_is_read_back(day: date) -> None:
    assert parse_date(day.isoformat(), None) == day
    assert parse_date(day.strftime("%d.%m.%Y"), "%d.%m.%Y") == day


@pytest.mark.parametrize("text", ["2025-02-30", "30/06/2026", "", "yesterday", "2025-1-1x"])
def test_a_bad_date_says_what_to_do(text: str) -> None:
    with pytest.raises(ValueError, match="correct it, or set date_format"):
        parse_date(text, "%Y-%m-%d")


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2090, 1, 1)))
def test_a_time_without_an_offset_is_local(moment: datetime) -> None:
    read = parse_timestamp(moment.isoformat(), None, NEW_YORK)
    assert read.tzinfo is UTC
    assert read == moment.replace(tzinfo=NEW_YORK)


def test_a_time_with_an_offset_keeps_its_instant_and_its_local_day() -> None:
    row = parser(
        header="who,at,paid", columns={"customer_id": "who", "ordered_at": "at", "amount": "paid"}
    ).parse(["1", "2026-01-01T03:30:00+00:00", "5.00"])
    assert row["ordered_at"] == datetime(2026, 1, 1, 3, 30, tzinfo=UTC)
    assert row["order_date"] == date(2025, 12, 31)


def test_a_day_is_never_shifted() -> None:
    row = parser().parse(["1", "2026-01-01", "5.00"])
    assert (row["ordered_at"], row["order_date"]) == (None, date(2026, 1, 1))


@pytest.mark.parametrize(
    ("fields", "column"),
    [
        (["", "2026-01-01", "5.00"], "who"),
        (["1", "", "5.00"], "day"),
        (["1", "1969-12-31", "5.00"], "day"),
        (["1", "2026-01-01", ""], "paid"),
        (["1", "2026-01-01"], "(row)"),
        (["1", "2026-01-01", "5.00", "more"], "(row)"),
        (["\udcff", "2026-01-01", "5.00"], "who"),
        (["\x00", "2026-01-01", "5.00"], "who"),
    ],
)
def test_a_bad_row_names_its_column(fields: list[str], column: str) -> None:
    with pytest.raises(BadFieldError) as raised:
        parser().parse(fields)
    assert raised.value.column == column


def test_a_day_after_tomorrow_is_a_typing_error() -> None:
    late = datetime.now(UTC).date() + timedelta(days=2)
    with pytest.raises(BadFieldError, match="not between"):
        parser().parse(["1", late.isoformat(), "5.00"])


def test_an_unknown_currency_is_refused_and_a_known_one_is_tidied() -> None:
    columns = {"customer_id": "who", "order_date": "day", "amount": "paid", "currency": "money"}
    one = parser(header="who,day,paid,money", columns=columns, currency=None)
    assert one.parse(["1", "2026-01-01", "5", " eur "])["currency"] == "EUR"
    with pytest.raises(BadFieldError, match="'XXQ' is not an ISO 4217 currency code"):
        one.parse(["1", "2026-01-01", "5", "XXQ"])


def test_a_guest_is_known_by_mail_and_unmapped_columns_are_kept() -> None:
    one = parser(
        header="mail,day,paid,note,shop",
        columns={"email": "mail", "order_date": "day", "amount": "paid"},
    )
    row = one.parse(["a@example.com", "2026-01-01", "5.00", "gift", "Köln"])
    assert (row["customer_id"], row["email"]) == (None, "a@example.com")
    assert row["extra"] == '{"note": "gift", "shop": "Köln"}'


def test_a_missing_column_names_what_the_file_has() -> None:
    with pytest.raises(
        ValueError, match=r"column 'who' \(customer_id\) is missing; the header has: a, b"
    ):
        parser(header="a,b")


def test_a_doubled_column_is_refused() -> None:
    with pytest.raises(ValueError, match="is there twice"):
        parser(header="who,day,paid,paid")
