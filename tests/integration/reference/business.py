"""What the marts must say of a business, in plain Python from the stand-ins' truth.

It shares no line with the SQL and takes no shortcut for speed: people are put together with a
union-find, money with decimals, days with zoneinfo.
"""

from __future__ import annotations

import csv
import hmac
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
#: source, and the source's own id or a guest's e-mail.
Name = tuple[str, str]

ZERO = Decimal(0)
CENT = Decimal("0.0001")
RATE_DAYS = 5


@dataclass(frozen=True)
class Order:
    """One order as the marts must show it.

    Attributes:
        counted: Whether it is revenue.
        bought: Goods after discounts, without tax, before anything came back, in the currency.
        back: What of it came back.
    """

    source: str
    order_id: str
    name: Name | None
    day: date
    currency: str
    counted: bool
    bought: Decimal = ZERO
    back: Decimal = ZERO


@dataclass
class People:
    """Names that belong together."""

    parents: dict[Any, Any] = field(default_factory=dict)

    def find(self, name: Any) -> Any:
        self.parents.setdefault(name, name)
        while self.parents[name] != name:
            name = self.parents[name]
        return name

    def join(self, one: Any, other: Any) -> None:
        self.parents[self.find(one)] = self.find(other)

    def groups(self, names: Iterable[Name]) -> set[frozenset[Name]]:
        found: dict[Any, set[Name]] = defaultdict(set)
        for name in names:
            found[self.find(name)].add(name)
        return {frozenset(group) for group in found.values()}


def number(global_id: str) -> str:
    return global_id.rsplit("/", 1)[-1]


class Rates:
    """Units for one euro by day; a rate stands in for the five days after it."""

    def __init__(self, path: Path) -> None:
        self.units: dict[tuple[str, date], Decimal] = {}
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                day = date.fromisoformat(row["date"])
                self.units[row["currency"], day] = Decimal(row["units_per_eur"])

    def _per_euro(self, currency: str, day: date) -> Decimal | None:
        if currency == "EUR":
            return Decimal(1)
        for back in range(RATE_DAYS + 1):
            found = self.units.get((currency, day - timedelta(days=back)))
            if found is not None:
                return found
        return None

    def convert(self, amount: Decimal, currency: str, to: str, day: date) -> Decimal | None:
        """Returns the amount in another currency, to the ten-thousandth; None without a rate."""
        if currency == to:
            return amount
        from_units, to_units = self._per_euro(currency, day), self._per_euro(to, day)
        if from_units is None or to_units is None:
            return None
        return (amount * to_units / from_units).quantize(CENT, ROUND_HALF_UP)


