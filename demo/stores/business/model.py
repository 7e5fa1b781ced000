"""What a shop consists of. Times are UTC and whole seconds; ids are plain numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from demo.stores.business.money import ZERO, Currencies, Money, total
from demo.stores.business.profiles import Profile


@dataclass(slots=True)
class Variant:
    """One thing that can be bought; price and cost in the shop's currency."""

    id: int
    product_id: int
    title: str
    sku: str
    price: Decimal
    unit_cost: Decimal | None
    position: int
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class Product:
    """A product with its variants, one at least."""

    id: int
    title: str
    handle: str
    vendor: str
    category: str
    tags: list[str]
    status: str
    created_at: datetime
    updated_at: datetime
    variants: list[Variant]
    trashed: bool = False


@dataclass(slots=True)
class Address:
    """Where a parcel or a bill goes."""

    id: int
    first_name: str
    last_name: str
    street: str
    city: str
    zip: str
    province: str | None
    province_code: str | None
    country: str
    country_code: str


@dataclass(slots=True)
class Customer:
    """Somebody with an account; e-mail is kept as it was typed."""

    id: int
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    created_at: datetime
    updated_at: datetime
    tags: list[str]
    note: str | None
    state: str
    locale: str
    subscribed: bool
    address: Address | None


@dataclass(slots=True)
class Discount:
    """What a merchant offers: by code or by itself; a share, an amount or free shipping."""

    id: int
    title: str
    codes: list[str]
    percent: Decimal | None
    amount: Decimal | None
    free_shipping: bool
    starts_at: datetime
    ends_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def automatic(self) -> bool:
        """Whether it applies without a code."""
        return not self.codes


@dataclass(slots=True)
class Application:
    """A discount as one order used it; `kind` is code, automatic or manual."""

    index: int
    kind: str
    title: str
    percent: Decimal | None
    amount: Money | None
    on_shipping: bool = False

    @property
    def on_single_lines(self) -> bool:
        """Whether it belongs to lines, not to the order as a whole."""
        return self.kind == "automatic"


@dataclass(slots=True)
class Allocation:
    """What an application took off one line."""

    index: int
    amount: Money


@dataclass(slots=True)
class Tax:
    """A tax of one line; the rate is a share."""

    title: str
    rate: Decimal
    amount: Money


@dataclass(slots=True)
class Line:
    """A line of an order; its product and variant may be deleted since."""

    id: int
    product_id: int
    variant_id: int
    title: str
    variant_title: str
    sku: str
    vendor: str
    quantity: int
    current_quantity: int
    unit_price: Money
    allocations: list[Allocation]
    taxes: list[Tax]

    @property
    def original(self) -> Money:
        """Price times quantity as ordered."""
        return self.unit_price.times(self.quantity)

    @property
    def discount(self) -> Money:
        """All that was taken off."""
        return total(each.amount for each in self.allocations)

    @property
    def discounted(self) -> Money:
        """What is left after all discounts."""
        return self.original - self.discount

    @property
    def tax(self) -> Money:
        """All taxes of the line."""
        return total(each.amount for each in self.taxes)


@dataclass(slots=True)
class Shipping:
    """The shipping of an order."""

    id: int
    title: str
    price: Money
    allocations: list[Allocation]
    taxes: list[Tax]

    @property
    def discounted(self) -> Money:
        """The price after discounts."""
        return self.price - total(each.amount for each in self.allocations)

    @property
    def tax(self) -> Money:
        """All taxes of it."""
        return total(each.amount for each in self.taxes)


@dataclass(slots=True)
class RefundLine:
    """What of a line was refunded; its id is not the line's."""

    id: int
    line_id: int
    quantity: int
    restock: str
    price: Money
    subtotal: Money
    tax: Money


@dataclass(slots=True)
class RefundShipping:
    """Refunded shipping."""

    id: int
    subtotal: Money
    tax: Money


@dataclass(slots=True)
class Adjustment:
    """A refunded amount that belongs to no line; negative when the shop pays."""

    id: int
    amount: Money
    reason: str


@dataclass(slots=True)
class Refund:
    """One refund; its money moves in transactions that name it."""

    id: int
    created_at: datetime
    note: str | None
    lines: list[RefundLine]
    shipping: list[RefundShipping]
    adjustments: list[Adjustment]

    @property
    def subtotal(self) -> Money:
        """Of lines and shipping, without tax that is not in the price."""
        lines = total(each.subtotal for each in self.lines)
        return lines + total(each.subtotal for each in self.shipping)

    @property
    def tax(self) -> Money:
        """Of lines and shipping."""
        return total(each.tax for each in self.lines) + total(each.tax for each in self.shipping)


@dataclass(slots=True)
class Fee:
    """What the gateway kept, in the shop's currency."""

    id: int
    rate: Decimal
    flat: Decimal
    amount: Decimal


@dataclass(slots=True)
class Transaction:
    """A movement of money, or the try of one; kinds and statuses as card schemes name them."""

    id: int
    kind: str
    status: str
    gateway: str
    amount: Money
    created_at: datetime
    parent_id: int | None = None
    refund_id: int | None = None
    test: bool = False
    error: str | None = None
    fees: list[Fee] = field(default_factory=list)


@dataclass(slots=True)
class Visit:
    """Where a buyer came from."""

    id: int
    at: datetime
    source: str
    tactic: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None


