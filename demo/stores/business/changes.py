"""What merchants and buyers do to a shop while somebody reads it.

Each change moves the shop's clock on by a second and marks what it touched with the new time,
unless it is told to leave the time as it was.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from demo.stores.business.model import Deletion, Line, Merge, Order, Shop
from demo.stores.business.money import ZERO, Money, rounded
from demo.stores.business.orders import currencies, fill, place, refund, transact

ENTITIES = ("order", "customer", "product")


def tick(shop: Shop, seconds: int = 1) -> datetime:
    """Moves the shop's clock, counts a change, and returns the time."""
    shop.now += timedelta(seconds=seconds)
    shop.version += 1
    return shop.now


def find_order(shop: Shop, order_id: int) -> Order:
    """Returns the order.

    Raises:
        LookupError: There is none.
    """
    if order_id not in shop.orders:
        raise LookupError(f"no order {order_id}")
    return shop.orders[order_id]


def edit_order(
    shop: Shop,
    order_id: int,
    *,
    note: str | None = None,
    tags: list[str] | None = None,
    remove_line: int | None = None,
    add_line: bool = False,
    updated_at: datetime | None = None,
) -> Order:
    """Changes an order: its note, its tags, or its lines.

    A line that is taken off, named by its position, vanishes; an added one is of some product.
    `updated_at` is the time the order is marked with instead of now; its old one makes an edit that
    a reader who trusts the time alone can't see.

    Raises:
        LookupError: There is no such order or line.
        ValueError: The line was refunded, or is the only one.
    """
    order = find_order(shop, order_id)
    at = tick(shop)
    if note is not None:
        order.note = note
    if tags is not None:
        order.tags = sorted(tags)
    if remove_line is not None:
        _remove_line(order, remove_line)
        order.edited = True
    if add_line:
        order.lines.append(_another_line(shop, order))
        order.edited = True
    order.updated_at = updated_at or at
    return order


def _remove_line(order: Order, place: int) -> None:
    line = order.lines[place]
    if len(order.lines) == 1 or line.current_quantity != line.quantity:
        raise ValueError(f"line {place} of order {order.id} can't be taken off")
    del order.lines[place]


def _another_line(shop: Shop, order: Order) -> Line:
    product = next(iter(shop.products.values()))
    variant = product.variants[0]
    return Line(
        id=shop.ids.next("line"),
        product_id=product.id,
        variant_id=variant.id,
        title=product.title,
        variant_title=variant.title,
        sku=variant.sku,
        vendor=product.vendor,
        quantity=1,
        current_quantity=1,
        unit_price=order.currencies.of(variant.price),
        allocations=[],
        taxes=[],
    )


def edit_customer(shop: Shop, customer_id: int, *, note: str | None, email: str | None) -> None:
    """Changes a customer's note or e-mail.

    Raises:
        LookupError: There is none.
    """
    if customer_id not in shop.customers:
        raise LookupError(f"no customer {customer_id}")
    customer = shop.customers[customer_id]
    customer.note = note if note is not None else customer.note
    customer.email = email if email is not None else customer.email
    customer.updated_at = tick(shop)


def edit_product(shop: Shop, product_id: int, *, title: str) -> None:
    """Renames a product; its variants count as changed too.

    Raises:
        LookupError: There is none.
    """
    if product_id not in shop.products:
        raise LookupError(f"no product {product_id}")
    product = shop.products[product_id]
    product.title = title
    product.updated_at = tick(shop)
    for variant in product.variants:
        variant.updated_at = product.updated_at


def add_orders(shop: Shop, count: int, created_at: datetime | None = None) -> list[Order]:
    """Adds orders of customers who are there already.

    `created_at` is when they were bought, now by default. They are marked as changed now all the
    same, as orders are that come late from another system.
    """
    made = []
    for _ in range(count):
        at = tick(shop)
        rng = random.Random(f"{shop.profile.company}:{at.isoformat()}")
        customer = rng.choice([*shop.customers.values()])
        bought = created_at or at
        pieces = rng.randrange(1, 4)
        basket = fill(shop, rng, pieces, rounded(pieces * shop.profile.price_factor * 14, "USD"))
        money = currencies(shop, rng, bought)
        order = place(shop, rng, basket, customer, customer.email, bought, money, [])
        transact(shop, order, "SALE", order.price, bought)
        order.updated_at = customer.updated_at = at
        shop.orders[order.id] = order
        made.append(order)
    return made


