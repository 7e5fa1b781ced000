"""What an account consists of. Times are UTC and whole seconds; money is in major units."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

ZERO = Decimal(0)

#: Events are kept that long.
EVENTS_KEPT = timedelta(days=30)


@dataclass(slots=True)
class Thing:
    """Whatever has an id and a time of creation; `object` is the API's name of its type."""

    object: ClassVar[str] = ""
    id: str
    created: datetime


@dataclass(slots=True)
class Customer(Thing):
    """A buyer."""

    object: ClassVar[str] = "customer"
    email: str | None
    name: str | None
    country: str | None
    phone: str | None = None
    currency: str | None = None
    delinquent: bool = False
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Product(Thing):
    """Something that is sold."""

    object: ClassVar[str] = "product"
    name: str
    updated: datetime
    active: bool = True
    description: str | None = None


@dataclass(slots=True)
class Price(Thing):
    """What a product costs; `interval` is month, year, or None for what is bought once."""

    object: ClassVar[str] = "price"
    product: str
    currency: str
    amount: Decimal
    interval: str | None
    nickname: str | None = None
    active: bool = True


@dataclass(slots=True)
class Coupon(Thing):
    """A discount; a percentage, or an amount in its currency."""

    object: ClassVar[str] = "coupon"
    name: str
    percent_off: Decimal | None = None
    amount_off: Decimal | None = None
    currency: str | None = None
    duration: str = "once"
    duration_in_months: int | None = None
    times_redeemed: int = 0
    valid: bool = True


@dataclass(slots=True)
class Intent(Thing):
    """A payment intent."""

    object: ClassVar[str] = "payment_intent"
    amount: Decimal
    currency: str
    status: str
    customer: str | None
    received: Decimal = ZERO
    latest_charge: str | None = None
    canceled_at: datetime | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Charge(Thing):
    """The try of a payment."""

    object: ClassVar[str] = "charge"
    amount: Decimal
    currency: str
    status: str
    customer: str | None
    intent: str | None
    captured: Decimal = ZERO
    refunded: Decimal = ZERO
    disputed: bool = False
    balance_transaction: str | None = None
    failure_code: str | None = None
    email: str | None = None
    country: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Refund(Thing):
    """Money on its way back."""

    object: ClassVar[str] = "refund"
    amount: Decimal
    currency: str
    status: str
    charge: str
    intent: str | None
    reason: str | None = None
    balance_transaction: str | None = None
    failure_reason: str | None = None
    failure_balance_transaction: str | None = None


@dataclass(slots=True)
class Dispute(Thing):
    """A buyer's complaint at the card scheme."""

    object: ClassVar[str] = "dispute"
    amount: Decimal
    currency: str
    status: str
    reason: str
    charge: str
    intent: str | None
    due_by: datetime | None = None
    balance_transactions: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Movement(Thing):
    """A balance transaction, in the account's currency."""

    object: ClassVar[str] = "balance_transaction"
    amount: Decimal
    fee: Decimal
    currency: str
    type: str
    category: str
    source: str
    available_on: datetime
    exchange_rate: Decimal | None = None
    description: str | None = None

    @property
    def net(self) -> Decimal:
        """What is left after the fee."""
        return self.amount - self.fee


@dataclass(slots=True)
class Item(Thing):
    """What one subscription is to."""

    object: ClassVar[str] = "subscription_item"
    subscription: str
    price: str
    quantity: int
    period_start: datetime
    period_end: datetime


@dataclass(slots=True)
class Subscription(Thing):
    """A subscription."""

    object: ClassVar[str] = "subscription"
    customer: str
    currency: str
    status: str
    items: list[Item]
    trial_start: datetime | None = None
    trial_end: datetime | None = None
    canceled_at: datetime | None = None
    ended_at: datetime | None = None
    cancel_at_period_end: bool = False
    latest_invoice: str | None = None
    coupon: str | None = None


@dataclass(slots=True)
class Line(Thing):
    """A line of an invoice; `amount` is before discounts and negative for a credit."""

    object: ClassVar[str] = "line_item"
    invoice: str
    amount: Decimal
    currency: str
    quantity: int
    description: str
    period_start: datetime
    period_end: datetime
    discount: Decimal = ZERO
    proration: bool = False
    price: str | None = None
    product: str | None = None
    subscription: str | None = None
    subscription_item: str | None = None


