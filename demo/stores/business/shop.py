"""A whole shop: ``build(PROFILES["acme"])``."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from demo.stores.business import catalogue, changes, people
from demo.stores.business.history import live
from demo.stores.business.model import Customer, Discount, Ids, Order, Shop
from demo.stores.business.orders import Basket, currencies, fill, place, refund, transact
from demo.stores.business.profiles import Profile
from demo.stores.business.rhythm import Purchase, rhythm

OPENED = datetime(2024, 12, 27, 5, tzinfo=UTC)
# The last second of 2026-06-30 in the shop's zone is before this, so that an order of that evening
# is there, and its follow-ups of July are not.
DATA_END = datetime(2026, 7, 1, 6, tzinfo=UTC)

# Lines of the order that no page of 250 holds, and of the one that has many.
HUGE_ORDER_LINES = 260
LARGE_ORDER_LINES = 30
_GONE = {"product": 3, "customer": 4, "order": 6}
_MERGED = 5
_TAGGED_AT_ONCE = 60


def build(profile: Profile, seed: int = 1, scale: float = 1.0) -> Shop:
    """Makes the shop as it stands when the data end; the same arguments make the same shop.

    The seed changes all but the days on which people buy; a scale of 1 is about 1,000 customers
    with 3,000 orders.
    """
    key = f"{seed}:{profile.company}"
    shop = Shop(profile=profile, opened_at=OPENED, now=DATA_END, ids=Ids())
    catalogue.stock(shop, key)
    catalogue.offer(shop, DATA_END)
    people_by_key: dict[str, Customer] = {}
    for number, purchase in enumerate(rhythm(profile, str(seed), scale)):
        rng = random.Random(f"{key}:{purchase.key}:{purchase.at.isoformat()}")
        _sell(shop, rng, purchase, people_by_key, number)
    rng = random.Random(f"{key}:rest")
    _add_large_orders(shop, rng)
    tag_at_once(shop, rng)
    _merge_and_delete(shop, rng)
    shop.now = DATA_END
    shop.version = 0
    return shop


def _sell(
    shop: Shop,
    rng: random.Random,
    purchase: Purchase,
    people_by_key: dict[str, Customer],
    number: int,
) -> None:
    customer = people_by_key.get(purchase.key)
    guest = rng.random() < (0.03 if customer else 0.05)
    if customer is None and not guest:
        created = purchase.at - timedelta(minutes=rng.randrange(2, 30))
        customer = people.invent(shop, rng, purchase.key, created)
        people_by_key[purchase.key] = customer
        shop.customers[customer.id] = customer
    email = customer.email if customer else f"guest.{purchase.key}@example.com"
    if guest and customer and customer.email and rng.random() < 0.5:
        # Somebody with an account who did not log in, and typed otherwise.
        email = customer.email.swapcase()
    basket = fill(shop, rng, purchase.pieces, purchase.value)
    order = place(
        shop,
        rng,
        basket,
        None if guest else customer,
        email,
        purchase.at,
        currencies(shop, rng, purchase.at),
        _discounts(shop, rng, purchase, sum(n for *_, n in basket.items)),
    )
    if guest and order.channel == "pos":
        order.email = None
    if number % 211 == 7:
        order.test = True
    if purchase.at < OPENED + timedelta(days=20) and rng.random() < 0.1:
        # Brought over from an older shop: bought then, created here later.
        order.created_at = OPENED + timedelta(days=21, seconds=rng.randrange(600))
    shop.orders[order.id] = order
    live(shop, rng, order, DATA_END)
    if customer and not guest:
        customer.updated_at = max(customer.updated_at, order.updated_at)


def _discounts(shop: Shop, rng: random.Random, purchase: Purchase, pieces: int) -> list[Discount]:
    running = [
        each
        for each in shop.discounts.values()
        if each.starts_at <= purchase.at and (each.ends_at is None or purchase.at < each.ends_at)
    ]
    automatic = [each for each in running if each.automatic and (each.free_shipping or pieces >= 5)]
    if purchase.value == 0 or rng.random() < 0.003:
        return [each for each in running if each.percent == 1]
    coded = [each for each in running if not each.automatic and each.percent != 1]
    return automatic + ([rng.choice(coded)] if rng.random() < 0.18 else [])


def _add_large_orders(shop: Shop, rng: random.Random) -> None:
    """Adds orders that no first page of lines holds, the larger one returned as a whole."""
    offers = [(each, each.variants[0]) for each in shop.products.values()]
    for days, count in ((200, LARGE_ORDER_LINES), (260, HUGE_ORDER_LINES)):
        at = OPENED + timedelta(days=days, hours=9)
        customer = people.invent(shop, rng, f"wholesale{count}", at - timedelta(days=1))
        customer.tags = ["wholesale"]
        shop.customers[customer.id] = customer
        items = tuple((*offers[n % len(offers)], 1 + n % 3) for n in range(count))
        money = currencies(shop, random.Random(0), at)
        order = place(shop, rng, Basket(items), customer, customer.email, at, money, [])
        transact(shop, order, "SALE", order.price, at)
        shop.orders[order.id] = order
        back = at + timedelta(days=12)
        refund(shop, order, back, {line.id: 1 for line in order.lines}, restock="RETURN")
        order.fulfilled_at = at + timedelta(days=2)
        order.updated_at = customer.updated_at = back


def tag_at_once(shop: Shop, rng: random.Random) -> None:
    """Tags orders in one second, as an app's nightly job does."""
    done = [
        each for each in shop.orders.values() if each.updated_at < DATA_END - timedelta(days=30)
    ]
    at = DATA_END - timedelta(days=20, seconds=-17)
    for order in rng.sample(done, min(_TAGGED_AT_ONCE, len(done))):
        order.tags = sorted({*order.tags, "reviewed"})
        order.updated_at = at


def _merge_and_delete(shop: Shop, rng: random.Random) -> None:
    """Lets some customers, orders and products be gone before anybody reads the shop."""
    shop.now = DATA_END - timedelta(days=40)
    known = [each.id for each in shop.customers.values() if each.email]
    pairs = rng.sample(known, 2 * _MERGED)
    for from_id, into_id in zip(pairs[:_MERGED], pairs[_MERGED:], strict=True):
        shop.now += timedelta(days=1)
        changes.merge_customers(shop, from_id, into_id)
    quiet: list[Order] = [
        each
        for each in shop.orders.values()
        if each.financial_status in {"PAID", "PENDING"} and len(each.lines) < LARGE_ORDER_LINES
    ]
    disputed = {each.order_id for each in shop.disputes.values()}
    for order in rng.sample(quiet, _GONE["order"]):
        if order.id not in disputed:
            changes.delete(shop, "order", order.id)
    for _ in range(_GONE["customer"]):
        ghost = people.invent(shop, rng, f"ghost{rng.randrange(10**6)}", shop.now)
        shop.customers[ghost.id] = ghost
        changes.delete(shop, "customer", ghost.id)
    for product_id in rng.sample(sorted(shop.products), _GONE["product"]):
        changes.delete(shop, "product", product_id)