def refund_order(
    shop: Shop,
    order_id: int,
    *,
    quantities: dict[int, int] | None = None,
    restock: str = "RETURN",
    with_shipping: bool = False,
    goodwill: Money = ZERO,
) -> None:
    """Refunds some pieces, by line id, or an amount; without either, all pieces that are left."""
    order = find_order(shop, order_id)
    at = tick(shop)
    if quantities is None:
        everything = {line.id: line.current_quantity for line in order.lines}
        quantities = everything if goodwill == ZERO else {}
    refund(
        shop,
        order,
        at,
        quantities,
        restock=restock,
        with_shipping=with_shipping,
        goodwill=goodwill,
    )
    order.updated_at = at


def delete(shop: Shop, entity: str, entity_id: int) -> None:
    """Deletes an order, a customer or a product.

    The lines of a deleted product stay in their orders, which are not marked as changed. Disputes
    of a deleted order lose it.

    Raises:
        LookupError: There is no such thing.
        ValueError: The entity can't be deleted; a customer who has orders never can.
    """
    things: dict[str, dict[int, Any]] = {
        "order": shop.orders,
        "customer": shop.customers,
        "product": shop.products,
    }
    if entity not in things:
        raise ValueError(f"{entity} can't be deleted, only {', '.join(ENTITIES)}")
    if entity_id not in things[entity]:
        raise LookupError(f"no {entity} {entity_id}")
    if entity == "customer" and any(each.customer_id == entity_id for each in shop.orders.values()):
        raise ValueError(f"customer {entity_id} has orders and can't be deleted")
    at = tick(shop)
    del things[entity][entity_id]
    shop.deletions.append(Deletion(shop.ids.next("deletion"), entity, entity_id, at))


def merge_customers(shop: Shop, from_id: int, into_id: int, *, touch_orders: bool = False) -> Merge:
    """Merges one customer into another: the orders move, the first is gone.

    Nothing in Shopify's documents says that the moved orders are marked as changed, so that they
    are only when `touch_orders` asks for it.

    Raises:
        LookupError: One of them is not there.
        ValueError: They are the same.
    """
    for each in (from_id, into_id):
        if each not in shop.customers:
            raise LookupError(f"no customer {each}")
    if from_id == into_id:
        raise ValueError("a customer can't be merged with itself")
    at = tick(shop)
    gone, survivor = shop.customers.pop(from_id), shop.customers[into_id]
    for order in shop.orders.values():
        if order.customer_id == from_id:
            order.customer_id = into_id
            order.updated_at = at if touch_orders else order.updated_at
    survivor.tags = sorted({*survivor.tags, *gone.tags})
    survivor.created_at = min(survivor.created_at, gone.created_at)
    survivor.updated_at = at
    merge = Merge(shop.ids.next("job"), from_id, into_id, at)
    shop.merges.append(merge)
    shop.deletions.append(Deletion(shop.ids.next("deletion"), "customer", from_id, at))
    return merge


def trash(shop: Shop, entity: str, entity_id: int, *, restore: bool = False) -> None:
    """Throws an order or a product away, or takes it out of the trash; both mark it as changed.

    Raises:
        LookupError: There is no such thing.
        ValueError: The entity has no trash.
    """
    things: dict[str, dict[int, Any]] = {"order": shop.orders, "product": shop.products}
    if entity not in things:
        raise ValueError(f"there is no trash for {entity}, only for {', '.join(things)}")
    if entity_id not in things[entity]:
        raise LookupError(f"no {entity} {entity_id}")
    thing = things[entity][entity_id]
    thing.trashed, thing.updated_at = not restore, tick(shop)


def delete_refund(shop: Shop, refund_id: int) -> None:
    """Deletes the record of a refund; its order is not marked as changed, and no money comes back.

    Raises:
        LookupError: There is none.
    """
    for order in shop.orders.values():
        for refund_made in order.refunds:
            if refund_made.id == refund_id:
                at = tick(shop)
                order.refunds.remove(refund_made)
                for line in order.lines:
                    line.current_quantity += sum(
                        each.quantity for each in refund_made.lines if each.line_id == line.id
                    )
                shop.deletions.append(Deletion(shop.ids.next("deletion"), "refund", refund_id, at))
                return
    raise LookupError(f"no refund {refund_id}")


def edit_variant(shop: Shop, variant_id: int, price: Decimal) -> None:
    """Sets a variant's price; its product is not marked as changed.

    Raises:
        LookupError: There is none.
    """
    variant = shop.variant(variant_id)
    if variant is None:
        raise LookupError(f"no variant {variant_id}")
    variant.price, variant.updated_at = price, tick(shop)


def delete_variant(shop: Shop, variant_id: int) -> None:
    """Deletes a variant; its product is not marked as changed.

    Raises:
        LookupError: There is none.
    """
    for product in shop.products.values():
        for variant in product.variants:
            if variant.id == variant_id:
                product.variants.remove(variant)
                gone = Deletion(shop.ids.next("deletion"), "variant", variant_id, tick(shop))
                shop.deletions.append(gone)
                return
    raise LookupError(f"no variant {variant_id}")
