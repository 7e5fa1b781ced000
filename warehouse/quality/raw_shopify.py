"""What is expected of the tables of raw_shopify, for one company."""

from __future__ import annotations

from datetime import UTC, datetime

from warehouse.quality.landed import Rules

SCHEMA = "raw_shopify"


def both(amount: str) -> tuple[str, str]:
    """Names an amount in the shop's currency and in the buyer's."""
    return amount, f"{amount}_presentment"


#: Key of each table, company_id aside.
KEYS: dict[str, tuple[str, ...]] = {
    "orders": ("id",),
    "order_lines": ("id",),
    "order_line_discounts": ("order_line_id", "application_index"),
    "transactions": ("id",),
    "transaction_fees": ("id",),
    "refunds": ("id",),
    "refund_lines": ("refund_id", "position"),
    "customers": ("id",),
    "products": ("id",),
    "variants": ("id",),
    "discounts": ("id",),
    "disputes": ("id",),
    "deletions": ("entity", "id"),
}

#: Columns without which a row can't be used, keys aside.
REQUIRED: dict[str, tuple[str, ...]] = {
    "orders": (
        "created_at",
        "processed_at",
        "updated_at",
        "test",
        "taxes_included",
        "currency",
        "presentment_currency",
        *both("total_shipping"),
        *both("total_tip"),
        *both("total_price"),
        *both("current_total_price"),
        *both("total_received"),
        *both("total_refunded"),
        *both("total_refunded_shipping"),
    ),
    "order_lines": (
        "order_id",
        "quantity",
        "current_quantity",
        "is_gift_card",
        "currency",
        "presentment_currency",
        *both("unit_price"),
        *both("original_total"),
        *both("discounted_total"),
        *both("total_discount"),
    ),
    "order_line_discounts": (
        "order_id",
        "type",
        "currency",
        "presentment_currency",
        *both("amount"),
    ),
    "transactions": (
        "order_id",
        "kind",
        "status",
        "test",
        "created_at",
        "currency",
        "presentment_currency",
        *both("amount"),
    ),
    "transaction_fees": ("order_id", "transaction_id", "amount", "currency"),
    "refunds": (
        "order_id",
        "processed_at",
        "updated_at",
        "currency",
        "presentment_currency",
        *both("total_refunded"),
    ),
    "refund_lines": (
        "order_id",
        "order_line_id",
        "quantity",
        "currency",
        "presentment_currency",
        *both("price"),
        *both("subtotal"),
        *both("total_tax"),
    ),
    "customers": ("created_at", "updated_at", "orders_count", "amount_spent", "currency"),
    "products": ("title", "created_at", "updated_at"),
    "variants": ("product_id", "price", "currency", "created_at", "updated_at"),
    "discounts": ("type", "title", "created_at", "updated_at"),
    "disputes": ("type", "status", "amount", "currency", "initiated_at"),
    "deletions": ("found_at", "found_by"),
}

#: Table to the parents that each of its rows has: (column, parent table).
PARENTS: dict[str, tuple[tuple[str, str], ...]] = {
    "order_lines": (("order_id", "orders"),),
    "order_line_discounts": (("order_id", "orders"), ("order_line_id", "order_lines")),
    "transactions": (("order_id", "orders"),),
    "transaction_fees": (("order_id", "orders"), ("transaction_id", "transactions")),
    "refunds": (("order_id", "orders"),),
    "refund_lines": (("order_id", "orders"), ("refund_id", "refunds")),
    "variants": (("product_id", "products"),),
}

