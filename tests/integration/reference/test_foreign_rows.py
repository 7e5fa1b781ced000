"""Rows that no connector of ours wrote: other people's data, put straight into the raw tables.

What can be understood of them counts, what can't is in quarantine or of nobody, and no row of one
kind keeps the rest from being modelled.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql

from tests.integration.installation import Installation, installed
from tests.integration.reference.conftest import transform
from warehouse.settings import PROJECT_ROOT

COMPANY = {"id": "acme", "name": "Acme", "base_currency": "USD", "timezone": "America/New_York"}
JAN = "2025-01-0{} 12:00+00"


def declared() -> dict[str, dict[str, str]]:
    """Columns and types of the raw tables, as dbt's sources tell them."""
    return {
        f"{source['name']}.{table['name']}": {
            column["name"]: column["data_type"] for column in table["columns"]
        }
        for file in (PROJECT_ROOT / "dbt_project").glob("models/staging/*/*__sources.yml")
        for source in yaml.safe_load(file.read_text())["sources"]
        if source["name"].startswith("raw_")
        for table in source["tables"]
    }


def day(number: int) -> str:
    return JAN.format(number)


#: What is not named is null.
ROWS: dict[str, list[dict[str, Any]]] = {
    "raw_files.companies": [
        {
            "company_id": "acme",
            "name": "Acme",
            "base_currency": "USD",
            "timezone": "America/New_York",
            "margin_rate": 0.5,
            "discount_rate": 0.1,
            "horizons_months": "[3, 12]",
            "churn_window_days": 180,
            "target_payback_months": 12,
        }
    ],
    "raw_rates.exchange_rates": [],
    "raw_files.order_lines": [],
    "raw_shopify.orders": [
        # Names of statuses and currencies as older exports write them, hardly a column filled.
        {"id": "s1", "created_at": day(1), "financial_status": "paid", "currency": "usd"},
        # A status that nobody knows yet.
        {"id": "s2", "created_at": day(2), "financial_status": "BARTERED", "currency": "USD"},
        # Paid by somebody whose account never landed.
        {
            "id": "s3",
            "created_at": day(3),
            "processed_at": day(3),
            "financial_status": "PAID",
            "currency": "USD",
            "presentment_currency": "USD",
            "customer_id": "unseen",
        },
        # In a currency without a rate, and in none.
        {"id": "s4", "created_at": day(4), "financial_status": "PAID", "currency": "ZMW"},
        {"id": "s5", "created_at": day(5), "financial_status": "PAID"},
        # Never dated.
        {"id": "s6", "financial_status": "PAID", "currency": "USD"},
        # Of a company that isn't in companies.yml.
        {
            "company_id": "nobody",
            "id": "s7",
            "created_at": day(1),
            "financial_status": "PAID",
            "currency": "USD",
            "email": "x@example.com",
        },
    ],
    "raw_shopify.order_lines": [
        {"id": "l1", "order_id": "s1", "unit_price": 10, "quantity": 2},
        {"id": "l2", "order_id": "s2", "unit_price": 10, "quantity": 1},
        {"id": "l3", "order_id": "s3", "original_total": 30, "quantity": 1, "variant_id": "none"},
        {"id": "l4", "order_id": "s4", "unit_price": 10, "quantity": 1},
        {"id": "l5", "order_id": "s5", "unit_price": 10, "quantity": 1},
        {"id": "l6", "order_id": "s6", "unit_price": 10, "quantity": 1},
        {"id": "l7", "order_id": "s7", "unit_price": 10, "quantity": 1, "company_id": "nobody"},
        {"id": "l8", "order_id": "never landed", "unit_price": 10, "quantity": 1},
        {"id": "l9", "order_id": "s1"},
    ],
    "raw_shopify.refunds": [
        {"id": "r1", "order_id": "s1", "created_at": day(8)},
        {"id": "r2", "order_id": "never landed", "created_at": day(8), "total_refunded": 5},
    ],
    "raw_shopify.refund_lines": [
        {
            "id": "rl1",
            "order_id": "s1",
            "refund_id": "r1",
            "position": 0,
            "order_line_id": "l1",
            "quantity": 1,
            "subtotal": 10,
        },
        {"id": "rl2", "order_id": "s1", "refund_id": "lost", "position": 0, "order_line_id": "no"},
    ],
    "raw_shopify.transactions": [
        {"id": "t1", "order_id": "s1", "kind": "sale", "status": "success", "amount": 20}
        | {"currency": "USD", "created_at": day(1)},
        {"id": "t2", "order_id": "never landed", "kind": "SALE", "status": "SUCCESS", "amount": 1}
        | {"currency": "USD", "created_at": day(1)},
        {"id": "t3", "order_id": "s1", "kind": "SALE", "status": "SUCCESS"},
    ],
    "raw_shopify.customers": [
        {"id": "c1", "email": "  "},
        {"id": "c2", "company_id": "nobody", "email": "x@example.com"},
    ],
    "raw_shopify.variants": [],
    "raw_stripe.charges": [
        {"id": "ch1", "created_at": day(1), "status": "succeeded", "currency": "usd", "amount": 7},
        {"id": "ch2", "created_at": day(2), "status": "unheard_of", "currency": "USD", "amount": 9},
        {"id": "ch3", "created_at": day(3), "status": "succeeded", "currency": "ZMW", "amount": 9},
        {"id": "ch4", "created_at": day(3), "status": "succeeded", "amount": 9},
        {"id": "ch5", "created_at": day(3), "status": "succeeded", "currency": "USD"},
        {"id": "ch6", "status": "succeeded", "currency": "USD", "amount": 9},
    ],
    "raw_stripe.refunds": [
        {"id": "re1", "charge_id": "ch1", "created_at": day(4), "currency": "usd", "amount": 2},
        {"id": "re2", "charge_id": "lost", "created_at": day(4), "currency": "USD", "amount": 2},
    ],
    "raw_stripe.invoices": [
        {"id": "in1", "created_at": day(5), "status": "paid", "currency": "usd", "total": 12},
        {"id": "in2", "created_at": day(5), "status": "new_one", "currency": "USD", "total": 12},
        {"id": "in3", "created_at": day(5), "currency": "USD", "total": 12},
        {"id": "in4", "created_at": day(5), "status": "paid", "currency": "USD"},
    ],
    "raw_stripe.invoice_lines": [
        {"id": "il1", "invoice_id": "in1", "amount": 12, "currency": "usd"},
        {"id": "il2", "invoice_id": "lost", "amount": 12, "currency": "usd"},
        {"id": "il3", "invoice_id": "in2"},
    ],
    "raw_stripe.subscriptions": [
        {"id": "sub1", "created_at": day(1), "status": "unheard_of", "currency": "usd"},
        {"id": "sub2", "status": "active"},
    ],
    "raw_stripe.balance_transactions": [
        {"id": "txn1", "source_id": "ch1", "created_at": day(1), "currency": "usd", "fee": 1}
        | {"type": "charge"},
        {"id": "txn2", "source_id": "lost", "created_at": day(1), "currency": "USD"},
    ],
    "raw_woocommerce.orders": [
        {"id": "1", "created_at": day(6), "status": "completed", "currency": "usd", "total": 40},
        {"id": "2", "created_at": day(6), "status": "wc-strange", "currency": "USD", "total": 40},
        {"id": "3", "status": "completed", "currency": "USD", "total": 40},
    ],
    "raw_woocommerce.order_lines": [
        {"id": "11", "order_id": "1", "total": 40},
        {"id": "12", "order_id": "lost", "total": 40},
        {"id": "13", "order_id": "3", "total": 40},
    ],
    "raw_woocommerce.refunds": [
        {"id": "9", "order_id": "1", "created_at": day(7), "amount": 4},
        {"id": "8", "order_id": "lost", "created_at": day(7)},
    ],
    "raw_square.payments": [
        {"id": "p1", "created_at": day(1), "status": "COMPLETED", "currency": "USD", "amount": 20}
        | {"total": 23, "tip": 3, "order_id": "o1", "buyer_email": "Ann@Example.com"},
        {"id": "p2", "created_at": day(1), "status": "COMPLETED", "currency": "USD", "amount": 5}
        | {"total": 5, "order_id": "o1"},
        {"id": "p3", "created_at": day(1), "status": "CANCELED", "currency": "USD", "amount": 5},
        {"id": "p4", "created_at": day(2), "status": "COMPLETED", "currency": "ZMW", "amount": 5}
        | {"total": 5},
        {"id": "p5", "created_at": day(2), "status": "TO_COME", "currency": "USD", "amount": 5},
    ],
    "raw_square.payment_fees": [
        {"payment_id": "p1", "position": 0, "currency": "USD", "amount": 1},
        {"payment_id": "lost", "position": 0, "currency": "USD", "amount": 1},
    ],
    "raw_square.refunds": [
        {"id": "q1", "payment_id": "p1", "created_at": day(3), "status": "COMPLETED"}
        | {"currency": "USD", "amount": 6},
        {"id": "q2", "created_at": day(3), "status": "COMPLETED", "currency": "USD", "amount": 2},
        {"id": "q3", "payment_id": "p1", "created_at": day(3), "status": "REJECTED"}
        | {"currency": "USD", "amount": 6},
    ],
}