@dataclass(slots=True)
class Order:
    """An order with all that belongs to it."""

    id: int
    number: int
    customer_id: int | None
    email: str | None
    created_at: datetime
    processed_at: datetime
    updated_at: datetime
    currencies: Currencies
    taxes_included: bool
    channel: str
    test: bool
    tags: list[str]
    note: str | None
    lines: list[Line]
    shipping: Shipping | None
    applications: list[Application]
    address: Address | None
    visits: list[Visit]
    transactions: list[Transaction] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    fulfilled_at: datetime | None = None
    edited: bool = False
    # Thrown away and not yet gone for good, where a shop has a trash.
    trashed: bool = False

    @property
    def original(self) -> Money:
        """Lines before discounts."""
        return total(line.original for line in self.lines)

    @property
    def subtotal(self) -> Money:
        """Lines after discounts."""
        return total(line.discounted for line in self.lines)

    @property
    def discount(self) -> Money:
        """All discounts, shipping's too."""
        shipping = self.shipping.price - self.shipping.discounted if self.shipping else ZERO
        return total(line.discount for line in self.lines) + shipping

    @property
    def shipping_price(self) -> Money:
        """Shipping after discounts."""
        return self.shipping.discounted if self.shipping else ZERO

    @property
    def tax(self) -> Money:
        """All taxes."""
        shipping = self.shipping.tax if self.shipping else ZERO
        return total(line.tax for line in self.lines) + shipping

    @property
    def price(self) -> Money:
        """What the buyer owes before any return."""
        due = self.subtotal + self.shipping_price
        return due if self.taxes_included else due + self.tax

    @property
    def received(self) -> Money:
        """Successful sales and captures."""
        return self._moved("SALE", "CAPTURE")

    @property
    def refunded(self) -> Money:
        """Successful refunds."""
        return self._moved("REFUND")

    def _moved(self, *kinds: str) -> Money:
        return total(
            each.amount
            for each in self.transactions
            if each.kind in kinds and each.status == "SUCCESS"
        )

    @property
    def refunded_lines(self) -> Money:
        """What refunds say of lines, without tax that is not in the price."""
        return total(line.subtotal for refund in self.refunds for line in refund.lines)

    @property
    def refunded_tax(self) -> Money:
        """The tax in refunded lines and shipping."""
        return total(refund.tax for refund in self.refunds)

    @property
    def refunded_shipping(self) -> Money:
        """Refunded shipping without tax that is not in the price."""
        return total(each.subtotal for refund in self.refunds for each in refund.shipping)

    @property
    def current_price(self) -> Money:
        """The price less what was returned."""
        left = self.price - self.refunded_lines - self.refunded_shipping
        return left if self.taxes_included else left - self.refunded_tax

    @property
    def financial_status(self) -> str:
        """Where the money stands, by the transactions."""
        received, refunded = self.received.presentment, self.refunded.presentment
        succeeded = {each.kind for each in self.transactions if each.status == "SUCCESS"}
        if received == 0:
            if "VOID" in succeeded:
                status = "VOIDED"
            elif "AUTHORIZATION" in succeeded:
                status = "AUTHORIZED"
            else:
                status = "PAID" if self.price.presentment == 0 else "PENDING"
        elif refunded >= received:
            status = "REFUNDED"
        elif refunded > 0:
            status = "PARTIALLY_REFUNDED"
        else:
            status = "PAID" if received >= self.price.presentment else "PARTIALLY_PAID"
        return status


@dataclass(slots=True)
class Dispute:
    """A buyer's complaint at the card scheme; the amount in the shop's currency."""

    id: int
    order_id: int
    amount: Decimal
    kind: str
    status: str
    reason: str
    initiated_at: datetime
    finalized_at: datetime | None


@dataclass(frozen=True, slots=True)
class Deletion:
    """Something that is gone; `entity` is order, customer or product."""

    id: int
    entity: str
    entity_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Merge:
    """Two customers that became one."""

    job_id: int
    from_id: int
    into_id: int
    at: datetime


class Ids:
    """Numbers that never repeat, each entity in a range of its own."""

    STARTS: ClassVar[dict[str, int]] = {
        "product": 7_100_000_000_000,
        "variant": 41_000_000_000_000,
        "customer": 6_300_000_000_000,
        "address": 8_200_000_000_000,
        "discount": 1_250_000_000_000,
        "order": 5_400_000_000_000,
        "line": 13_800_000_000_000,
        "shipping": 4_500_000_000_000,
        "transaction": 6_800_000_000_000,
        "fee": 900_000_000_000,
        "refund": 960_000_000_000,
        "refund_line": 520_000_000_000,
        "refund_shipping": 310_000_000_000,
        "adjustment": 210_000_000_000,
        "visit": 15_000_000_000_000,
        "dispute": 8_900_000_000,
        "deletion": 104_000_000_000,
        "job": 700_000_000,
        "bulk": 5_800_000_000_000,
    }

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def next(self, entity: str) -> int:
        """Returns a number that this entity has not had, greater than all before."""
        value = self._next.get(entity, self.STARTS[entity]) + 32_771
        self._next[entity] = value
        return value


@dataclass(slots=True)
class Shop:
    """A whole shop at one moment.

    `now` moves only when something is changed; `version` counts the changes.
    """

    profile: Profile
    opened_at: datetime
    now: datetime
    ids: Ids
    products: dict[int, Product] = field(default_factory=dict)
    customers: dict[int, Customer] = field(default_factory=dict)
    discounts: dict[int, Discount] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    disputes: dict[int, Dispute] = field(default_factory=dict)
    deletions: list[Deletion] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)
    version: int = 0
    # Over which money comes unless something else is said.
    gateway: str = "shopify_payments"

    def variant(self, variant_id: int) -> Variant | None:
        """Returns the variant, None if there is none any more."""
        for product in self.products.values():
            for variant in product.variants:
                if variant.id == variant_id:
                    return variant
        return None
