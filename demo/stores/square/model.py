"""A company's stall, and what is paid there. Money is in major units, times are UTC.

The stall sells what neither of the company's shops does, to other customers of CDNOW's.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from demo.stores.business.money import rounded
from demo.stores.business.profiles import Profile
from demo.stores.business.rhythm import CUSTOMERS, rhythm
from demo.stores.business.shop import DATA_END
from demo.stores.business.site import SHARE as SITE

#: What the stall is to the first shop.
SHARE = 0.4
_YEN = Decimal(150)
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Location:
    """A place of the stall; the first is its main one."""

    id: str
    name: str
    currency: str
    active: bool = True


@dataclass(slots=True)
class Fee:
    """What Square keeps of a payment, or gives back where it is below zero."""

    type: str
    at: datetime
    amount: Decimal


@dataclass(slots=True)
class Payment:
    """A payment, however it ended."""

    id: str
    location: str
    currency: str
    created: datetime
    updated: datetime
    amount: Decimal
    status: str
    source: str
    email: str | None = None
    tip: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)
    fees: list[Fee] = field(default_factory=list)
    refunds: list[str] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        """What was paid, tip included."""
        return self.amount + self.tip


@dataclass(slots=True)
class Refund:
    """Money that was given back."""

    id: str
    payment: str
    location: str
    currency: str
    created: datetime
    updated: datetime
    amount: Decimal
    status: str
    reason: str | None


@dataclass(slots=True)
class Seller:
    """A whole account at one moment.

    `now` moves only when something is changed; `version` counts the changes.
    """

    company: str
    now: datetime
    locations: list[Location]
    payments: dict[str, Payment] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    version: int = 0

    def pay(
        self, location: Location, amount: Decimal, at: datetime, source: str, status: str
    ) -> Payment:
        """Adds a payment, with Square's fee where it has one."""
        made = Payment(
            _id(self.company, "payment", len(self.payments)),
            location.id,
            location.currency,
            at,
            at,
            rounded(amount, location.currency),
            status,
            source,
        )
        self.payments[made.id] = made
        if status == "COMPLETED":
            self.complete(made, at)
        return made

    def complete(self, payment: Payment, at: datetime) -> None:
        """Captures a payment."""
        payment.status, payment.updated = "COMPLETED", at
        if payment.source == "CARD":
            fee = rounded(payment.total * Decimal("0.026"), payment.currency)
            payment.fees.append(Fee("INITIAL", at, fee))

    def refund(self, payment: Payment, amount: Decimal, at: datetime, status: str) -> Refund:
        """Gives money back; both objects change.

        Raises:
            ValueError: There is less left of the payment, or it was never made.
        """
        amount = rounded(amount, payment.currency)
        if payment.status != "COMPLETED" or not 0 < amount <= payment.total - payment.refunded:
            raise ValueError(f"{payment.id} can't be refunded by {amount}")
        made = Refund(
            f"{payment.id}_{_id(self.company, 'refund', len(self.refunds))}",
            payment.id,
            payment.location,
            payment.currency,
            at,
            at,
            amount,
            status,
            "Returned goods",
        )
        self.refunds[made.id] = made
        payment.refunds.append(made.id)
        payment.refunded += amount
        payment.updated = at
        if payment.fees and payment.refunded == payment.total:
            back = -sum((each.amount for each in payment.fees), Decimal(0))
            payment.fees.append(Fee("ADJUSTMENT", at, back))
        return made

    def settle(self, refund: Refund, status: str, at: datetime) -> None:
        """Ends a refund; one that failed leaves the payment as it was."""
        refund.status, refund.updated = status, at
        if status in {"FAILED", "REJECTED"}:
            payment = self.payments[refund.payment]
            payment.refunded -= refund.amount
            payment.updated = at


def build(profile: Profile, seed: int = 1, scale: float = 1.0) -> Seller:
    """Makes the account as it stands when the data end; the same arguments make the same account.

    A scale of 1 is about 1,100 payments, beside shops of the same scale.
    """
    key = f"{seed}:{profile.company}:stall"
    seller = Seller(
        profile.company,
        DATA_END,
        [
            Location(_id(profile.company, "location", 0), "Market", profile.currency),
            Location(_id(profile.company, "location", 1), "Tokyo fair", "JPY"),
            Location(_id(profile.company, "location", 2), "Old yard", profile.currency, False),
        ],
    )
    bought = rhythm(profile, key, scale * SHARE, skip=round(CUSTOMERS * (1 + SITE)))
    for number, purchase in enumerate(bought):
        rng = random.Random(f"{key}:{purchase.key}:{purchase.at.isoformat()}")
        drawn = rng.random()
        # The old yard was given up after the first half.
        place = 1 if drawn < 0.3 else 2 if drawn < 0.45 and number < len(bought) / 2 else 0
        location = seller.locations[place]
        worth = profile.price_factor if place != 1 else _YEN
        if purchase.value == 0:
            continue
        source = rng.choices(("CARD", "CASH", "EXTERNAL"), (75, 20, 5))[0]
        status = "COMPLETED"
        if source == "CARD":
            status = rng.choices(("COMPLETED", "CANCELED", "FAILED"), (92, 4, 4))[0]
        at = purchase.at + timedelta(milliseconds=rng.randrange(1000))
        paid = seller.pay(location, purchase.value * worth, at, source, status)
        paid.email = f"{purchase.key}@example.com" if rng.random() < 0.5 else None
        for part in range(rng.choices((0, 1, 2), (75, 18, 7))[0] if status == "COMPLETED" else 0):
            then = at + timedelta(days=1 + part, seconds=rng.randrange(80_000))
            left = paid.total - paid.refunded
            share = rng.choice((Decimal(1), Decimal("0.4"), Decimal("0.25")))
            if then < DATA_END and rounded(left * share, paid.currency) > 0:
                outcome = rng.choices(("COMPLETED", "FAILED"), (95, 5))[0]
                refund = seller.refund(paid, left * share, then, "PENDING")
                seller.settle(refund, outcome, then + timedelta(minutes=5))
    # Some are reserved on a card and not captured yet.
    for number in range(3):
        at = DATA_END - timedelta(hours=1 + number)
        seller.pay(seller.locations[0], Decimal(20 + number), at, "CARD", "APPROVED")
    return seller


def _id(*key: object) -> str:
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return "".join(_LETTERS[byte % 62] for byte in digest[:22])