_NOT_NEGATIVE: dict[str, tuple[str, ...]] = {
    "orders": (
        *both("subtotal"),
        *both("total_discounts"),
        *both("total_tax"),
        *both("total_shipping"),
        *both("total_tip"),
        *both("total_price"),
        *both("total_received"),
        *both("total_refunded"),
        *both("total_refunded_shipping"),
    ),
    "order_lines": (
        "quantity",
        "current_quantity",
        *both("unit_price"),
        *both("original_total"),
        *both("discounted_total"),
        *both("total_discount"),
    ),
    "order_line_discounts": both("amount"),
    "transactions": both("amount"),
    "refunds": both("total_refunded"),
    "refund_lines": ("quantity", *both("price"), *both("subtotal"), *both("total_tax")),
    "customers": ("orders_count",),
    "variants": ("price", "unit_cost"),
    "disputes": ("amount",),
}

#: Amounts that may be below zero.
_SIGNED: dict[str, tuple[str, ...]] = {
    "orders": both("current_total_price"),
    "transaction_fees": ("amount",),
}

#: What no order comes to in any currency; beyond it sums don't fit the marts' columns any more.
_MOST = 10**10

_CURRENCIES: dict[str, tuple[str, ...]] = {
    "orders": ("currency", "presentment_currency"),
    "order_lines": ("currency", "presentment_currency"),
    "order_line_discounts": ("currency", "presentment_currency"),
    "transactions": ("currency", "presentment_currency"),
    "transaction_fees": ("currency",),
    "refunds": ("currency", "presentment_currency"),
    "refund_lines": ("currency", "presentment_currency"),
    "customers": ("currency",),
    "variants": ("currency", "unit_cost_currency"),
    "disputes": ("currency",),
}

_VALUES: dict[str, dict[str, list[str]]] = {
    "transactions": {
        "kind": [
            "AUTHORIZATION",
            "CAPTURE",
            "CHANGE",
            "EMV_AUTHORIZATION",
            "REFUND",
            "SALE",
            "SUGGESTED_REFUND",
            "VOID",
        ],
        "status": ["AWAITING_RESPONSE", "ERROR", "FAILURE", "PENDING", "SUCCESS", "UNKNOWN"],
    },
    "deletions": {"entity": ["orders", "customers", "products"]},
}

_ONE_CURRENCY = "currency = presentment_currency and {0} <> {0}_presentment"

#: Arithmetic that a row must obey, as the condition of a row that doesn't.
_BROKEN: dict[str, dict[str, str]] = {
    "orders": {"one amount in one currency is two": _ONE_CURRENCY.format("total_price")},
    "order_lines": {
        "one amount in one currency is two": _ONE_CURRENCY.format("original_total"),
        "the total isn't quantity times price": (
            "abs(original_total - quantity * unit_price) > 0.01 * greatest(quantity, 1)"
        ),
        "the discount is more than the line": "total_discount > original_total + 0.01",
    },
    "transactions": {"one amount in one currency is two": _ONE_CURRENCY.format("amount")},
    "refunds": {"one amount in one currency is two": _ONE_CURRENCY.format("total_refunded")},
    "refund_lines": {
        "one amount in one currency is two": _ONE_CURRENCY.format("subtotal"),
        "nothing was refunded of a line": "quantity = 0 and subtotal > 0",
    },
}

#: The quarantine names the order whose line, transaction or refund it holds.
_IN_QUARANTINE = (
    "exists (select from quarantine.rejected_rows as rejected"
    " where rejected.company_id = child.company_id and rejected.source = 'shopify'"
    " and regexp_replace(rejected.source_file, '^.*/', '') = child.order_id)"
)


#: Builds the suite of a table, one of `KEYS`.
expectations = Rules(
    schema=SCHEMA,
    keys=KEYS,
    required=REQUIRED,
    most=_MOST,
    not_negative=_NOT_NEGATIVE,
    signed=_SIGNED,
    currencies=_CURRENCIES,
    iso_currencies=True,
    times={"orders": ("created_at", "processed_at", "updated_at")},
    # Before the first shop; an order that was imported says when it was really made.
    earliest=datetime(1990, 1, 1, tzinfo=UTC),
    values=_VALUES,
    broken=_BROKEN,
    parents=PARENTS,
    excused=dict.fromkeys(("order_lines", "transactions", "refunds"), _IN_QUARANTINE),
).expectations
