"""Amounts as people write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.sources.files.amounts import parse_money


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "currency", "amount"),
    [
        ("1.234,56", ",", ".", "EUR", "1234.56"),
        ("1 234,56", ",", " ", "EUR", "1234.56"),
        ("1\u00a0234\u202f567,8", ",", " ", "EUR", "1234567.8"),
        ("1'234.50", ".", "'", "CHF", "1234.5"),
        ("1’234.50", ".", "'", "CHF", "1234.5"),
        ("1,234.50", ".", ",", "USD", "1234.5"),
        ("12,34,567.00", ".", ",", "INR", "1234567"),
        ("(12.00)", ".", None, "USD", "-12"),
        ("($1,212.00)", ".", ",", "USD", "-1212"),
        ("12,00-", ",", None, "EUR", "-12"),
        ("−12.00", ".", None, "USD", "-12"),
        ("€ 12,00", ",", None, "EUR", "12"),
        ("-€12,00", ",", None, "EUR", "-12"),
        ("€-12,00", ",", None, "EUR", "-12"),
        ("12,00 €", ",", None, "EUR", "12"),
        ("$12", ".", None, "CAD", "12"),
        ("CA$12", ".", None, "CAD", "12"),
        ("R$ 1.234,56", ",", ".", "BRL", "1234.56"),
        ("USD 12.00", ".", None, "USD", "12"),
        ("12.00 usd", ".", None, "USD", "12"),
        ("kr. 12,50", ",", None, "DKK", "12.5"),
        ("12,50 zł", ",", None, "PLN", "12.5"),
        ("Fr. 12.50", ".", None, "CHF", "12.5"),
        ("￥1,200", ".", ",", "JPY", "1200"),
        ("1200円", ".", None, "JPY", "1200"),
        ("+5", ".", None, None, "5"),
        ("1.234", ",", ".", "EUR", "1234"),
        ("1.234", ".", ",", "EUR", "1.234"),
        ("0.1234", ".", None, "KWD", "0.1234"),
    ],
)
def test_amounts_of_many_locales(
    text: str, decimal: str, thousands: str | None, currency: str | None, amount: str
) -> None:
    assert parse_money(text, decimal, thousands, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "currency", "says"),
    [
        ("$12.00", ".", None, "EUR", "the row's currency is EUR"),
        ("£12 €", ".", None, "GBP", "the row's currency is GBP"),
        ("12 kg", ".", None, "EUR", "the row's currency is EUR"),
        ("$12", ".", None, None, "is no amount"),
        ("1,23.4", ".", ",", "USD", "not grouped by thousands"),
        ("12,34", ".", ",", "USD", "not grouped by thousands"),
        ("1,234.50", ".", None, "USD", "set thousands: ','"),
        ("1.234,50", ",", None, "EUR", "set thousands: '.'"),
        ("(-12)", ".", None, "USD", "write -12 or (12)"),
        ("(12", ".", None, "USD", "write -12 or (12)"),
        ("-12-", ".", None, "USD", "write -12 or (12)"),
        ("1.234,567,8", ",", ".", "EUR", "is not a number"),
        ("", ".", None, "USD", "is not a number"),
        ("€", ".", None, "EUR", "is not a number"),
        ("1e5", ".", None, "USD", "is not a number"),
        ("999999999999999", ".", None, "USD", "below 10^14"),
        ("0.00001", ".", None, "USD", "more than 4 decimals"),
        ("٣", ".", None, "USD", "is not a number"),
    ],
)
def test_an_amount_in_doubt_is_refused(
    text: str, decimal: str, thousands: str | None, currency: str | None, says: str
) -> None:
    with pytest.raises(ValueError) as raised:
        parse_money(text, decimal, thousands, currency)
    assert says in str(raised.value)


AMOUNTS = st.decimals("-99999999999999", "99999999999999", places=4)
LOCALES = [(".", ","), (",", "."), (",", " "), (".", "'"), (".", None), (",", None)]


@given(AMOUNTS, st.sampled_from(LOCALES), st.sampled_from(["{}", "{} €", "€{}", "EUR {}", " {} "]))
def test_what_a_locale_writes_is_read_back_exactly(
    amount: Decimal, locale: tuple[str, str | None], around: str
) -> None:
    decimal, thousands = locale
    written = f"{abs(amount):,.4f}".replace(",", "_").replace(".", decimal)
    written = around.format(written.replace("_", thousands or ""))
    assert parse_money(written, decimal, thousands, "EUR") == abs(amount)
    for negative in (f"-{written.strip()}", f"({written})", f"{written}-"):
        assert parse_money(negative, decimal, thousands, "EUR") == -abs(amount)


@given(st.text("0123456789.,'’ -+()€$EUR\u00a0٣x", max_size=14), st.sampled_from(LOCALES))
def test_any_text_is_an_exact_amount_or_refused_in_words(
    text: str, locale: tuple[str, str | None]
) -> None:
    try:
        amount = parse_money(text, *locale, "EUR")
    except ValueError as error:
        assert str(error)
        return
    assert abs(amount) < 10**14
    assert [char for char in text if char in "0123456789"]
    digits = "".join(char for char in text if char in "0123456789").lstrip("0")
    assert "".join(map(str, amount.as_tuple().digits)).strip("0") == digits.strip("0")
