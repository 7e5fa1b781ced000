"""Compares raw_shopify with what a shop really is, row by row.

Written from the meaning of the columns alone: it reads the stand-in's own account of the shop and
plain SQL, and shares no code with the connector or with how the stand-in answers queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection

Truth = Callable[[str], list[dict[str, Any]]]
Rows = dict[tuple[Any, ...], dict[str, Any]]

SHOWN = 8

# For each table: its key in SQL, and its columns as (name in the account, SQL, how to read it).
ID = "id"
MONEY = "money"
TIME = "time"
PLAIN = "plain"

Column = tuple[str, str, str]


def both(name: str, column: str | None = None) -> list[Column]:
    column = column or name
    return [
        (f"{name}_shop", column, MONEY),
        (f"{name}_presentment", f"{column}_presentment", MONEY),
    ]


CURRENCIES: list[Column] = [
    ("currency", "currency", PLAIN),
    ("presentment_currency", "presentment_currency", PLAIN),
]

TABLES: dict[str, list[Column]] = {
    "orders": [
        ("name", "name", PLAIN),
        ("customer_id", "customer_id", ID),
        ("email", "email", PLAIN),
        ("created_at", "created_at", TIME),
        ("processed_at", "processed_at", TIME),
        ("updated_at", "updated_at", TIME),
        ("cancelled_at", "cancelled_at", TIME),
        ("financial_status", "financial_status", PLAIN),
        ("test", "test", PLAIN),
        ("source_name", "source_name", PLAIN),
        ("taxes_included", "taxes_included", PLAIN),
        ("tags", "(extra ->> 'tags')::json", PLAIN),
        ("discount_codes", "discount_codes", PLAIN),
        *CURRENCIES,
        *both("total_price"),
        *both("subtotal"),
        *both("discount", "total_discounts"),
        *both("tax", "total_tax"),
        *both("shipping", "total_shipping"),
        *both("received", "total_received"),
        *both("refunded", "total_refunded"),
        *both("current_total_price"),
    ],
    "order_lines": [
        ("order_id", "order_id", ID),
        ("title", "title", PLAIN),
        ("sku", "sku", PLAIN),
        ("quantity", "quantity", PLAIN),
        ("current_quantity", "current_quantity", PLAIN),
        *CURRENCIES,
        *both("unit_price"),
        *both("original_total"),
    ],
    "refunds": [
        ("order_id", "order_id", ID),
        ("created_at", "created_at", TIME),
        *CURRENCIES,
        *both("total_refunded"),
    ],
    "refund_lines": [
        ("refund_id", "refund_id", ID),
        ("order_id", "order_id", ID),
        ("line_id", "order_line_id", ID),
        ("quantity", "quantity", PLAIN),
        ("restock_type", "restock_type", PLAIN),
        *CURRENCIES,
        *both("price"),
        *both("subtotal"),
        *both("tax", "total_tax"),
    ],
    "transactions": [
        ("order_id", "order_id", ID),
        ("parent_id", "parent_id", ID),
        ("kind", "kind", PLAIN),
        ("status", "status", PLAIN),
        ("gateway", "gateway", PLAIN),
        ("test", "test", PLAIN),
        ("error_code", "error_code", PLAIN),
        ("created_at", "created_at", TIME),
        *CURRENCIES,
        *both("amount"),
    ],
    "transaction_fees": [
        ("transaction_id", "transaction_id", ID),
        ("order_id", "order_id", ID),
        ("amount", "amount", MONEY),
        ("currency", "currency", PLAIN),
        ("rate", "rate", MONEY),
        ("flat_fee", "flat_fee", MONEY),
    ],
    "customers": [
        ("first_name", "first_name", PLAIN),
        ("last_name", "last_name", PLAIN),
        ("email", "email", PLAIN),
        ("phone", "phone", PLAIN),
        ("created_at", "created_at", TIME),
        ("updated_at", "updated_at", TIME),
        ("tags", "tags", PLAIN),
        ("state", "state", PLAIN),
        ("country_code", "country", PLAIN),
    ],
    "products": [
        ("title", "title", PLAIN),
        ("vendor", "vendor", PLAIN),
        ("product_type", "product_type", PLAIN),
        ("status", "status", PLAIN),
        ("tags", "tags", PLAIN),
        ("created_at", "created_at", TIME),
        ("updated_at", "updated_at", TIME),
    ],
    "variants": [
        ("product_id", "product_id", ID),
        ("title", "title", PLAIN),
        ("sku", "sku", PLAIN),
        ("price", "price", MONEY),
        ("currency", "currency", PLAIN),
        ("unit_cost", "unit_cost", MONEY),
        ("updated_at", "updated_at", TIME),
    ],
    "discounts": [
        ("title", "title", PLAIN),
        ("starts_at", "starts_at", TIME),
        ("ends_at", "ends_at", TIME),
        ("updated_at", "updated_at", TIME),
    ],
    "disputes": [
        ("order_id", "order_id", ID),
        ("amount", "amount", MONEY),
        ("currency", "currency", PLAIN),
        ("type", "type", PLAIN),
        ("status", "status", PLAIN),
        ("reason", "reason", PLAIN),
        ("initiated_at", "initiated_at", TIME),
        ("finalized_on", "finalized_on", TIME),
    ],
}

ORDER_OF = {
    "order_lines": "order_id",
    "order_line_discounts": "order_id",
    "refunds": "order_id",
    "refund_lines": "order_id",
    "transactions": "order_id",
    "transaction_fees": "order_id",
}


def differences(connection: Connection[Any], company_id: str, truth: Truth) -> list[str]:
    """Returns a line for each row or value on which warehouse and shop disagree."""
    connection.rollback()
    found: list[str] = []
    for table, columns in TABLES.items():
        real = {
            (number(row["id"]),): {name: real_value(row.get(name), how) for name, _, how in columns}
            for row in truth(table)
        }
        found += compare(table, real, landed(connection, company_id, table, columns))
        found += doubled(connection, company_id, table)
    found += line_products(connection, company_id, truth)
    found += discounts_of_lines(connection, company_id, truth)
    found += refunds_of_transactions(connection, company_id, truth)
    found += tombstones(connection, company_id, truth)
    return found


def number(global_id: str | None) -> str | None:
    return None if global_id is None else global_id.rsplit("/", 1)[1]


def real_value(value: Any, how: str) -> Any:
    if value is None:
        return None
    if how == ID:
        return number(value)
    if how == MONEY:
        return Decimal(value)
    if how == TIME:
        return datetime.fromisoformat(value).astimezone(UTC)
    return value


def alive(table: str) -> str:
    """SQL: the row was not deleted, nor the parent that it came with."""
    entity, column = {
        "variants": ("products", "product_id"),
        **{child: ("orders", parent) for child, parent in ORDER_OF.items()},
    }.get(table, (table, "id"))
    return (
        f"not exists (select from raw_shopify.deletions as d where d.company_id = t.company_id"
        f" and d.entity = '{entity}' and d.id = t.{column})"
    )


def landed(connection: Connection[Any], company_id: str, table: str, columns: list[Column]) -> Rows:
    selected = ", ".join(sql for _, sql, _ in columns)
    query = f"select id, {selected} from raw_shopify.{table} as t where company_id = %s and "
    rows: Rows = {}
    for key, *values in connection.execute(query + alive(table), (company_id,)):  # type: ignore[arg-type]
        named = zip(columns, values, strict=True)
        rows[(key,)] = {
            name: value.astimezone(UTC) if isinstance(value, datetime) else value
            for (name, _, _), value in named
        }
    return rows


def doubled(connection: Connection[Any], company_id: str, table: str, key: str = "id") -> list[str]:
    query = (
        f"select concat_ws(' ', {key}), count(*) from raw_shopify.{table} where company_id = %s"
        f" group by {key} having count(*) > 1"
    )
    found = connection.execute(query, (company_id,))  # type: ignore[arg-type]
    return [f"{table} {row} is there {times} times" for row, times in found]


def compare(table: str, real: Rows, there: Rows) -> list[str]:
    missing, superfluous = real.keys() - there.keys(), there.keys() - real.keys()
    found = [f"{table} {key} is missing" for key in shown(missing)]
    found += [f"{table} {key} is not in the shop" for key in shown(superfluous)]
    wrong = [
        f"{table} {key}: {name} is {there[key][name]!r} instead of {value!r}"
        for key in real.keys() & there.keys()
        for name, value in real[key].items()
        if there[key][name] != value
    ]
    return found + wrong[:SHOWN]


def shown(keys: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(keys)[:SHOWN]


def line_products(connection: Connection[Any], company_id: str, truth: Truth) -> list[str]:
    """A line whose product was deleted keeps the link that the shop has lost."""
    there = dict(
        connection.execute(
            "select id, array[product_id, variant_id] from raw_shopify.order_lines"
            " where company_id = %s",
            (company_id,),
        ).fetchall()
    )
    return [
        f"order_lines {row['id']}: product {there[number(row['id'])]}"
        for row in truth("order_lines")
        if row["product_id"] and number(row["id"]) in there
        if there[number(row["id"])] != [number(row["product_id"]), number(row["variant_id"])]
    ][:SHOWN]


def discounts_of_lines(connection: Connection[Any], company_id: str, truth: Truth) -> list[str]:
    """What was allocated to a line adds up to its discount, and is of an application there is."""
    sums = {
        key: (amount, presentment)
        for key, amount, presentment in connection.execute(
            "select order_line_id, sum(amount), sum(amount_presentment)"
            " from raw_shopify.order_line_discounts where company_id = %s group by 1",
            (company_id,),
        )
    }
    nothing = (Decimal(0), Decimal(0))
    found = []
    for row in truth("order_lines"):
        real = (Decimal(row["discount_shop"]), Decimal(row["discount_presentment"]))
        if sums.get(number(row["id"]), nothing) != real:
            found.append(f"order_line_discounts of {row['id']}: {sums.get(number(row['id']))}")
    applications = {
        (number(row["order_id"]), row["index"], row["title"])
        for row in truth("discount_applications")
    }
    used = connection.execute(
        "select distinct order_id, application_index, coalesce(code, title)"
        f" from raw_shopify.order_line_discounts as t where company_id = %s"
        f" and {alive('order_line_discounts')}",  # type: ignore[arg-type]
        (company_id,),
    ).fetchall()
    found += [f"order_line_discounts: no application {row}" for row in {*used} - applications]
    return found[:SHOWN]


def refunds_of_transactions(
    connection: Connection[Any], company_id: str, truth: Truth
) -> list[str]:
    there = {
        number(transaction): refund
        for refund, transactions in connection.execute(
            "select id, transaction_ids from raw_shopify.refunds as t where company_id = %s"
            f" and {alive('refunds')}",  # type: ignore[arg-type]
            (company_id,),
        )
        for transaction in transactions
    }
    real = {
        number(row["id"]): number(row["refund_id"])
        for row in truth("transactions")
        if row["refund_id"]
    }
    return [] if there == real else [f"transactions of refunds: {set(there) ^ set(real)}"]


def tombstones(connection: Connection[Any], company_id: str, truth: Truth) -> list[str]:
    """What is marked as deleted is deleted; what says who took over a customer is right."""
    real = {
        (f"{row['entity']}s", number(row["id"])): number(row["merged_into"])
        for row in truth("deletions")
    }
    found = doubled(connection, company_id, "deletions", "entity, id")
    for entity, key, heir in connection.execute(
        "select entity, id, merged_into from raw_shopify.deletions where company_id = %s",
        (company_id,),
    ):
        if (entity, key) not in real:
            found.append(f"{entity} {key} is marked as deleted and was not")
        elif heir is not None and heir != real[(entity, key)]:
            found.append(f"{entity} {key} is merged into {heir}, not {real[(entity, key)]}")
    return found[:SHOWN]
