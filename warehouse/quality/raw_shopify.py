"""What is expected of the tables of raw_shopify, for one company."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

SCHEMA = "raw_shopify"

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

#: Table to the parent that each of its rows has: (column, parent table).
PARENTS: dict[str, tuple[str, str]] = {
    "order_lines": ("order_id", "orders"),
    "order_line_discounts": ("order_line_id", "order_lines"),
    "transactions": ("order_id", "orders"),
    "transaction_fees": ("transaction_id", "transactions"),
    "refunds": ("order_id", "orders"),
    "refund_lines": ("refund_id", "refunds"),
    "variants": ("product_id", "products"),
}

_NOT_NEGATIVE: dict[str, tuple[str, ...]] = {
    "orders": (
        "total_price",
        "total_price_presentment",
        "total_shipping",
        "total_received",
        "total_refunded",
    ),
    "order_lines": ("quantity", "current_quantity", "unit_price", "original_total"),
    "order_line_discounts": ("amount", "amount_presentment"),
    "transactions": ("amount", "amount_presentment"),
    "refunds": ("total_refunded", "total_refunded_presentment"),
    "refund_lines": ("quantity", "subtotal", "total_tax"),
    "customers": ("orders_count",),
    "variants": ("price",),
    "disputes": ("amount",),
}

_CURRENCIES: dict[str, tuple[str, ...]] = {
    "orders": ("currency", "presentment_currency"),
    "order_lines": ("currency", "presentment_currency"),
    "transactions": ("currency", "presentment_currency"),
    "transaction_fees": ("currency",),
    "refunds": ("currency", "presentment_currency"),
    "customers": ("currency",),
    "variants": ("currency",),
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

#: Arithmetic that a row or an order must obey, as the condition of a row that doesn't.
_BROKEN: dict[str, dict[str, str]] = {
    "orders": {
        "less was received than refunded": "total_refunded > total_received + 0.01",
        "shop and presentment amounts differ in one currency": (
            "currency = presentment_currency and total_price <> total_price_presentment"
        ),
    },
    "order_lines": {
        "the total isn't quantity times price": (
            "abs(original_total - quantity * unit_price) > 0.01 * greatest(quantity, 1)"
        ),
        "the discount is more than the line": "total_discount > original_total + 0.01",
    },
    "refund_lines": {"nothing was refunded of a line": "quantity = 0 and subtotal > 0"},
}


def expectations(table: str, company_id: str) -> list[Any]:
    """Builds the suite of a table.

    Args:
        table: One of `KEYS`.
        company_id: Whose rows are validated.

    Returns:
        Great Expectations' expectation objects.

    Raises:
        KeyError: There is no such table.
    """
    import great_expectations.expectations as gxe

    from warehouse.currencies import minor_units

    key = ["company_id", *KEYS[table]]
    suite: list[Any] = [gxe.ExpectCompoundColumnsToBeUnique(column_list=key)]
    suite += [gxe.ExpectColumnValuesToNotBeNull(column=column) for column in key]
    suite += [
        gxe.ExpectColumnValuesToBeBetween(column=column, min_value=0)
        for column in _NOT_NEGATIVE.get(table, ())
    ]
    suite += [
        gxe.ExpectColumnValuesToBeInSet(column=column, value_set=sorted(minor_units()))
        for column in _CURRENCIES.get(table, ())
    ]
    suite += [
        gxe.ExpectColumnValuesToBeInSet(column=column, value_set=values)
        for column, values in _VALUES.get(table, {}).items()
    ]
    if table == "orders":
        suite += [
            gxe.ExpectColumnValuesToBeBetween(
                column=column,
                min_value=datetime(2004, 1, 1, tzinfo=UTC),
                max_value=datetime.now(UTC) + timedelta(days=1),
            )
            for column in ("created_at", "processed_at", "updated_at")
        ]
    suite += [
        gxe.UnexpectedRowsExpectation(
            description=description,
            unexpected_rows_query=f"select * from {{batch}} where {condition}",  # noqa: S608
        )
        for description, condition in _BROKEN.get(table, {}).items()
    ]
    if table in PARENTS:
        column, parent = PARENTS[table]
        suite.append(
            gxe.UnexpectedRowsExpectation(
                description=f"a row has no parent in {parent}",
                unexpected_rows_query=(
                    f"select * from {{batch}} where (company_id, {column}) not in"  # noqa: S608
                    f" (select company_id, id from {SCHEMA}.{parent})"
                ),
            )
        )
    return suite
