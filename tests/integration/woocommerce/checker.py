"""Compares raw_woocommerce with what a site really is, row by row.

Written from the meaning of the columns alone: it reads the stand-in's own account of the site and
plain SQL, and shares no code with the connector or with how the stand-in writes answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection

Truth = Callable[[str], list[dict[str, Any]]]

SHOWN = 8
OWNER = "1000000"

TEXT, MONEY, TIME, PLAIN = "text", "money", "time", "plain"

# For each table: name in the account, SQL, how to read it.
TABLES: dict[str, list[tuple[str, str, str]]] = {
    "orders": [
        ("number", "number", TEXT),
        ("order_key", "order_key", TEXT),
        ("customer_id", "customer_id", TEXT),
        ("email", "email", TEXT),
        ("created_at", "created_at", TIME),
        ("modified_at", "modified_at", TIME),
        ("currency", "currency", TEXT),
        ("total", "total", MONEY),
        ("total_tax", "total_tax", MONEY),
        ("payment_method", "payment_method", TEXT),
        ("country", "billing_country", TEXT),
        ("note", "nullif(extra ->> 'customer_note', '')", TEXT),
        (
            "intent_id",
            "(select meta ->> 'value' from json_array_elements(t.meta_data) as meta"
            " where meta ->> 'key' = '_stripe_intent_id')",
            TEXT,
        ),
        (
            "coupons",
            "(select coalesce(json_agg(code order by id::bigint), '[]')"
            " from raw_woocommerce.order_coupons as c"
            " where c.company_id = t.company_id and c.order_id = t.id)",
            PLAIN,
        ),
        # What the buyer owes is what the parts add up to.
        (
            "gross",
            "coalesce((select sum(total) + sum(total_tax * t.prices_include_tax::int) from ("
            " select total, total_tax from raw_woocommerce.order_lines as p"
            " where p.company_id = t.company_id and p.order_id = t.id union all"
            " select total, total_tax from raw_woocommerce.order_fees as p"
            " where p.company_id = t.company_id and p.order_id = t.id union all"
            " select total, total_tax from raw_woocommerce.order_shipping as p"
            " where p.company_id = t.company_id and p.order_id = t.id) as parts), 0)",
            MONEY,
        ),
    ],
    "order_lines": [
        ("order_id", "order_id", TEXT),
        ("quantity", "quantity", MONEY),
        ("currency", "currency", TEXT),
        ("total", "total", MONEY),
        ("total_tax", "total_tax", MONEY),
    ],
    "order_fees": [
        ("order_id", "order_id", TEXT),
        ("title", "name", TEXT),
        ("currency", "currency", TEXT),
        ("total", "total", MONEY),
        ("total_tax", "total_tax", MONEY),
    ],
    "refunds": [
        ("order_id", "order_id", TEXT),
        ("created_at", "created_at", TIME),
        ("currency", "currency", TEXT),
        ("amount", "amount", MONEY),
    ],
    "refund_lines": [
        ("order_id", "order_id", TEXT),
        ("refund_id", "refund_id", TEXT),
        ("order_item_id", "order_item_id", TEXT),
        ("quantity", "coalesce(-quantity, 1)", MONEY),
        ("gross", "-total - total_tax", MONEY),
    ],
    "customers": [
        ("email", "email", TEXT),
        ("first_name", "first_name", TEXT),
        ("last_name", "last_name", TEXT),
        ("created_at", "created_at", TIME),
        ("modified_at", "modified_at", TIME),
        ("country", "country", TEXT),
    ],
    "products": [
        ("name", "name", TEXT),
        ("created_at", "created_at", TIME),
        ("modified_at", "modified_at", TIME),
        ("category", "categories -> 0 ->> 'name'", TEXT),
    ],
    "variations": [
        ("product_id", "product_id", TEXT),
        ("sku", "sku", TEXT),
        ("price", "price", MONEY),
        ("unit_cost", "unit_cost", MONEY),
        ("modified_at", "modified_at", TIME),
    ],
    "coupons": [
        ("code", "code", TEXT),
        ("free_shipping", "free_shipping", PLAIN),
        ("amount", "amount", MONEY),
    ],
}

# Whose tombstone counts for a row: its own, or that of what it belongs to.
OWNERS = {
    "order_lines": [("orders", "order_id")],
    "order_fees": [("orders", "order_id")],
    "refunds": [("refunds", "id"), ("orders", "order_id")],
    "refund_lines": [("refunds", "refund_id"), ("orders", "order_id")],
    "variations": [("variations", "id"), ("products", "product_id")],
}


def differences(connection: Connection[Any], company_id: str, truth: Truth) -> list[str]:
    """Returns a line for each row or value on which warehouse and site disagree."""
    connection.rollback()
    found: list[str] = []
    for table, columns in TABLES.items():
        real = {
            str(row["id"]): {name: real_value(row.get(name), how) for name, _, how in columns}
            for row in truth(table)
        }
        there = landed(connection, company_id, table, columns)
        if table == "customers" and there.pop(OWNER, None) is None:
            # The one user who is no customer.
            found.append("the administrator is missing")
        found += compare(table, real, there)
        found += doubled(connection, company_id, table)
    return found + tombstones(connection, company_id, truth)


def real_value(value: Any, how: str) -> Any:
    if value is None:
        return None
    if how == MONEY:
        return Decimal(str(value))
    if how == TIME:
        return datetime.fromisoformat(value).astimezone(UTC)
    return str(value) if how == TEXT else value


def alive(table: str) -> str:
    return " and ".join(
        "not exists (select from raw_woocommerce.deletions as d where d.company_id = t.company_id"
        f" and d.entity = '{entity}' and d.id = t.{column})"
        for entity, column in OWNERS.get(table, [(table, "id")])
    )


def landed(
    connection: Connection[Any], company_id: str, table: str, columns: list[tuple[str, str, str]]
) -> dict[str, dict[str, Any]]:
    selected = ", ".join(sql for _, sql, _ in columns)
    query = f"select id, {selected} from raw_woocommerce.{table} as t where company_id = %s and "
    # Refunded shipping is no line of the account.
    kept = " and type <> 'shipping'" if table == "refund_lines" else ""
    return {
        key: {
            name: value.astimezone(UTC) if isinstance(value, datetime) else value
            for (name, _, _), value in zip(columns, values, strict=True)
        }
        for key, *values in connection.execute(query + alive(table) + kept, (company_id,))  # type: ignore[arg-type]
    }


def compare(
    table: str, real: dict[str, dict[str, Any]], there: dict[str, dict[str, Any]]
) -> list[str]:
    found = [f"{table} {key} is missing" for key in shown(real.keys() - there.keys())]
    found += [f"{table} {key} is not on the site" for key in shown(there.keys() - real.keys())]
    wrong = [
        f"{table} {key}: {name} is {there[key][name]!r} instead of {value!r}"
        for key in real.keys() & there.keys()
        for name, value in real[key].items()
        if there[key][name] != value
    ]
    return found + wrong[:SHOWN]


def shown(keys: Iterable[str]) -> list[str]:
    return sorted(keys)[:SHOWN]


def doubled(connection: Connection[Any], company_id: str, table: str) -> list[str]:
    found = connection.execute(
        f"select id, count(*) from raw_woocommerce.{table} where company_id = %s"  # type: ignore[arg-type]
        " group by id having count(*) > 1",
        (company_id,),
    )
    return [f"{table} {row} is there {times} times" for row, times in found]


def tombstones(connection: Connection[Any], company_id: str, truth: Truth) -> list[str]:
    """What is marked as gone is gone or in the trash."""
    real = {(row["entity"], str(row["id"])) for row in truth("deletions") + truth("trash")}
    there = {(entity, str(row["id"])) for entity in TABLES for row in truth(entity)}
    return [
        f"{entity} {key} is marked as {state} and isn't"
        for entity, key, state in connection.execute(
            "select entity, id, state from raw_woocommerce.deletions where company_id = %s",
            (company_id,),
        )
        # What belonged to something that went has gone with it.
        if (entity, key) in there
        or ((entity, key) not in real and entity not in ("refunds", "variations"))
    ][:SHOWN]
