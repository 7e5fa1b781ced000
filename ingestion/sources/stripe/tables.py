"""The landed tables: which field of an answer becomes which column.

An amount is in decimals of the row's `currency`, which is written in upper case, and never in
Stripe's smallest units. Times are UTC. Ids are Stripe's, as text.

Belongs here: names and types. Does not belong here: how JSON becomes Arrow (`ingestion/arrow.py`)
and what an amount is worth (`currencies.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa

from ingestion.arrow import BadColumnError, Column, Kind, Node, Table
from ingestion.money import CurrencyCode, MinorAmount
from ingestion.personal import ACCOUNTS, EMAIL, EMAIL_ADDRESS, ERASED, kept, only
from ingestion.sources.stripe.currencies import major, major_of_decimal, places

#: What is added to an object that came inside of another.
PARENT = "__parent"
CURRENCY = "__currency"


@dataclass(frozen=True)
class Amount(MinorAmount):
    """Money in the smallest unit of a currency that stands elsewhere in the object."""

    worth = staticmethod(major)


@dataclass(frozen=True)
class UnitAmount(Amount):
    """A price for one, which may be a part of the smallest unit and comes as text."""

    kind: Kind = "rate"

    worth = staticmethod(major_of_decimal)


@dataclass(frozen=True)
class Currency(CurrencyCode):
    """A currency, in upper case."""

    places = staticmethod(places)


@dataclass(frozen=True)
class Factor(Column):
    """A number with decimals that comes as a number, such as a rate."""

    kind: Kind = "rate"

    @property
    def together(self) -> bool:
        """It comes as a float, of which the shortest decimal is meant."""
        return False

    def read(self, nodes: Sequence[Node]) -> pa.Array:
        """Reads the column of all objects.

        Raises:
            BadColumnError: One of them doesn't fit.
        """
        values = self.walk(nodes)
        if not all(type(value) in {int, float, type(None)} for value in values):
            raise BadColumnError(self.path, "is not a number")
        decimals = [None if value is None else Decimal(repr(value)) for value in values]
        try:
            return self.finish(pa.array(decimals, pa.decimal128(38, 18)))
        except pa.ArrowException:
            raise BadColumnError(self.path, "is no number that fits") from None


_ID = Column("id", "id", required=True)
_CREATED = Column("created_at", "created", "epoch", required=True)
_LIVE = Column("livemode", "livemode", "flag", required=True)
_CURRENCY = Currency("currency", "currency", required=True)
_METADATA = Column("metadata", "metadata", "json")
_NOTED = Column(
    "metadata",
    "metadata",
    "json",
    # By these a payment finds the order that it pays.
    personal=only("order_key", "order_id", "order_transaction_id"),
)
_PRODUCT = kept("what was bought")
_COUNTRY = kept("a country is nobody's")
_REASON = kept("one of Stripe's words")

CUSTOMERS = Table(
    "customers",
    (
        _ID,
        _CREATED,
        _LIVE,
        Column("email", "email", personal=EMAIL),
        Column("name", "name", personal=ERASED),
        Column("phone", "phone", personal=ERASED),
        Column("country", "address.country", personal=_COUNTRY),
        Column("address", "address", "json", personal=ERASED),
        Currency("currency", "currency"),
        Column("delinquent", "delinquent", "flag"),
        Column("description", "description", personal=ERASED),
        _NOTED,
    ),
    owners=(("id", ACCOUNTS), ("email", EMAIL_ADDRESS)),
    account=("id", "email"),
)

PRODUCTS = Table(
    "products",
    (
        _ID,
        _CREATED,
        Column("updated_at", "updated", "epoch"),
        _LIVE,
        Column("name", "name", required=True),
        Column("active", "active", "flag", required=True),
        Column("type", "type"),
        Column("description", "description"),
        Column("default_price_id", "default_price"),
        _METADATA,
    ),
)

PRICES = Table(
    "prices",
    (
        _ID,
        _CREATED,
        _LIVE,
        Column("product_id", "product", required=True),
        Column("active", "active", "flag", required=True),
        Column("nickname", "nickname"),
        Column("type", "type", required=True),
        Column("billing_scheme", "billing_scheme"),
        _CURRENCY,
        # None where the price isn't a whole number of the smallest unit; `unit_amount_decimal` is.
        Amount("unit_amount", "unit_amount"),
        UnitAmount("unit_amount_decimal", "unit_amount_decimal"),
        Column("interval", "recurring.interval"),
        Column("interval_count", "recurring.interval_count", "number"),
        Column("usage_type", "recurring.usage_type"),
        Column("recurring", "recurring", "json"),
        _METADATA,
    ),
)

COUPONS = Table(
    "coupons",
    (
        _ID,
        _CREATED,
        _LIVE,
        Column("name", "name"),
        Column("valid", "valid", "flag", required=True),
        Column("duration", "duration", required=True),
        Column("duration_in_months", "duration_in_months", "number"),
        Factor("percent_off", "percent_off"),
        Amount("amount_off", "amount_off"),
        Currency("currency", "currency"),
        Column("redeem_by", "redeem_by", "epoch"),
        Column("max_redemptions", "max_redemptions", "number"),
        Column("times_redeemed", "times_redeemed", "number"),
        _METADATA,
    ),
)

PAYMENT_INTENTS = Table(
    "payment_intents",
    (
        _ID,
        _CREATED,
        _LIVE,
        Column("status", "status", required=True),
        _CURRENCY,
        Amount("amount", "amount", required=True),
        Amount("amount_received", "amount_received"),
        Amount("amount_capturable", "amount_capturable"),
        Column("customer_id", "customer"),
        Column("latest_charge_id", "latest_charge"),
        Column("canceled_at", "canceled_at", "epoch"),
        Column("cancellation_reason", "cancellation_reason", personal=_REASON),
        Column("description", "description", personal=ERASED),
        _NOTED,
    ),
    amounts={"amount_received": "currency"},
    owners=(("customer_id", ACCOUNTS), ("latest_charge_id", "charges")),
)

CHARGES = Table(
    "charges",
    (
        _ID,
        _CREATED,
        _LIVE,
        Column("status", "status", required=True),
        Column("paid", "paid", "flag", required=True),
        Column("captured", "captured", "flag", required=True),
        Column("refunded", "refunded", "flag", required=True),
        Column("disputed", "disputed", "flag", required=True),
        _CURRENCY,
        Amount("amount", "amount", required=True),
        Amount("amount_captured", "amount_captured", required=True),
        Amount("amount_refunded", "amount_refunded", required=True),
        Column("customer_id", "customer"),
        Column("payment_intent_id", "payment_intent"),
        Column("balance_transaction_id", "balance_transaction"),
        Column("failure_code", "failure_code"),
        Column("failure_message", "failure_message", personal=_REASON),
        Column("email", "billing_details.email", personal=EMAIL),
        Column("country", "billing_details.address.country", personal=_COUNTRY),
        Column("billing_details", "billing_details", "json", personal=ERASED),
        Column("description", "description", personal=ERASED),
        _NOTED,
    ),
    amounts={"amount_captured": "currency"},
    owners=(
        ("customer_id", ACCOUNTS),
        ("email", EMAIL_ADDRESS),
        ("payment_intent_id", "payment_intents"),
    ),
)

REFUNDS = Table(
    "refunds",
    (
        _ID,
        _CREATED,
        Column("status", "status"),
        _CURRENCY,
        Amount("amount", "amount", required=True),
        Column("charge_id", "charge"),
        Column("payment_intent_id", "payment_intent"),
        Column("balance_transaction_id", "balance_transaction"),
        Column("failure_balance_transaction_id", "failure_balance_transaction"),
        Column("failure_reason", "failure_reason", personal=_REASON),
        Column("reason", "reason", personal=_REASON),
        _NOTED,
    ),
    amounts={"amount": "currency"},
    owners=(("charge_id", "charges"), ("payment_intent_id", "payment_intents")),
)

DISPUTES = Table(
    "disputes",
    (
        _ID,
        _CREATED,
        _LIVE,
        Column("status", "status", required=True),
        Column("reason", "reason", personal=_REASON),
        _CURRENCY,
        Amount("amount", "amount", required=True),
        Column("charge_id", "charge"),
        Column("payment_intent_id", "payment_intent"),
        Column("evidence_due_by", "evidence_details.due_by", "epoch"),
        Column("evidence_details", "evidence_details", "json", personal=ERASED),
        # What was withdrawn, and given back: whole objects, which are in balance_transactions too.
        Column("balance_transactions", "balance_transactions", "json"),
        _NOTED,
    ),
    amounts={"amount": "currency"},
    owners=(("charge_id", "charges"), ("payment_intent_id", "payment_intents")),
)

BALANCE_TRANSACTIONS = Table(
    "balance_transactions",
    (
        _ID,
        _CREATED,
        Column("available_on", "available_on", "epoch", required=True),
        Column("status", "status", required=True),
        Column("type", "type", required=True),
        Column("reporting_category", "reporting_category", required=True),
        Column("source_id", "source"),
        _CURRENCY,
        Amount("amount", "amount", required=True),
        Amount("fee", "fee", required=True),
        Amount("net", "net", required=True),
        Factor("exchange_rate", "exchange_rate"),
        Column("fee_details", "fee_details", "json", personal=kept("Stripe's own fees")),
        Column("description", "description", personal=ERASED),
    ),
    amounts={"net": "currency"},
    owners=(("source_id", "charges"), ("source_id", "refunds"), ("source_id", "disputes")),
)

SUBSCRIPTIONS = Table(
    "subscriptions",
    (
        _ID,
        _CREATED,
        _LIVE,
        Column("status", "status", required=True),
        Column("customer_id", "customer", required=True),
        _CURRENCY,
        Column("start_date", "start_date", "epoch"),
        Column("trial_start", "trial_start", "epoch"),
        Column("trial_end", "trial_end", "epoch"),
        Column("cancel_at_period_end", "cancel_at_period_end", "flag"),
        Column("cancel_at", "cancel_at", "epoch"),
        Column("canceled_at", "canceled_at", "epoch"),
        Column("ended_at", "ended_at", "epoch"),
        Column("latest_invoice_id", "latest_invoice"),
        Column("collection_method", "collection_method"),
        Column("discounts", "discounts", "json"),
        _NOTED,
    ),
    owners=(("customer_id", ACCOUNTS),),
)

SUBSCRIPTION_ITEMS = Table(
    "subscription_items",
    (
        _ID,
        _CREATED,
        Column("subscription_id", PARENT, required=True),
        Column("price_id", "price.id", required=True),
        Column("product_id", "price.product"),
        Column("price", "price", "json"),
        Column("quantity", "quantity", "number"),
        Column("current_period_start", "current_period_start", "epoch", required=True),
        Column("current_period_end", "current_period_end", "epoch", required=True),
        Column("discounts", "discounts", "json"),
        _NOTED,
    ),
    parent="subscription_id",
    owners=(("subscription_id", "subscriptions"),),
)

INVOICES = Table(
    "invoices",
    (
        _ID,
        _CREATED,
        _LIVE,
        Column("number", "number"),
        Column("status", "status"),
        Column("customer_id", "customer"),
        Column("subscription_id", "parent.subscription_details.subscription"),
        Column("parent", "parent", "json", personal=ERASED),
        Column("billing_reason", "billing_reason", personal=_REASON),
        Column("collection_method", "collection_method"),
        _CURRENCY,
        Amount("subtotal", "subtotal", required=True),
        Amount("total", "total", required=True),
        Amount("total_excluding_tax", "total_excluding_tax"),
        Amount("amount_due", "amount_due", required=True),
        Amount("amount_paid", "amount_paid", required=True),
        Amount("amount_remaining", "amount_remaining", required=True),
        Amount("pre_payment_credit_notes_amount", "pre_payment_credit_notes_amount"),
        Amount("post_payment_credit_notes_amount", "post_payment_credit_notes_amount"),
        Column("attempt_count", "attempt_count", "number"),
        Column("period_start", "period_start", "epoch"),
        Column("period_end", "period_end", "epoch"),
        Column("due_date", "due_date", "epoch"),
        Column("finalized_at", "status_transitions.finalized_at", "epoch"),
        Column("paid_at", "status_transitions.paid_at", "epoch"),
        Column("voided_at", "status_transitions.voided_at", "epoch"),
        Column("uncollectible_at", "status_transitions.marked_uncollectible_at", "epoch"),
        Column("discounts", "discounts", "json"),
        # Amounts inside of these two are in the smallest unit, as they came.
        Column("total_discount_amounts_minor", "total_discount_amounts", "json"),
        Column("total_taxes_minor", "total_taxes", "json"),
        _NOTED,
    ),
    amounts={"total": "currency"},
    owners=(("customer_id", ACCOUNTS),),
)

_DETAILS = "parent.subscription_item_details"

INVOICE_LINES = Table(
    "invoice_lines",
    (
        _ID,
        Column("invoice_id", PARENT, required=True),
        _LIVE,
        _CURRENCY,
        Amount("amount", "amount", required=True),
        Amount("subtotal", "subtotal"),
        Amount("discount", "__discount", required=True),
        Column("quantity", "quantity", "number"),
        Column("description", "description", personal=_PRODUCT),
        Column("price_id", "pricing.price_details.price"),
        Column("product_id", "pricing.price_details.product"),
        UnitAmount("unit_amount_decimal", "pricing.unit_amount_decimal"),
        Column("pricing", "pricing", "json"),
        Column("subscription_id", f"{_DETAILS}.subscription"),
        Column("subscription_item_id", f"{_DETAILS}.subscription_item"),
        Column("proration", f"{_DETAILS}.proration", "flag"),
        Column("parent", "parent", "json", personal=kept("ids of the subscription")),
        Column("period_start", "period.start", "epoch", required=True),
        Column("period_end", "period.end", "epoch", required=True),
        Column("discountable", "discountable", "flag"),
        Column("discount_amounts_minor", "discount_amounts", "json"),
        Column("taxes_minor", "taxes", "json"),
        _NOTED,
    ),
    parent="invoice_id",
    amounts={"amount": "currency"},
    owners=(("invoice_id", "invoices"),),
)

INVOICE_PAYMENTS = Table(
    "invoice_payments",
    (
        _ID,
        _CREATED,
        _LIVE,
        Column("invoice_id", "invoice", required=True),
        Column("status", "status", required=True),
        _CURRENCY,
        Amount("amount_requested", "amount_requested", required=True),
        Amount("amount_paid", "amount_paid"),
        Column("is_default", "is_default", "flag"),
        Column("payment_type", "payment.type"),
        Column("payment_intent_id", "payment.payment_intent"),
        Column("charge_id", "payment.charge"),
        Column("payment", "payment", "json"),
        Column("paid_at", "status_transitions.paid_at", "epoch"),
        Column("canceled_at", "status_transitions.canceled_at", "epoch"),
    ),
    amounts={"amount_paid": "currency"},
    owners=(("invoice_id", "invoices"),),
)

CREDIT_NOTES = Table(
    "credit_notes",
    (
        _ID,
        _CREATED,
        _LIVE,
        Column("number", "number"),
        Column("status", "status", required=True),
        Column("type", "type"),
        Column("reason", "reason", personal=_REASON),
        Column("invoice_id", "invoice", required=True),
        Column("customer_id", "customer"),
        _CURRENCY,
        Amount("amount", "amount", required=True),
        Amount("subtotal", "subtotal"),
        Amount("total", "total"),
        Amount("pre_payment_amount", "pre_payment_amount"),
        Amount("post_payment_amount", "post_payment_amount"),
        Amount("out_of_band_amount", "out_of_band_amount"),
        Column("refunds_minor", "refunds", "json"),
        Column("effective_at", "effective_at", "epoch"),
        Column("voided_at", "voided_at", "epoch"),
        _NOTED,
    ),
    amounts={"amount": "currency"},
    owners=(("customer_id", ACCOUNTS), ("invoice_id", "invoices")),
)

CREDIT_NOTE_LINES = Table(
    "credit_note_lines",
    (
        _ID,
        Column("credit_note_id", PARENT, required=True),
        Column("invoice_line_id", "invoice_line_item"),
        Column("type", "type"),
        Column("description", "description", personal=_PRODUCT),
        Currency("currency", CURRENCY, required=True),
        Amount("amount", "amount", required=True, currency=CURRENCY),
        Amount("discount_amount", "discount_amount", currency=CURRENCY),
        Column("quantity", "quantity", "number"),
    ),
    parent="credit_note_id",
    amounts={"amount": "currency"},
    owners=(("credit_note_id", "credit_notes"),),
)

#: Tombstones: what the account doesn't have any more. The row itself stays in its own table.
DELETIONS = Table(
    "deletions",
    (
        Column("entity", "entity", required=True),
        Column("id", "id", required=True),
        Column("deleted_at", "deleted_at", "epoch"),
        Column("found_at", "found_at", "time", required=True),
        Column("found_by", "found_by", required=True),
    ),
    key=("entity", "id"),
)

TABLES = (
    CUSTOMERS,
    PRODUCTS,
    PRICES,
    COUPONS,
    PAYMENT_INTENTS,
    CHARGES,
    REFUNDS,
    DISPUTES,
    BALANCE_TRANSACTIONS,
    SUBSCRIPTIONS,
    SUBSCRIPTION_ITEMS,
    INVOICES,
    INVOICE_LINES,
    INVOICE_PAYMENTS,
    CREDIT_NOTES,
    CREDIT_NOTE_LINES,
    DELETIONS,
)
