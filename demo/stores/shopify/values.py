"""How Shopify writes ids, times and money."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from demo.stores.business.money import Money


def gid(kind: str, number: int) -> str:
    """Returns a global id, as in ``gid://shopify/Order/5400000032771``."""
    return f"gid://shopify/{kind}/{number}"


def split_gid(value: str) -> tuple[str, int] | None:
    """Returns kind and number of a global id, None if it is not one."""
    prefix, _, rest = value.partition("gid://shopify/")
    kind, _, number = rest.partition("?")[0].partition("/")
    if prefix or not kind or not number.isdecimal():
        return None
    return kind, int(number)


def stamp(at: datetime | None) -> str | None:
    """Returns a time as UTC with whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def decimal(amount: Decimal) -> str:
    """Returns a Decimal: no zeros behind, but one digit at least (``10.0``, ``4.95``)."""
    whole, _, fraction = f"{amount:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}"


def money(amount: Decimal, currency: str) -> dict[str, str]:
    """Returns a MoneyV2."""
    return {"amount": decimal(amount), "currencyCode": currency}


def bag(amount: Money, shop: str, presentment: str) -> dict[str, dict[str, str]]:
    """Returns a MoneyBag of an amount in two currencies."""
    return {
        "shopMoney": money(amount.shop, shop),
        "presentmentMoney": money(amount.presentment, presentment),
    }
