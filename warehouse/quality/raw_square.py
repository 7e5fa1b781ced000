"""What is expected of the tables of raw_square, for one company."""

from __future__ import annotations

from datetime import UTC, datetime

from warehouse.quality.landed import Rules

SCHEMA = "raw_square"

#: Key of each table, company_id aside.
KEYS: dict[str, tuple[str, ...]] = {
    "payments": ("id",),
    "payment_fees": ("payment_id", "position"),
    "refunds": ("id",),
}

_ALWAYS = ("created_at", "updated_at", "status", "location_id", "currency", "amount")

#: Columns without which a row can't be used, keys aside.
REQUIRED: dict[str, tuple[str, ...]] = {
    "payments": (*_ALWAYS, "total"),
    "payment_fees": ("currency", "amount"),
    "refunds": _ALWAYS,
}

_STATUSES = {
    "payments": ["APPROVED", "CANCELED", "COMPLETED", "FAILED", "PENDING"],
    "refunds": ["COMPLETED", "FAILED", "PENDING", "REJECTED"],
}


#: Builds the suite of a table, one of `KEYS`.
expectations = Rules(
    schema=SCHEMA,
    keys=KEYS,
    required=REQUIRED,
    # What nothing costs in any currency; beyond it sums don't fit a column any more.
    most=10**12,
    not_negative={
        "payments": ("amount", "tip", "total", "app_fee", "approved", "refunded"),
        "refunds": ("amount", "app_fee"),
    },
    # Square gives fees back, too.
    signed={"payment_fees": ("amount",)},
    currencies=dict.fromkeys(KEYS, ("currency",)),
    iso_currencies=True,
    times={"payments": ("created_at", "updated_at"), "refunds": ("created_at", "updated_at")},
    # Before the first account.
    earliest=datetime(2009, 1, 1, tzinfo=UTC),
    values={table: {"status": values} for table, values in _STATUSES.items()},
    broken={
        "payments": {
            "the total isn't amount and tip": "total <> amount + coalesce(tip, 0)",
            "more was refunded than paid": "refunded > total",
            "it changed before it was made": "updated_at < created_at",
        },
        "refunds": {"it changed before it was made": "updated_at < created_at"},
    },
    parents={"payment_fees": (("payment_id", "payments"),)},
).expectations
