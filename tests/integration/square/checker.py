"""Compares raw_square with what an account really is, row by row.

Written from the meaning of the columns alone: it reads the stand-in's own account, in which money
is in major units already, and plain SQL, and shares no code with the connector or with how the
stand-in answers requests.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection

Truth = Callable[[str], list[dict[str, Any]]]

SHOWN = 8

_CHANGED = {"created": "created_at", "updated": "updated_at"}

# For each table its key and its columns, each as (name in the account) to (SQL).
TABLES: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "payments": (
        ("id",),
        {
            "id": "id",
            **_CHANGED,
            "location": "location_id",
            "currency": "currency",
            "amount": "amount",
            "tip": "coalesce(tip, 0)",
            "total": "total",
            "refunded": "coalesce(refunded, 0)",
            "status": "status",
            "source": "source_type",
            "email": "buyer_email",
        },
    ),
    "payment_fees": (
        ("payment", "position"),
        {
            "payment": "payment_id",
            "position": "position",
            "type": "type",
            "at": "effective_at",
            "currency": "currency",
            "amount": "amount",
        },
    ),
    "refunds": (
        ("id",),
        {
            "id": "id",
            **_CHANGED,
            "payment": "payment_id",
            "location": "location_id",
            "currency": "currency",
            "amount": "amount",
            "status": "status",
            "reason": "reason",
        },
    ),
}

_MONEY = {"amount", "tip", "total", "refunded"}
_TIMES = {"created", "updated", "at"}


def differences(connection: Connection[Any], company_id: str, truth: Truth) -> list[str]:
    """Returns a line for each row or value on which warehouse and account disagree."""
    connection.rollback()
    found: list[str] = []
    for table, (key, columns) in TABLES.items():
        query = (
            f"select {', '.join(columns.values())} from raw_square.{table} where company_id = %s"
        )
        rows = connection.execute(query, (company_id,)).fetchall()  # type: ignore[arg-type]
        there = [dict(zip(columns, row, strict=True)) for row in rows]
        real = [
            {name: _real(name, value) for name, value in row.items() if name in columns}
            for row in truth(table)
        ]
        found += _compared(table, key, real, there)
    return found


def _real(name: str, value: Any) -> Any:
    if name in _MONEY:
        return Decimal(value)
    return datetime.fromisoformat(value).astimezone(UTC) if name in _TIMES else value


def _compared(
    table: str,
    key: tuple[str, ...],
    real: list[dict[str, Any]],
    there: list[dict[str, Any]],
) -> list[str]:
    def by_key(rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, Any]]:
        return {tuple(row[name] for name in key): row for row in rows}

    wanted, landed = by_key(real), by_key(there)
    found = [f"{table} {each} is missing" for each in wanted.keys() - landed.keys()]
    found += [f"{table} {each} is not in the account" for each in landed.keys() - wanted.keys()]
    if len(landed) != len(there):
        found.append(f"{table} has {len(there) - len(landed)} rows twice")
    found += [
        f"{table} {each}: {name} is {landed[each][name]!r} instead of {value!r}"
        for each in wanted.keys() & landed.keys()
        for name, value in wanted[each].items()
        if landed[each][name] != value
    ]
    return sorted(found)[:SHOWN]
