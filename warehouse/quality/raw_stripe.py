"""What is expected of the tables of raw_stripe, for one company."""

from __future__ import annotations

from datetime import UTC, datetime

from warehouse.quality.landed import Rules

SCHEMA = "raw_stripe"

#: Key of each table, company_id aside.
KEYS: dict[str, tuple[str, ...]] = {
    "customers": ("id",),
    "products": ("id",),
    "prices": ("id",),
    "coupons": ("id",),
    "payment_intents": ("id",),
    "charges": ("id",),
    "refunds": ("id",),
    "disputes": ("id",),
    "balance_transactions": ("id",),
    "subscriptions": ("id",),
    "subscription_items": ("id",),
    "invoices": ("id",),
    "invoice_lines": ("id",),
    "invoice_payments": ("id",),
    "credit_notes": ("id",),
    "credit_note_lines": ("id",),
    "deletions": ("entity", "id"),
}

_FLAGS = ("paid", "captured", "refunded", "disputed")

#: Columns without which a row can't be used, keys aside.
REQUIRED: dict[str, tuple[str, ...]] = {
    "customers": ("created_at", "livemode"),
    "products": ("created_at", "livemode", "name", "active"),
    "prices": ("created_at", "livemode", "product_id", "active", "type", "currency"),
    "coupons": ("created_at", "livemode", "valid", "duration"),
    "payment_intents": ("created_at", "livemode", "status", "currency", "amount"),
    "charges": (
        *("created_at", "livemode", "status", *_FLAGS, "currency"),
        *("amount", "amount_captured", "amount_refunded"),
    ),
    "refunds": ("created_at", "currency", "amount"),
    "disputes": ("created_at", "livemode", "status", "currency", "amount"),
    "balance_transactions": (
        *("created_at", "available_on", "status", "type", "reporting_category"),
        *("currency", "amount", "fee", "net"),
    ),
    "subscriptions": ("created_at", "livemode", "status", "customer_id", "currency"),
    "subscription_items": (
        *("created_at", "subscription_id", "price_id"),
        *("current_period_start", "current_period_end"),
    ),
    "invoices": (
        *("created_at", "livemode", "currency", "subtotal", "total"),
        *("amount_due", "amount_paid", "amount_remaining"),
    ),
    "invoice_lines": (
        *("invoice_id", "livemode", "currency", "amount", "discount"),
        *("period_start", "period_end"),
    ),
    "invoice_payments": (
        *("created_at", "livemode", "invoice_id", "status", "currency"),
        "amount_requested",
    ),
    "credit_notes": ("created_at", "livemode", "status", "invoice_id", "currency", "amount"),
    "credit_note_lines": ("credit_note_id", "currency", "amount"),
    "deletions": ("found_at", "found_by"),
}

#: Table to the parents that each of its rows has: (column, parent table).
PARENTS: dict[str, tuple[tuple[str, str], ...]] = {
    "subscription_items": (("subscription_id", "subscriptions"),),
    "invoice_lines": (("invoice_id", "invoices"),),
    "credit_note_lines": (("credit_note_id", "credit_notes"),),
}

_NOT_NEGATIVE: dict[str, tuple[str, ...]] = {
    "prices": ("unit_amount", "unit_amount_decimal"),
    "coupons": ("amount_off", "percent_off", "times_redeemed"),
    "payment_intents": ("amount", "amount_received", "amount_capturable"),
    "charges": ("amount", "amount_captured", "amount_refunded"),
    "refunds": ("amount",),
    "disputes": ("amount",),
    "subscription_items": ("quantity",),
    "invoices": (
        *("amount_due", "amount_paid", "amount_remaining"),
        *("pre_payment_credit_notes_amount", "post_payment_credit_notes_amount"),
    ),
    "invoice_payments": ("amount_requested", "amount_paid"),
    "credit_notes": ("amount", "pre_payment_amount", "post_payment_amount"),
}

#: Amounts that may be below zero.
_SIGNED: dict[str, tuple[str, ...]] = {
    "balance_transactions": ("amount", "fee", "net"),
    "invoices": ("subtotal", "total"),
    "invoice_lines": ("amount", "discount"),
}

#: What nothing costs in any currency; beyond it sums don't fit a column any more.
_MOST = 10**12

_WITHOUT_CURRENCY = {"products", "subscription_items", "deletions"}

_VALUES: dict[str, dict[str, list[str]]] = {
    "charges": {"status": ["failed", "pending", "succeeded"]},
    "balance_transactions": {"status": ["available", "pending"]},
    "deletions": {"entity": [table for table in KEYS if table != "deletions"]},
}

#: Arithmetic that a row must obey, as the condition of a row that doesn't.
_BROKEN: dict[str, dict[str, str]] = {
    "charges": {
        "more was refunded than captured": "amount_refunded > amount_captured",
        "what failed was captured": "status = 'failed' and amount_captured > 0",
    },
    "balance_transactions": {"net isn't amount less fee": "net <> amount - fee"},
    "invoices": {
        "more remains than is due": "amount_remaining > amount_due",
        "what is paid has no time of it": "status = 'paid' and paid_at is null",
    },
    "invoice_payments": {
        "what is paid has no amount": "status = 'paid' and amount_paid is null",
    },
    "subscription_items": {
        "a period ends before it starts": "current_period_end < current_period_start"
    },
    "prices": {
        "the price for one is two": (
            "unit_amount is not null and unit_amount_decimal is not null"
            " and unit_amount <> unit_amount_decimal"
        )
    },
}


#: Builds the suite of a table, one of `KEYS`.
expectations = Rules(
    schema=SCHEMA,
    keys=KEYS,
    required=REQUIRED,
    most=_MOST,
    not_negative=_NOT_NEGATIVE,
    signed=_SIGNED,
    currencies={name: ("currency",) for name in KEYS if name not in _WITHOUT_CURRENCY},
    # Which ones there are is checked where amounts are read: by Stripe's table, not ISO's.
    iso_currencies=False,
    times={name: ("created_at",) for name in KEYS if "created_at" in REQUIRED[name]},
    # Before the first account.
    earliest=datetime(2009, 1, 1, tzinfo=UTC),
    values=_VALUES,
    broken=_BROKEN,
    parents=PARENTS,
).expectations