@dataclass
class Business:
    """A company that sells in a Shopify shop and on a site that is paid over Stripe.

    Attributes:
        shopify, site, stripe: Rows by entity, as the stand-ins tell them.
        merged: Customers of the shop that were there once: id, e-mail and the survivor's id.
        zone: The company's.
        email_key: The warehouse's, with which guests are named.
    """

    shopify: dict[str, list[Row]]
    site: dict[str, list[Row]]
    stripe: dict[str, list[Row]]
    merged: list[tuple[str, str | None, str]]
    zone: ZoneInfo
    email_key: bytes

    def day(self, moment: str) -> date:
        return datetime.fromisoformat(moment).astimezone(self.zone).date()

    def orders(self) -> list[Order]:
        return [*self._shop_orders(), *self._site_orders(), *self._stripe_orders()]

    def people(self) -> tuple[People, set[Name]]:
        """Returns who belongs together, and all names."""
        people, names = People(), set()

        def meet(name: Name, email: str | None) -> None:
            names.add(name)
            people.find(name)
            if email:
                people.join(name, ("e-mail", email.strip().lower()))

        has_email = {number(each["id"]) for each in self.shopify["customers"] if each["email"]}
        for each in self.shopify["customers"]:
            meet(("shopify", number(each["id"])), each["email"])
        for customer_id, email, survivor in self.merged:
            meet(("shopify", customer_id), email)
            people.join(("shopify", customer_id), ("shopify", survivor))
            if email:
                has_email.add(survivor)
        for each in self.site["customers"]:
            meet(("woocommerce", str(each["id"])), each["email"])
        for each in self.stripe["customers"]:
            meet(("stripe", each["id"]), each["email"])
        for each in self.shopify["orders"]:
            customer = each["customer_id"] and number(each["customer_id"])
            if customer and customer not in has_email:
                meet(("shopify", customer), each["email"])
        for order, email in self._guests():
            meet(order, email)
        return people, names

    def _guest(self, email: str) -> str:
        """The name of somebody of whom only the e-mail is known."""
        return (
            "guest-" + hmac.digest(self.email_key, email.strip().lower().encode(), "sha256").hex()
        )

    def _guests(self) -> Iterable[tuple[Name, str]]:
        for source, rows in (("shopify", self.shopify), ("woocommerce", self.site)):
            for each in rows["orders"]:
                if not each["customer_id"] and each["email"]:
                    yield (source, self._guest(each["email"])), each["email"]

    def _name(self, source: str, customer_id: str | None, email: str | None) -> Name | None:
        if customer_id:
            return source, number(str(customer_id))
        return (source, self._guest(email)) if email else None

    def _shop_orders(self) -> Iterable[Order]:
        goods: dict[str, Decimal] = defaultdict(Decimal)
        for line in self.shopify["order_lines"]:
            amount = Decimal(line["discounted_total_presentment"])
            goods[line["order_id"]] += amount
        for each in self.shopify["orders"]:
            assert not each["taxes_included"]
            counted = (
                not each["test"]
                and each["cancelled_at"] is None
                and each["financial_status"] in {"PAID", "PARTIALLY_REFUNDED", "REFUNDED"}
            )
            yield Order(
                "shopify",
                number(each["id"]),
                self._name("shopify", each["customer_id"], each["email"]),
                self.day(each["processed_at"]),
                each["presentment_currency"],
                counted,
                goods[each["id"]] if counted else ZERO,
            )

    def _site_orders(self) -> Iterable[Order]:
        goods: dict[int, Decimal] = defaultdict(Decimal)
        for line in (*self.site["order_lines"], *self.site["order_fees"]):
            goods[line["order_id"]] += Decimal(line["total"])
        refunds: dict[int, list[Row]] = defaultdict(list)
        for refund in self.site["refunds"]:
            refunds[refund["order_id"]].append(refund)
        lines: dict[int, list[Row]] = defaultdict(list)
        for line in self.site["refund_lines"]:
            lines[line["refund_id"]].append(line)
        for each in self.site["orders"]:
            received = Decimal(each["received"])
            moved = sum((Decimal(one["amount"]) for one in refunds[each["id"]]), ZERO)
            paid = received > 0 or Decimal(each["total"]) == 0
            given_back = moved > 0 and moved >= received
            counted = given_back or (paid and not each["cancelled"])
            yield Order(
                "woocommerce",
                f"woocommerce-{each['id']}",
                self._name("woocommerce", each["customer_id"], each["email"]),
                self.day(each["created_at"]),
                each["currency"],
                counted,
                goods[each["id"]] if counted else ZERO,
                self._site_back(goods[each["id"]], refunds[each["id"]], lines) if counted else ZERO,
            )

    @staticmethod
    def _site_back(goods: Decimal, refunds: list[Row], lines: dict[int, list[Row]]) -> Decimal:
        """What came back for goods: pieces, and what was paid beside them, never more than paid."""
        back = ZERO
        for refund in sorted(refunds, key=lambda one: (one["created_at"], str(one["id"]))):
            of_it = lines[refund["id"]]
            due = sum((Decimal(line["gross"]) for line in of_it), ZERO)
            pieces = due - sum((Decimal(line["tax"]) for line in of_it), ZERO)
            beside = Decimal(refund["amount"]) - due - Decimal(refund["shipping"])
            back += max(pieces + beside, ZERO)
        return min(back, goods)

    def _stripe_orders(self) -> Iterable[Order]:
        of_shops = {each["order_key"] for each in self.site["orders"]}
        intents = {each["id"]: each for each in self.stripe["payment_intents"]}
        invoice_of = {each["intent"]: each["invoice"] for each in self.stripe["invoice_payments"]}
        charges: dict[str, list[Row]] = defaultdict(list)
        for charge in self.stripe["charges"]:
            if intents[charge["intent"]]["metadata"].get("order_key") not in of_shops:
                charges[charge["intent"]].append(charge)
        order_of = {
            charge["id"]: invoice_of.get(intent, intent)
            for intent, found in charges.items()
            for charge in found
        }
        back: dict[str, Decimal] = defaultdict(Decimal)
        refunded: set[str] = set()
        for refund in self.stripe["refunds"]:
            if refund["status"] in {"succeeded", "pending"} and refund["charge"] in order_of:
                back[order_of[refund["charge"]]] += Decimal(refund["amount"])
                refunded.add(refund["id"])
        for invoice in self.stripe["invoices"]:
            # A credit note before payment lowers what is paid; one after it is a refund here.
            back[invoice["id"]] += Decimal(invoice["credited_before"])
            total = Decimal(invoice["total"])
            if invoice["status"] == "draft" or total <= 0:
                continue
            counted = invoice["status"] == "paid"
            moment = invoice["paid_at"] or invoice["finalized_at"] or invoice["created"]
            yield Order(
                "stripe",
                invoice["id"],
                ("stripe", invoice["customer"]),
                self.day(moment),
                invoice["currency"],
                counted,
                total if counted else ZERO,
                min(back[invoice["id"]], total) if counted else ZERO,
            )
        for intent, found in charges.items():
            if intent in invoice_of:
                continue
            captured = [each for each in found if Decimal(each["captured"]) > 0]
            total = sum((Decimal(each["captured"]) for each in captured), ZERO)
            customer = next((each["customer"] for each in found if each["customer"]), None)
            email = next((each["email"] for each in found if each["email"]), None)
            yield Order(
                "stripe",
                intent,
                self._name("stripe", customer, email),
                self.day(min(each["created"] for each in captured or found)),
                found[0]["currency"],
                total > 0,
                total,
                min(back[intent], total),
            )


Cell = tuple[date, int]


def cohorts(
    orders: Iterable[Order], people: People, last_day: date
) -> tuple[dict[date, int], dict[Cell, int]]:
    """Returns sizes of cohorts, and the customers that were active so many months after."""
    days: dict[Any, list[date]] = defaultdict(list)
    for order in orders:
        if order.counted and order.name:
            days[people.find(order.name)].append(order.day.replace(day=1))
    sizes: dict[date, int] = defaultdict(int)
    active: dict[Cell, int] = defaultdict(int)
    for months in days.values():
        first = min(months)
        sizes[first] += 1
        for month in set(months):
            since = (month.year - first.year) * 12 + month.month - first.month
            if (month + timedelta(days=32)).replace(day=1) <= last_day + timedelta(days=1):
                active[first, since] += 1
    return dict(sizes), dict(active)