@dataclass(slots=True)
class Invoice(Thing):
    """An invoice; what was paid and credited is added up in it as it happens."""

    object: ClassVar[str] = "invoice"
    customer: str
    currency: str
    status: str
    lines: list[Line]
    subscription: str | None = None
    number: str | None = None
    billing_reason: str = "manual"
    coupon: str | None = None
    paid: Decimal = ZERO
    credited_before: Decimal = ZERO
    credited_after: Decimal = ZERO
    finalized_at: datetime | None = None
    paid_at: datetime | None = None
    voided_at: datetime | None = None
    due_date: datetime | None = None
    attempts: int = 0

    @property
    def subtotal(self) -> Decimal:
        """Lines before discounts."""
        return sum((line.amount for line in self.lines), ZERO)

    @property
    def discount(self) -> Decimal:
        """All discounts."""
        return sum((line.discount for line in self.lines), ZERO)

    @property
    def total(self) -> Decimal:
        """Lines after discounts."""
        return self.subtotal - self.discount

    @property
    def due(self) -> Decimal:
        """What is asked for; a credit is not paid out."""
        return max(self.total - self.credited_before, ZERO)


@dataclass(slots=True)
class InvoicePayment(Thing):
    """A payment intent as a payment of an invoice."""

    object: ClassVar[str] = "invoice_payment"
    invoice: str
    requested: Decimal
    currency: str
    status: str
    intent: str
    paid: Decimal | None = None
    paid_at: datetime | None = None
    is_default: bool = False


@dataclass(slots=True)
class CreditLine(Thing):
    """A line of a credit note."""

    object: ClassVar[str] = "credit_note_line_item"
    amount: Decimal
    currency: str
    quantity: int
    description: str
    invoice_line: str | None = None


@dataclass(slots=True)
class CreditNote(Thing):
    """What was taken off an invoice after it was final."""

    object: ClassVar[str] = "credit_note"
    invoice: str
    customer: str
    amount: Decimal
    currency: str
    type: str
    number: str
    lines: list[CreditLine]
    status: str = "issued"
    reason: str | None = None
    refunds: list[tuple[str, Decimal]] = field(default_factory=list)
    voided_at: datetime | None = None


@dataclass(slots=True)
class Event(Thing):
    """What happened; `data` is the object as it was then, in the version of then."""

    object: ClassVar[str] = "event"
    type: str
    data: dict[str, Any]


#: The lists of the API and what is in them.
COLLECTIONS: dict[str, type[Thing]] = {
    "customers": Customer,
    "products": Product,
    "prices": Price,
    "coupons": Coupon,
    "payment_intents": Intent,
    "charges": Charge,
    "refunds": Refund,
    "disputes": Dispute,
    "balance_transactions": Movement,
    "subscriptions": Subscription,
    "invoices": Invoice,
    "invoice_payments": InvoicePayment,
    "credit_notes": CreditNote,
    "events": Event,
}
_COLLECTION_OF = {kind: name for name, kind in COLLECTIONS.items()}


def made_id(prefix: str, *key: object) -> str:
    """Makes an id that is always the same for the same thing."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return f"{prefix}_1{''.join(letters[byte % 62] for byte in digest[:23])}"


@dataclass(slots=True)
class Account:
    """A whole account at one moment.

    `now` moves only when something is changed; `version` counts the changes.
    """

    company: str
    currency: str
    now: datetime
    rates: dict[str, Decimal]
    things: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {name: {} for name in COLLECTIONS}
    )
    deleted: list[tuple[str, str, datetime]] = field(default_factory=list)
    version: int = 0
    _order: dict[str, int] = field(default_factory=dict)

    def add(self, thing: Thing) -> None:
        """Adds something new."""
        self._order[thing.id] = len(self._order)
        self.things[_COLLECTION_OF[type(thing)]][thing.id] = thing

    def of(self, collection: str) -> dict[str, Any]:
        """Returns all of one kind by id."""
        return self.things[collection]

    def newest_first(self, collection: str) -> list[Any]:
        """Returns a list as the API has it; things of one second have one order all the same."""
        if collection == "events":
            horizon = self.now - EVENTS_KEPT
            found = [each for each in self.of(collection).values() if each.created >= horizon]
        else:
            found = list(self.of(collection).values())
        return sorted(found, key=lambda each: (each.created, self._order[each.id]), reverse=True)

    def remove(self, collection: str, thing_id: str) -> None:
        """Lets something be gone."""
        del self.things[collection][thing_id]
        self.deleted.append((collection, thing_id, self.now))

    def is_available(self, movement: Movement) -> bool:
        """Whether the money can be paid out by now."""
        return movement.available_on <= self.now

    def children(self) -> Iterator[tuple[str, Any]]:
        """Yields what is inside of something else, by the name of its list."""
        for subscription in self.of("subscriptions").values():
            for item in subscription.items:
                yield "subscription_items", item
        for invoice in self.of("invoices").values():
            for line in invoice.lines:
                yield "invoice_lines", line
        for note in self.of("credit_notes").values():
            for line in note.lines:
                yield "credit_note_lines", line