@pytest.fixture(scope="module")
def foreign() -> Iterator[Installation]:
    with installed([COMPANY]) as installation:
        installation.clv("prepare")
        with psycopg.connect(installation.url()) as connection:
            for table, columns in declared().items():
                if table in ROWS:
                    _fill(connection, table, columns, ROWS[table])
        transform(installation)
        yield installation


def _fill(
    connection: psycopg.Connection[Any],
    table: str,
    columns: dict[str, str],
    rows: list[dict[str, Any]],
) -> None:
    schema, name = table.split(".")
    connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
    connection.execute(
        f"create table {table} ("  # type: ignore[arg-type]
        + ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        + ")"
    )
    for row in rows:
        filled = {"company_id": "acme"} | row
        connection.execute(
            sql.SQL("insert into {} ({}) values ({})").format(
                sql.Identifier(schema, name),
                sql.SQL(", ").join(map(sql.Identifier, filled)),
                sql.SQL(", ").join(map(sql.Placeholder, filled)),
            ),
            filled,
        )


def test_what_can_be_understood_counts(foreign: Installation) -> None:
    orders = {
        (source, order_id): (status, gross, refunded, fees)
        for source, order_id, status, gross, refunded, fees in foreign.query(
            "select source, order_id, status, gross_revenue, refunded, fees from marts.fct_orders"
        )
    }
    counted = {
        key: figures[1:] for key, figures in orders.items() if figures[0] in ("completed", "refund")
    }
    none = Decimal(0)
    assert {key: value for key, value in counted.items() if any(value)} == {
        ("shopify", "s1"): (20, 10, none),
        ("shopify", "s3"): (30, none, none),
        ("stripe", "ch1"): (7, 2, 1),
        ("stripe", "in1"): (12, none, none),
        ("woocommerce", "woocommerce-1"): (40, 4, none),
        ("square", "o1"): (25, 6, 1),
        ("square", "refund-q2"): (none, 2, none),
    }
    assert {key: figures[0] for key, figures in orders.items() if key not in counted} == {
        ("shopify", "s2"): "pending",
        ("stripe", "ch2"): "failed",
        ("stripe", "ch5"): "pending",
        ("stripe", "in2"): "pending",
        ("stripe", "in3"): "pending",
        ("woocommerce", "woocommerce-2"): "pending",
        ("square", "p3"): "cancelled",
        ("square", "p5"): "pending",
    }


