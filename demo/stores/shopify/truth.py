"""What the shop really is, as plain rows: for a checker that trusts neither API nor connector.

Ids are global ids as the API writes them. Money is a decimal string in both currencies. Rows are
read from the shop itself and pass no code that answers queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from demo.stores.business.model import Order, Shop
from demo.stores.business.money import Money, total

Row = dict[str, Any]


def _id(kind: str, value: int | None) -> str | None:
    return None if value is None else f"gid://shopify/{kind}/{value}"


def _at(value: Any) -> str | None:
    return None if value is None else value.isoformat()


def _both(name: str, amount: Money) -> Row:
    return {f"{name}_shop": str(amount.shop), f"{name}_presentment": str(amount.presentment)}


def _currencies(order: Order) -> Row:
    return {
        "currency": order.currencies.shop,
        "presentment_currency": order.currencies.presentment,
    }


def _orders(shop: Shop) -> Iterator[Row]:
    for order in shop.orders.values():
        yield {
            "id": _id("Order", order.id),
            "name": f"#{order.number}",
            "customer_id": _id("Customer", order.customer_id),
            "email": order.email,
            "created_at": _at(order.created_at),
            "processed_at": _at(order.processed_at),
            "updated_at": _at(order.updated_at),
            "cancelled_at": _at(order.cancelled_at),
            "financial_status": order.financial_status,
            "test": order.test,
            "source_name": order.channel,
            "tags": order.tags,
            "note": order.note,
            "taxes_included": order.taxes_included,
            **_currencies(order),
            **_both("total_price", order.price),
            **_both("subtotal", order.subtotal),
            **_both("discount", order.discount),
            **_both("tax", order.tax),
            **_both("shipping", order.shipping_price),
            **_both("received", order.received),
            **_both("refunded", order.refunded),
            **_both("current_total_price", order.current_price),
            "discount_codes": [each.title for each in order.applications if each.kind == "code"],
        }


def _lines(shop: Shop) -> Iterator[Row]:
    for order in shop.orders.values():
        for line in order.lines:
            there = line.product_id in shop.products
            yield {
                "id": _id("LineItem", line.id),
                "order_id": _id("Order", order.id),
                # What the API still links to, and what was bought at the time.
                "product_id": _id("Product", line.product_id if there else None),
                "variant_id": _id("ProductVariant", line.variant_id if there else None),
                "ordered_product_id": _id("Product", line.product_id),
                "ordered_variant_id": _id("ProductVariant", line.variant_id),
                "title": line.title,
                "sku": line.sku,
                "quantity": line.quantity,
                "current_quantity": line.current_quantity,
                **_currencies(order),
                **_both("unit_price", line.unit_price),
                **_both("original_total", line.original),
                **_both("discount", line.discount),
                **_both("discounted_total", line.discounted),
                **_both("tax", line.tax),
            }


def _refunds(shop: Shop) -> Iterator[Row]:
    for order in shop.orders.values():
        for refund in order.refunds:
            moved = total(
                each.amount
                for each in order.transactions
                if each.refund_id == refund.id and each.status == "SUCCESS"
            )
            yield {
                "id": _id("Refund", refund.id),
                "order_id": _id("Order", order.id),
                "created_at": _at(refund.created_at),
                "note": refund.note,
                **_currencies(order),
                **_both("total_refunded", moved),
                **_both("adjustment", total(each.amount for each in refund.adjustments)),
                **_both("shipping", total(each.subtotal for each in refund.shipping)),
            }


def _refund_lines(shop: Shop) -> Iterator[Row]:
    for order in shop.orders.values():
        for refund in order.refunds:
            for line in refund.lines:
                yield {
                    "id": _id("RefundLineItem", line.id),
                    "refund_id": _id("Refund", refund.id),
                    "order_id": _id("Order", order.id),
                    "line_id": _id("LineItem", line.line_id),
                    "quantity": line.quantity,
                    "restock_type": line.restock,
                    **_currencies(order),
                    **_both("price", line.price),
                    **_both("subtotal", line.subtotal),
                    **_both("tax", line.tax),
                }


def _transactions(shop: Shop) -> Iterator[Row]:
    for order in shop.orders.values():
        for each in order.transactions:
            yield {
                "id": _id("OrderTransaction", each.id),
                "order_id": _id("Order", order.id),
                "parent_id": _id("OrderTransaction", each.parent_id),
                "refund_id": _id("Refund", each.refund_id),
                "kind": each.kind,
                "status": each.status,
                "gateway": each.gateway,
                "test": each.test,
                "error_code": each.error,
                "created_at": _at(each.created_at),
                **_currencies(order),
                **_both("amount", each.amount),
            }


def _fees(shop: Shop) -> Iterator[Row]:
    for order in shop.orders.values():
        for transaction in order.transactions:
            for fee in transaction.fees:
                yield {
                    "id": _id("TransactionFee", fee.id),
                    "transaction_id": _id("OrderTransaction", transaction.id),
                    "order_id": _id("Order", order.id),
                    "amount": str(fee.amount),
                    "currency": order.currencies.shop,
                    "rate": str(fee.rate),
                    "flat_fee": str(fee.flat),
                }


def _applications(shop: Shop) -> Iterator[Row]:
    for order in shop.orders.values():
        for each in order.applications:
            yield {
                "order_id": _id("Order", order.id),
                "index": each.index,
                "kind": each.kind,
                "title": each.title,
                "percent": None if each.percent is None else str(each.percent),
                "on_shipping": each.on_shipping,
            }


def _customers(shop: Shop) -> Iterator[Row]:
    for each in shop.customers.values():
        yield {
            "id": _id("Customer", each.id),
            "first_name": each.first_name,
            "last_name": each.last_name,
            "email": each.email,
            "phone": each.phone,
            "created_at": _at(each.created_at),
            "updated_at": _at(each.updated_at),
            "tags": each.tags,
            "note": each.note,
            "state": each.state,
            "country_code": each.address.country_code if each.address else None,
        }


def _products(shop: Shop) -> Iterator[Row]:
    for each in shop.products.values():
        yield {
            "id": _id("Product", each.id),
            "title": each.title,
            "vendor": each.vendor,
            "product_type": each.category,
            "status": each.status,
            "tags": each.tags,
            "created_at": _at(each.created_at),
            "updated_at": _at(each.updated_at),
        }


def _variants(shop: Shop) -> Iterator[Row]:
    for product in shop.products.values():
        for each in product.variants:
            yield {
                "id": _id("ProductVariant", each.id),
                "product_id": _id("Product", product.id),
                "title": each.title,
                "sku": each.sku,
                "price": str(each.price),
                "unit_cost": None if each.unit_cost is None else str(each.unit_cost),
                "currency": shop.profile.currency,
                "updated_at": _at(each.updated_at),
            }


def _discounts(shop: Shop) -> Iterator[Row]:
    for each in shop.discounts.values():
        yield {
            "id": _id("DiscountNode", each.id),
            "title": each.title,
            "codes": each.codes,
            "automatic": each.automatic,
            "percent": None if each.percent is None else str(each.percent),
            "amount": None if each.amount is None else str(each.amount),
            "free_shipping": each.free_shipping,
            "starts_at": _at(each.starts_at),
            "ends_at": _at(each.ends_at),
            "updated_at": _at(each.updated_at),
        }


def _disputes(shop: Shop) -> Iterator[Row]:
    for each in shop.disputes.values():
        yield {
            "id": _id("ShopifyPaymentsDispute", each.id),
            "order_id": _id("Order", each.order_id),
            "amount": str(each.amount),
            "currency": shop.profile.currency,
            "type": each.kind,
            "status": each.status,
            "reason": each.reason,
            "initiated_at": _at(each.initiated_at),
            "finalized_on": _at(each.finalized_at),
        }


def _deletions(shop: Shop) -> Iterator[Row]:
    merged = {each.from_id: each.into_id for each in shop.merges}
    for each in shop.deletions:
        yield {
            "entity": each.entity,
            "id": _id(each.entity.capitalize(), each.entity_id),
            "deleted_at": _at(each.at),
            "merged_into": _id("Customer", merged.get(each.entity_id))
            if each.entity == "customer"
            else None,
        }


ENTITIES: dict[str, Callable[[Shop], Iterator[Row]]] = {
    "orders": _orders,
    "order_lines": _lines,
    "refunds": _refunds,
    "refund_lines": _refund_lines,
    "transactions": _transactions,
    "transaction_fees": _fees,
    "discount_applications": _applications,
    "customers": _customers,
    "products": _products,
    "variants": _variants,
    "discounts": _discounts,
    "disputes": _disputes,
    "deletions": _deletions,
}
