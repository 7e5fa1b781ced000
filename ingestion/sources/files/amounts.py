"""Amounts as people write them to exact decimals, or to the reason why not. Pure functions."""

from __future__ import annotations

import re
from decimal import Decimal

_PLAIN_NUMBER = re.compile(r"[+-]?(\d{1,14})(\.\d+)?")

#: Currency signs, each with the currencies that are written with it.
_SIGNS: dict[str, frozenset[str]] = {
    sign: frozenset(codes.split())
    for sign, codes in {
        "$": "USD CAD AUD NZD MXN SGD HKD TWD ARS CLP COP UYU BSD BBD JMD TTD FJD XCD LRD NAD",
        "US$": "USD",
        "CA$": "CAD",
        "C$": "CAD NIO",
        "A$": "AUD",
        "AU$": "AUD",
        "NZ$": "NZD",
        "HK$": "HKD",
        "S$": "SGD",
        "NT$": "TWD",
        "MX$": "MXN",
        "R$": "BRL",
        "€": "EUR",
        "£": "GBP EGP GIP FKP SHP LBP SYP",
        "¥": "JPY CNY",
        "￥": "JPY CNY",
        "円": "JPY",
        "元": "CNY TWD HKD",
        "₹": "INR",
        "₨": "INR PKR LKR NPR MUR SCR",
        "rs": "INR PKR LKR NPR MUR SCR",
        "₩": "KRW KPW",
        "₽": "RUB",
        "₺": "TRY",
        "tl": "TRY",
        "₴": "UAH",
        "₪": "ILS",
        "฿": "THB",
        "₫": "VND",
        "đ": "VND",
        "₱": "PHP",
        "₦": "NGN",
        "zł": "PLN",
        "kč": "CZK",
        "ft": "HUF",
        "lei": "RON MDL",
        "kr": "SEK NOK DKK ISK",
        "fr": "CHF",
        "sfr": "CHF",
        "r": "ZAR",
        "rm": "MYR",
        "rp": "IDR",
    }.items()
}

_SIGN = r"[^\d\s.,'’()+\-−]{1,4}\.?"

_WRITTEN = re.compile(
    rf"(?P<open>\()?\s*(?P<minus1>[+\-−])?\s*(?P<sign1>{_SIGN})?\s*(?P<minus2>[+\-−])?\s*"
    rf"(?P<number>[.,]?\d(?:[\d.,'’\s]*\d)?[.,]?)"
    rf"\s*(?P<minus3>[+\-−])?\s*(?P<sign2>{_SIGN})?\s*(?P<minus4>[+\-−])?\s*(?P<close>\))?"
)

_GROUPS = {
    mark: re.compile(
        rf"\d{{1,3}}(?:{written}\d{{3}})+|\d{{1,2}}(?:{written}\d{{2}})+{written}\d{{3}}"
    )
    for mark, written in {".": r"\.", ",": ",", " ": r"\s", "'": "['’]"}.items()
}

_GROUP_MARKS = {".": ".", ",": ",", " ": r"\s", "'": "'’"}


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
                "write 1234,50 without a thousands separator, set thousands: '.', or decimal: '.'"
            )
        plain = plain.replace(",", ".")
    elif "," in plain:
        raise ValueError(
            f"{text!r} has a comma, but the feed's decimal mark is a point: "
            "write 1234.50 without a thousands separator, set thousands: ',', or decimal: ','"
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


def parse_money(
    text: str,
    decimal_mark: str,
    thousands: str | None = None,
    currency: str | None = None,
    *,
    rounded: bool = False,
) -> Decimal:
    """Reads an amount as people write it: "1.234,56", "€ 12", "(12.00)", "12,00-", "EUR 12".

    Args:
        text: The amount.
        decimal_mark: "." or ",".
        thousands: What groups its digits; None refuses groups.
        currency: ISO 4217 code that a currency sign has to fit; None refuses signs.
        rounded: As for `parse_amount`.

    Returns:
        The amount, with at most 4 decimals; in parentheses or before a minus it is negative.

    Raises:
        ValueError: It can't be read without doubt; the message says what to do.
    """
    plain = text.strip()
    if _PLAIN_NUMBER.fullmatch(plain) and plain.isascii() and thousands != ".":
        mark = "." if decimal_mark == "." or "." not in plain else ","
        return parse_amount(plain, mark, rounded=rounded)
    found = _WRITTEN.fullmatch(plain)
    if found is None or not plain.replace("−", "-"):
        return parse_amount(text, decimal_mark, rounded=rounded)
    for sign in (found["sign1"], found["sign2"]):
        if sign is not None:
            _check_sign(text, sign, currency)
    negatives = [found[f"minus{place}"] for place in (1, 2, 3, 4) if found[f"minus{place}"]]
    bracketed = found["open"] is not None
    if bracketed != (found["close"] is not None) or len(negatives) + bracketed > 1:
        raise ValueError(f"{text!r} is not a number: write -12 or (12)")
    number = _ungrouped(text, found["number"], decimal_mark, thousands)
    amount = parse_amount(number, decimal_mark, rounded=rounded)
    return -amount if bracketed or negatives[:1] in (["-"], ["−"]) else amount


def _check_sign(text: str, sign: str, currency: str | None) -> None:
    plain = sign.rstrip(".")
    if currency is not None and (
        plain.upper() == currency or currency in _SIGNS.get(plain, _SIGNS.get(plain.lower(), ()))
    ):
        return
    meant = "is no amount" if currency is None else f"the row's currency is {currency}"
    raise ValueError(f"{text!r} is not a number: it has {sign!r}, but {meant}. Correct one of them")


def _ungrouped(text: str, number: str, decimal_mark: str, thousands: str | None) -> str:
    """Takes out the thousands separators, where they group as they should."""
    if thousands is None:
        return number
    whole, mark, fraction = number.partition(decimal_mark)
    written = _GROUP_MARKS[thousands]
    if not re.search(f"[{written}]", whole):
        return number
    if not _GROUPS[thousands].fullmatch(whole):
        raise ValueError(
            f"{text!r} is not grouped by thousands with {thousands!r}: "
            f"correct it, or the feed's decimal and thousands"
        )
    return re.sub(f"[{written}]", "", whole) + mark + fraction
