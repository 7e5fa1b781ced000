"""A company's second shop, its own site: ``build_site(PROFILES["acme"])``.

A third of its customers shop at the company's other shop, too. Most pay by card over Stripe. Ids
are small numbers, and all that is published there draws from one sequence of them.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from demo.stores.business import catalogue, people
from demo.stores.business.history import live
from demo.stores.business.model import Customer, Discount, Ids, Line, Order, Shop
from demo.stores.business.money import ZERO, Currencies, Money
from demo.stores.business.orders import STRIPE, currencies, fill, place, tax, transact
from demo.stores.business.profiles import Profile
from demo.stores.business.rhythm import CUSTOMERS, Purchase, rhythm
from demo.stores.business.shop import DATA_END, OPENED, build, tag_at_once

#: What the site is to the other shop.
SHARE = 0.4
_KNOWN = 1 / 3
_TRASHED = 4
_IDLE = 3
#: Currencies that every site sells in: one without decimals, one with three.
_EVERYWHERE = {"JPY": (0.03, Decimal("155.20")), "KWD": (0.02, Decimal("0.30712"))}


class SiteIds(Ids):
    """Small numbers; posts share one sequence, as do the items of orders."""

    SEQUENCES: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("product", "variant", "discount", "order", "refund"), "post"),
        **dict.fromkeys(("line", "shipping", "refund_line", "refund_shipping"), "item"),
    }

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        # Seen by nobody but Stripe, which serves both companies.
        self._next["transaction"] = (profile.slice + 1) * 1_000_000

    def next(self, entity: str) -> int:
        """Returns the next number of the sequence that the entity draws from."""
        sequence = self.SEQUENCES.get(entity, entity)
        value = self._next.get(sequence, 0) + 1
        self._next[sequence] = value
        return value


def build_site(profile: Profile, seed: int = 1, scale: float = 1.0) -> Shop:
    """Makes the site as it stands when the data end; the same arguments make the same site.

    A scale of 1 is about 400 customers with 1,200 orders, beside a shop of the same scale.
    """
    key = f"{seed}:{profile.company}:site"
    rates = profile.rates | {
        code: profile.rates.get(code, each) for code, each in _EVERYWHERE.items()
    }
    site = Shop(
        profile=replace(profile, rates=rates),
        opened_at=OPENED,
        now=DATA_END,
        ids=SiteIds(profile),
        gateway=STRIPE,
    )
    catalogue.stock(site, key)
    _offer(site)
    known = [each for each in build(profile, seed, scale).customers.values() if each.email]
    random.Random(f"{key}:known").shuffle(known)
    people_by_key: dict[str, Customer] = {}
    purchases = rhythm(profile, key, scale * SHARE, skip=CUSTOMERS)
    for number, purchase in enumerate(purchases):
        rng = random.Random(f"{key}:{purchase.key}:{purchase.at.isoformat()}")
        _sell(site, rng, purchase, people_by_key, known, number)
    rng = random.Random(f"{key}:rest")
    _add_idle_customers(site, rng)
    tag_at_once(site, rng)
    _throw_away(site, rng)
    site.now = DATA_END
    site.version = 0
    return site


def _offer(site: Shop) -> None:
    """Adds coupons; each has one code, and nothing applies by itself."""

    def add(code: str, percent: str | None = None, amount: str | None = None) -> None:
        discount_id = site.ids.next("discount")
        site.discounts[discount_id] = Discount(
            id=discount_id,
            title=code,
            codes=[code],
            percent=Decimal(percent) if percent else None,
            amount=Decimal(amount) if amount else None,
            free_shipping=not percent and not amount,
            starts_at=site.opened_at,
            ends_at=None,
            created_at=site.opened_at - timedelta(days=2),
            updated_at=site.opened_at,
        )

    add("welcome10", "0.10")
    add("fiveoff", amount="5.00")
    add("freeship")
    add("onthehouse", "1")
    for number in range(6):
        add(f"friend{number:02d}", "0.12")


def _sell(
    site: Shop,
    rng: random.Random,
    purchase: Purchase,
    people_by_key: dict[str, Customer],
    known: list[Customer],
    number: int,
) -> None:
    customer = people_by_key.get(purchase.key)
    guest = rng.random() < (0.05 if customer else 0.12)
    if customer is None and not guest:
        created = purchase.at - timedelta(minutes=rng.randrange(2, 30))
        customer = people.invent(site, rng, f"site{purchase.key}", created)
        # Nobody has an account on a site without an e-mail.
        customer.email = customer.email or f"customer{customer.id}@example.com"
        if rng.random() < _KNOWN and known:
            _be(customer, known.pop(), rng)
        people_by_key[purchase.key] = customer
        site.customers[customer.id] = customer
    email = customer.email if customer else f"guest.site{purchase.key}@example.com"
    if guest and customer and customer.email and rng.random() < 0.5:
        email = customer.email.swapcase()
    order = place(
        site,
        rng,
        fill(site, rng, purchase.pieces, purchase.value),
        None if guest else customer,
        email,
        purchase.at,
        _currencies(site, rng, purchase.at, number),
        _coupons(site, rng, purchase),
    )
    if order.address is None and customer:
        order.address = customer.address
    if rng.random() < 0.06:
        _add_fee(site, order)
    site.orders[order.id] = order
    live(site, rng, order, DATA_END, _pay)
    if customer and not guest:
        customer.updated_at = max(customer.updated_at, order.updated_at)


def _be(customer: Customer, known: Customer, rng: random.Random) -> None:
    """Makes somebody new the person who is known to the other shop, typing otherwise at times."""
    customer.first_name, customer.last_name = known.first_name, known.last_name
    email = known.email or ""
    customer.email = email.upper() if rng.random() < 0.2 else email
    customer.phone = known.phone


def _currencies(site: Shop, rng: random.Random, at: datetime, number: int) -> Currencies:
    """Chooses a currency; the first orders have one of each, however small the site is."""
    chosen = currencies(site, rng, at)
    codes = sorted(_EVERYWHERE)
    if 2 < number < 3 + len(codes):
        code = codes[number - 3]
        return Currencies(site.profile.currency, code, site.profile.rates[code][1])
    return chosen


def _coupons(site: Shop, rng: random.Random, purchase: Purchase) -> list[Discount]:
    free = [each for each in site.discounts.values() if each.percent == 1]
    if purchase.value == 0:
        return free
    others = [each for each in site.discounts.values() if each not in free]
    return [rng.choice(others)] if rng.random() < 0.2 else []


def _add_fee(site: Shop, order: Order) -> None:
    """Adds a fee, which is a line of no product."""
    order.lines.append(
        Line(
            id=site.ids.next("line"),
            product_id=0,
            variant_id=0,
            title="Gift wrap",
            variant_title="",
            sku="",
            vendor="",
            quantity=1,
            current_quantity=1,
            unit_price=order.currencies.of(Decimal("2.50")),
            allocations=[],
            taxes=[],
        )
    )
    tax(site, order)


def _pay(site: Shop, rng: random.Random, order: Order, end: datetime) -> None:
    """Pays by card, most of the time; by transfer or at the door; or not at all."""
    due, at = order.price, order.created_at
    if due == ZERO:
        return
    drawn = rng.random()
    if drawn < 0.02:
        # Left at the till: the order stays pending, or is cancelled after a while.
        if drawn < 0.012 and at + timedelta(hours=1) <= end:
            order.cancelled_at, order.cancel_reason = at + timedelta(hours=1), "CUSTOMER"
        return
    if drawn < 0.05:
        for attempt in range(rng.randrange(1, 3)):
            moment = at + timedelta(minutes=attempt)
            _try_card(site, order, due, moment, "CARD_DECLINED")
        if drawn < 0.035:
            return
    if drawn < 0.07:
        transact(site, order, "SALE", due, at, status="PENDING", gateway="bacs")
    elif drawn < 0.12:
        transact(site, order, "SALE", due, at, gateway="bacs")
    elif drawn < 0.16:
        transact(site, order, "SALE", due, at, gateway="cod")
    elif drawn < 0.20:
        _authorize(site, order, at + timedelta(hours=rng.randrange(2, 70)), end, drawn < 0.17)
    else:
        transact(site, order, "SALE", due, at + timedelta(minutes=3))


def _authorize(site: Shop, order: Order, then: datetime, end: datetime, voided: bool) -> None:
    """Authorizes a card first, and captures or voids that later."""
    due = order.price
    first = transact(site, order, "AUTHORIZATION", due, order.created_at)
    if then > end:
        return
    if voided:
        order.cancelled_at, order.cancel_reason = then, "FRAUD"
    kind = "VOID" if voided else "CAPTURE"
    transact(site, order, kind, due, then, parent=first)


def _try_card(site: Shop, order: Order, due: Money, at: datetime, error: str) -> None:
    transact(site, order, "SALE", due, at, status="FAILURE", error=error)


def _add_idle_customers(site: Shop, rng: random.Random) -> None:
    """Adds people who have an account and never bought."""
    for number in range(_IDLE):
        created = OPENED + timedelta(days=rng.randrange(1, 500), seconds=rng.randrange(86_400))
        customer = people.invent(site, rng, f"idle{number}", created)
        customer.email = customer.email or f"customer{customer.id}@example.com"
        site.customers[customer.id] = customer


def _throw_away(site: Shop, rng: random.Random) -> None:
    """Lets some orders lie in the trash before anybody reads the site."""
    idle = [each for each in site.orders.values() if not each.transactions]
    for order in rng.sample(idle, min(_TRASHED, len(idle))):
        order.trashed = True
