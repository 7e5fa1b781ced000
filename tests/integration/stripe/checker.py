"""Compares raw_stripe with what an account really is, row by row.

Written from the meaning of the columns alone: it reads the stand-in's own account, in which money
is in major units already, and plain SQL, and shares no code with the connector or with how the
stand-in answers requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection

Truth = Callable[[str], list[dict[str, Any]]]
Rows = dict[str, dict[str, Any]]

SHOWN = 8

MONEY = "money"
TIME = "time"
PLAIN = "plain"

Column = tuple[str, str, str]


def same(*names: str, how: str = PLAIN) -> list[Column]:
    """Columns that are called alike here and there."""
    return [(name, name, how) for name in names]


CREATED: Column = ("created", "created_at", TIME)
CURRENCY: Column = ("currency", "currency", PLAIN)

# For each table its columns as (name in the account, SQL, how to read it).
TABLES: dict[str, list[Column]] = {
    "customers": [
        CREATED,
        CURRENCY,
        *same("email", "name", "country", "phone", "delinquent", "metadata"),
    ],
    "products": [CREATED, ("updated", "updated_at", TIME), *same("name", "active", "description")],
    "prices": [
        CREATED,
        CURRENCY,
        ("product", "product_id", PLAIN),
        ("amount", "unit_amount_decimal", MONEY),
        *same("interval", "nickname", "active"),
    ],
    "coupons": [
        CREATED,
        CURRENCY,
        *same("percent_off", "amount_off", how=MONEY),
        *same("name", "duration", "duration_in_months", "times_redeemed", "valid"),
    ],
    "payment_intents": [
        CREATED,
        CURRENCY,
        ("amount", "amount", MONEY),
        ("received", "amount_received", MONEY),
        ("customer", "customer_id", PLAIN),
        ("latest_charge", "latest_charge_id", PLAIN),
        ("canceled_at", "canceled_at", TIME),
        *same("status", "description", "metadata"),
    ],
    "charges": [
        CREATED,
        CURRENCY,
        ("amount", "amount", MONEY),
        ("captured", "amount_captured", MONEY),
        ("refunded", "amount_refunded", MONEY),
        ("customer", "customer_id", PLAIN),
        ("intent", "payment_intent_id", PLAIN),
        ("balance_transaction", "balance_transaction_id", PLAIN),
        *same("status", "disputed", "failure_code", "email", "country", "metadata"),
    ],
    "refunds": [
        CREATED,
        CURRENCY,
        ("amount", "amount", MONEY),
        ("charge", "charge_id", PLAIN),
        ("intent", "payment_intent_id", PLAIN),
        ("balance_transaction", "balance_transaction_id", PLAIN),
        ("failure_balance_transaction", "failure_balance_transaction_id", PLAIN),
        *same("status", "reason", "failure_reason"),
    ],
    "disputes": [
        CREATED,
        CURRENCY,
        ("amount", "amount", MONEY),
        ("charge", "charge_id", PLAIN),
        ("intent", "payment_intent_id", PLAIN),
        ("due_by", "evidence_due_by", TIME),
        (
            "balance_transactions",
            "(select json_agg(each ->> 'id') from json_array_elements(balance_transactions) each)",
            PLAIN,
        ),
        *same("status", "reason"),
    ],
    "balance_transactions": [
        CREATED,
        CURRENCY,
        *same("amount", "fee", "net", "exchange_rate", how=MONEY),
        ("available_on", "available_on", TIME),
        ("available", "status = 'available'", PLAIN),
        ("category", "reporting_category", PLAIN),
        ("source", "source_id", PLAIN),
        *same("type"),
    ],
    "subscriptions": [
        CREATED,
        CURRENCY,
        ("customer", "customer_id", PLAIN),
        ("latest_invoice", "latest_invoice_id", PLAIN),
        *same("trial_start", "trial_end", "canceled_at", "ended_at", how=TIME),
        *same("status", "cancel_at_period_end"),
    ],
    "subscription_items": [
        CREATED,
        ("subscription", "subscription_id", PLAIN),
        ("price", "price_id", PLAIN),
        ("period_start", "current_period_start", TIME),
        ("period_end", "current_period_end", TIME),
        *same("quantity"),
    ],
    "invoices": [
        CREATED,
        CURRENCY,
        ("customer", "customer_id", PLAIN),
        ("subscription", "subscription_id", PLAIN),
        *same("subtotal", "total", how=MONEY),
        ("due", "amount_due", MONEY),
        ("paid", "amount_paid", MONEY),
        ("credited_before", "pre_payment_credit_notes_amount", MONEY),
        ("credited_after", "post_payment_credit_notes_amount", MONEY),
        *same("finalized_at", "paid_at", "voided_at", how=TIME),
        *same("status", "number", "billing_reason"),
    ],
    "invoice_lines": [
        CURRENCY,
        ("invoice", "invoice_id", PLAIN),
        ("amount", "amount", MONEY),
        ("discount", "discount", MONEY),
        ("price", "price_id", PLAIN),
        ("product", "product_id", PLAIN),
        ("subscription", "subscription_id", PLAIN),
        ("subscription_item", "subscription_item_id", PLAIN),
        ("proration", "coalesce(proration, false)", PLAIN),
        *same("period_start", "period_end", how=TIME),
        *same("quantity", "description"),
    ],
    "invoice_payments": [
        CREATED,
        CURRENCY,
        ("invoice", "invoice_id", PLAIN),
        ("intent", "payment_intent_id", PLAIN),
        ("requested", "amount_requested", MONEY),
        ("paid", "amount_paid", MONEY),
        ("paid_at", "paid_at", TIME),
        *same("status", "is_default"),
    ],
    "credit_notes": [
        CREATED,
        CURRENCY,
        ("invoice", "invoice_id", PLAIN),
        ("customer", "customer_id", PLAIN),
        ("amount", "amount", MONEY),
        ("voided_at", "voided_at", TIME),
        *same("status", "type", "number", "reason"),
    ],
    "credit_note_lines": [
        CURRENCY,
        ("amount", "amount", MONEY),
        ("invoice_line", "invoice_line_id", PLAIN),
        *same("quantity", "description"),
    ],
}

PARENTS = {
    "subscription_items": ("subscriptions", "subscription_id"),
    "invoice_lines": ("invoices", "invoice_id"),
    "credit_note_lines": ("credit_notes", "credit_note_id"),
}


def differences(connection: Connection[Any], company_id: str, truth: Truth) -> list[str]:
    """Returns a line for each row or value on which warehouse and account disagree."""
    connection.rollback()
    found: list[str] = []
    for table, columns in TABLES.items():
        real = {
            row["id"]: {name: real_value(row.get(name), how) for name, _, how in columns}
            for row in truth(table)
        }
        found += compare(table, real, landed(connection, company_id, table, columns))
        found += doubled(connection, company_id, table)
    return found + tombstones(connection, company_id, truth)


def real_value(value: Any, how: str) -> Any:
    if value is None:
        return None
    if how == MONEY:
        return Decimal(value)
    if how == TIME:
        return datetime.fromisoformat(value).astimezone(UTC)
    return value


def landed(connection: Connection[Any], company_id: str, table: str, columns: list[Column]) -> Rows:
    entity, column = PARENTS.get(table, (table, "id"))
    selected = ", ".join(sql for _, sql, _ in columns)
    query = (
        f"select id, {selected} from raw_stripe.{table} as t where company_id = %s and not exists"
        " (select from raw_stripe.deletions as d where d.company_id = t.company_id"
        f" and d.entity = '{entity}' and d.id = t.{column})"
    )
    rows: Rows = {}
    for key, *values in connection.execute(query, (company_id,)):  # type: ignore[arg-type]
        rows[key] = {
            name: value.astimezone(UTC) if isinstance(value, datetime) else value
            for (name, _, _), value in zip(columns, values, strict=True)
        }
    return rows


def doubled(connection: Connection[Any], company_id: str, table: str, key: str = "id") -> list[str]:
    query = (
        f"select concat_ws(' ', {key}), count(*) from raw_stripe.{table} where company_id = %s"
        f" group by {key} having count(*) > 1"
    )
    found = connection.execute(query, (company_id,))  # type: ignore[arg-type]
    return [f"{table} {row} is there {times} times" for row, times in found]


def compare(table: str, real: Rows, there: Rows) -> list[str]:
    found = [f"{table} {key} is missing" for key in shown(real.keys() - there.keys())]
    found += [f"{table} {key} is not in the account" for key in shown(there.keys() - real.keys())]
    wrong = [
        f"{table} {key}: {name} is {there[key][name]!r} instead of {value!r}"
        for key in real.keys() & there.keys()
        for name, value in real[key].items()
        if there[key][name] != value
    ]
    return found + wrong[:SHOWN]


def shown(keys: Iterable[str]) -> list[str]:
    return sorted(keys)[:SHOWN]


def tombstones(connection: Connection[Any], company_id: str, truth: Truth) -> list[str]:
    """What is marked as deleted is deleted."""
    real = {(row["entity"], row["id"]) for row in truth("deletions")}
    there = connection.execute(
        "select entity, id from raw_stripe.deletions where company_id = %s", (company_id,)
    ).fetchall()
    found = doubled(connection, company_id, "deletions", "entity, id")
    return found + [f"{row} is marked as deleted and was not" for row in {*there} - real][:SHOWN]