def test_what_cannot_is_kept_with_the_reason(foreign: Installation) -> None:
    kept = dict(foreign.query("select order_id, reason from quarantine.orders_without_rate"))
    assert kept == {
        "s4": "no exchange rate from ZMW to USD on 2025-01-04",
        "s5": "no currency",
        "s6": "no date",
        "ch3": "no exchange rate from ZMW to USD on 2025-01-03",
        "ch4": "no currency",
        "ch6": "no date",
        "woocommerce-3": "no date",
        "p4": "no exchange rate from ZMW to USD on 2025-01-02",
    }


def test_nobody_is_there_of_a_company_that_is_none(foreign: Installation) -> None:
    of_company = foreign.fingerprints()
    for table in of_company:
        if table.startswith("marts."):
            assert foreign.query(f"select count(*) from {table} where company_id = 'nobody'") == [
                (0,)
            ], table


def test_square_takes_part_in_people_and_payments(foreign: Installation) -> None:
    ((customer_id,),) = foreign.query(
        "select customer_id from marts.fct_orders where source = 'square' and order_id = 'o1'"
    )
    assert foreign.query(
        "select email from marts.customer_pii where customer_id = %s", customer_id
    ) == [("Ann@Example.com",)]
    assert foreign.query(
        "select transaction_id, type, order_id, amount from marts.fct_transactions"
        " where source = 'square' order by 1"
    ) == [
        ("fee-p1-0", "fee", "o1", -1),
        ("p1", "purchase", "o1", 23),
        ("p2", "purchase", "o1", 5),
        ("p4", "purchase", None, 5),
        ("q1", "refund", "o1", -6),
        ("q2", "refund", "refund-q2", -2),
    ]
