"""Amounts: Stripe's documented examples, and what no amount may do."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.sources.stripe.currencies import major, major_of_decimal, minor_units

CODES = st.sampled_from(sorted(minor_units()))


# docs.stripe.com/currencies: minor units, zero-decimal, three-decimal and special cases.
@pytest.mark.parametrize(
    ("amount", "currency", "worth"),
    [
        (1099, "usd", "10.99"),
        (1000, "usd", "10.00"),
        (10, "jpy", "10"),
        (500, "jpy", "500"),
        (500, "isk", "5.00"),
        (500, "ugx", "5.00"),
        (5120, "kwd", "5.120"),
        (1045, "huf", "10.45"),
        (80045, "twd", "800.45"),
        (500, "mga", "500"),
        (-1099, "eur", "-10.99"),
        (0, "clp", "0"),
    ],
)
def test_the_documented_examples(amount: int, currency: str, worth: str) -> None:
    assert major(amount, currency) == Decimal(worth)
    assert str(major(amount, currency)) == worth


def test_the_table_is_stripes_and_not_isos() -> None:
    from warehouse.currencies import minor_units as iso

    table = minor_units()
    zero = [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
    three = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]
    assert sorted(code for code, places in table.items() if places == 0) == zero
    assert sorted(code for code, places in table.items() if places == 3) == three
    assert set(table.values()) == {0, 2, 3}
    differing = {code for code in table.keys() & iso().keys() if table[code] != iso()[code]}
    assert differing == {"ISK", "MGA", "UGX"}


@given(st.integers(-(10**17), 10**17), CODES)
def test_nothing_is_rounded(amount: int, code: str) -> None:
    worth = major(amount, code.lower())
    assert worth is not None
    assert int(worth.scaleb(minor_units()[code])) == amount
    assert worth.scaleb(minor_units()[code]) == amount


@given(st.lists(st.integers(-(10**14), 10**14)), CODES)
def test_a_sum_is_the_amount_of_the_sum(amounts: list[int], code: str) -> None:
    total = sum((major(each, code) or Decimal(0) for each in amounts), Decimal(0))
    assert total == major(sum(amounts), code)


@given(st.integers(-(10**20) + 1, 10**20 - 1), st.integers(0, 12), CODES)
def test_a_price_of_a_part_of_a_cent_is_exact(digits: int, places: int, code: str) -> None:
    text = f"{Decimal(digits).scaleb(-places):f}"
    worth = major_of_decimal(text, code)
    assert worth is not None
    assert worth.scaleb(minor_units()[code] + places) == digits


def test_a_price_as_documented() -> None:
    assert major_of_decimal("0.451", "usd") == Decimal("0.00451")
    assert major_of_decimal("1000", "usd") == Decimal("10")
    assert major_of_decimal(None, "usd") is None


@pytest.mark.parametrize("amount", [12.5, "1099", True, [1], {"a": 1}])
def test_what_is_no_whole_number_is_no_amount(amount: object) -> None:
    with pytest.raises(ValueError, match="not a whole number"):
        major(amount, "usd")


@pytest.mark.parametrize("amount", [12, "", "1,5", "NaN", "Infinity", "1e30", "0.1234567890123"])
def test_what_is_no_decimal_is_no_price(amount: object) -> None:
    with pytest.raises(ValueError, match="decimal"):
        major_of_decimal(amount, "usd")


@pytest.mark.parametrize("currency", ["xyz", "", None, 7, "usdc"])
def test_an_unknown_currency_is_refused(currency: object) -> None:
    with pytest.raises(ValueError, match="currency"):
        major(100, currency)
