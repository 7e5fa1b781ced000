"""What the site really is, as plain rows: for a checker that trusts neither API nor connector.

Read from the shop itself, without the code that writes answers. Amounts are in the currency of
the order. What is in the trash isn't there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from demo.stores.business.model import Line, Order, Refund, Shop
from demo.stores.business.payments import intent_id, order_key, paid_by_stripe

Row = dict[str, Any]
_ZERO = Decimal(0)


def _at(value: Any) -> str | None:
    return None if value is None else value.isoformat()


def _there(shop: Shop) -> Iterator[Order]:
    return (each for each in shop.orders.values() if not each.trashed)


def _orders(shop: Shop) -> Iterator[Row]:
    for order in _there(shop):
        gateways = [each.gateway for each in order.transactions]
        yield {
            "id": order.id,
            "number": str(order.number),
            "order_key": order_key(order),
            "customer_id": order.customer_id,
            "email": order.email,
            "created_at": _at(order.created_at),
            "modified_at": _at(order.updated_at),
            "currency": order.currencies.presentment,
            "total": str(order.price.presentment),
            "total_tax": str(order.tax.presentment),
            "note": order.note,
            "payment_method": gateways[0] if gateways else None,
            "intent_id": intent_id(order) if paid_by_stripe(order) else None,
            "coupons": [each.title for each in order.applications],
            # What a buyer owes adds up from what lands of lines, fees and shipping.
            "gross": str(order.subtotal.presentment + order.shipping_price.presentment),
            "received": str(order.received.presentment),
            "cancelled": order.cancelled_at is not None,
            "country": order.address.country_code if order.address else None,
        }


def _unit_cost(shop: Shop, line: Line) -> str | None:
    """What a piece costs today, as far as the site still tells."""
    product = shop.products.get(line.product_id) if line.product_id else None
    variant = shop.variant(line.variant_id)
    if product is None or product.trashed or variant is None or variant.unit_cost is None:
        return None
    return str(variant.unit_cost)


def _lines(shop: Shop, goods: bool) -> Iterator[Row]:
    for order in _there(shop):
        for line in order.lines:
            if bool(line.product_id) is not goods:
                continue
            discounted = line.discounted.presentment
            tax = line.tax.presentment
            yield {
                "id": line.id,
                "order_id": order.id,
                "title": line.title,
                "unit_cost": _unit_cost(shop, line),
                "quantity": line.quantity,
                "currency": order.currencies.presentment,
                "total": str(discounted - tax if order.taxes_included else discounted),
                "total_tax": str(tax),
            }


def _paid_back(order: Order, made: Refund) -> Decimal:
    amounts = [
        each.amount.presentment
        for each in order.transactions
        if each.refund_id == made.id and each.status == "SUCCESS"
    ]
    return sum(amounts, _ZERO)


def _refunds(shop: Shop) -> Iterator[Row]:
    for order in _there(shop):
        for made in order.refunds:
            yield {
                "id": made.id,
                "order_id": order.id,
                "created_at": _at(made.created_at),
                "currency": order.currencies.presentment,
                "amount": str(_paid_back(order, made)),
                "shipping": str(
                    sum(
                        (
                            each.subtotal.presentment
                            + (_ZERO if order.taxes_included else each.tax.presentment)
                            for each in made.shipping
                        ),
                        _ZERO,
                    )
                ),
            }


def _refund_lines(shop: Shop) -> Iterator[Row]:
    for order in _there(shop):
        for made in order.refunds:
            for line in made.lines:
                yield {
                    "id": line.id,
                    "refund_id": made.id,
                    "order_id": order.id,
                    "order_item_id": line.line_id,
                    "quantity": line.quantity,
                    "gross": str(
                        line.subtotal.presentment
                        + (_ZERO if order.taxes_included else line.tax.presentment)
                    ),
                    "tax": str(line.tax.presentment),
                }


def _customers(shop: Shop) -> Iterator[Row]:
    for each in shop.customers.values():
        yield {
            "id": each.id,
            "email": each.email,
            "first_name": each.first_name,
            "last_name": each.last_name,
            "created_at": _at(each.created_at),
            "modified_at": _at(each.updated_at),
            "country": each.address.country_code if each.address else None,
        }


def _products(shop: Shop) -> Iterator[Row]:
    for each in shop.products.values():
        if not each.trashed:
            yield {
                "id": each.id,
                "name": each.title,
                "created_at": _at(each.created_at),
                "modified_at": _at(each.updated_at),
                "category": each.category,
            }


def _variations(shop: Shop) -> Iterator[Row]:
    for product in shop.products.values():
        if not product.trashed and len(product.variants) > 1:
            for each in product.variants:
                yield {
                    "id": each.id,
                    "product_id": product.id,
                    "sku": each.sku,
                    "price": str(each.price),
                    "unit_cost": None if each.unit_cost is None else str(each.unit_cost),
                    "modified_at": _at(each.updated_at),
                }


def _coupons(shop: Shop) -> Iterator[Row]:
    for each in shop.discounts.values():
        yield {
            "id": each.id,
            "code": each.codes[0],
            "free_shipping": each.free_shipping,
            "amount": str(each.amount or (each.percent or _ZERO) * 100),
        }


def _trash(shop: Shop) -> Iterator[Row]:
    for entity, things in (("orders", shop.orders), ("products", shop.products)):
        for each in things.values():
            if each.trashed:
                yield {"entity": entity, "id": each.id}


def _deletions(shop: Shop) -> Iterator[Row]:
    names = {"variant": "variations"}
    for each in shop.deletions:
        yield {"entity": names.get(each.entity, f"{each.entity}s"), "id": each.entity_id}


ENTITIES: dict[str, Callable[[Shop], Iterator[Row]]] = {
    "orders": _orders,
    "order_lines": lambda shop: _lines(shop, goods=True),
    "order_fees": lambda shop: _lines(shop, goods=False),
    "refunds": _refunds,
    "refund_lines": _refund_lines,
    "customers": _customers,
    "products": _products,
    "variations": _variations,
    "coupons": _coupons,
    "trash": _trash,
    "deletions": _deletions,
}
