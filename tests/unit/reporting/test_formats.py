"""How values are written."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.blocks import formats


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (Decimal("1234.5"), "USD", "1,234.50 USD"),
        (Decimal("12345.6"), "USD", "12,346 USD"),
        (1234.5, "JPY", "1,234 JPY"),
        (1.5, "KWD", "1.500 KWD"),
        (-3, "EUR", "−3.00 EUR"),
        (-0.001, "EUR", "0.00 EUR"),
        (None, "EUR", "–"),
        (float("nan"), "EUR", "–"),
    ],
)
def test_money_has_its_currency_and_its_cents(value: float, currency: str, text: str) -> None:
    assert formats.money(value, currency) == text


def test_a_table_leaves_the_currency_to_its_header() -> None:
    assert formats.written(Decimal("1234.5"), "money", "USD") == "1,234.50"


@pytest.mark.parametrize(
    ("now", "then", "text"),
    [(105, 100, "+5.0 %"), (95, 100, "−5.0 %"), (5, -10, "+150.0 %"), (5, 0, "–"), (5, None, "–")],
)
def test_changes_are_relative_to_what_was(now: float, then: float | None, text: str) -> None:
    assert formats.signed_percent(formats.change(now, then)) == text


def test_a_moment_is_told_by_the_clocks_of_the_company() -> None:
    at = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    assert formats.moment(at, "Europe/Berlin") == "1 Jul 2026, 01:30"
    assert formats.moment(at, "America/New_York") == "30 Jun 2026, 19:30"
    assert formats.day(date(2026, 1, 5)) == "5 Jan 2026"


@given(st.decimals(-(10**12), 10**12, places=4), st.sampled_from(["USD", "JPY", "KWD"]))
def test_what_is_written_is_the_amount(value: Decimal, currency: str) -> None:
    text = formats.amount(value, currency)
    read = Decimal(text.replace(",", "").replace("−", "-"))
    places = {"USD": 2, "JPY": 0, "KWD": 3}[currency] if abs(value) < 10_000 else 0
    assert abs(read - value) <= Decimal("0.5") * Decimal(10) ** -places
