"""Money that moves: payments, refunds, disputes, and what each does to the balance.

Each of them makes the objects that the API would show and the events that it would send.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from demo.stores.stripe.model import (
    EVENTS_KEPT,
    ZERO,
    Account,
    Charge,
    Dispute,
    Event,
    Intent,
    Movement,
    Refund,
    Thing,
    made_id,
)
from demo.stores.stripe.render import render

#: How long money is pending.
PENDING = timedelta(days=2)

_FEE_RATE, _FEE_FLAT = Decimal("0.029"), Decimal("0.30")
_DISPUTE_FEE = Decimal("15.00")


def emit(account: Account, kind: str, thing: Thing, at: datetime) -> None:
    """Adds an event, with the object as it is now, unless nobody could read it any more."""
    if at < account.now - EVENTS_KEPT:
        return
    number = len(account.of("events"))
    data = render(account, thing)
    account.add(Event(made_id("evt", account.company, number), at, kind, data))


def _settled(account: Account, amount: Decimal, currency: str) -> tuple[Decimal, Decimal | None]:
    """Converts into the account's currency; the rate is None where it is the same."""
    if currency == account.currency:
        return amount, None
    rate = account.rates[currency]
    return (amount * rate).quantize(Decimal("0.01"), ROUND_HALF_UP), rate


def move(
    account: Account,
    source: Thing,
    amount: Decimal,
    currency: str,
    kind: str,
    category: str,
    at: datetime,
    fee: Decimal | None = None,
) -> Movement:
    """Adds a balance transaction; without a fee given, the usual one is kept of what comes in."""
    settled, rate = _settled(account, amount, currency)
    if fee is None:
        fee = (settled * _FEE_RATE + _FEE_FLAT).quantize(Decimal("0.01"), ROUND_HALF_UP)
    movement = Movement(
        id=made_id("txn", source.id, kind, category, at),
        created=at,
        amount=settled,
        fee=fee,
        currency=account.currency,
        type=kind,
        category=category,
        source=source.id,
        available_on=at + PENDING,
        exchange_rate=rate,
    )
    account.add(movement)
    return movement


def pay(
    account: Account,
    amount: Decimal,
    currency: str,
    at: datetime,
    *,
    intent: Intent,
    charge_id: str,
    failure: str | None = None,
    email: str | None = None,
    country: str | None = None,
    captured_at: datetime | None = None,
    capture: bool = True,
) -> Charge:
    """Tries to pay an intent.

    Args:
        account: The account.
        amount: What is paid.
        currency: In which currency.
        at: When it is tried.
        intent: What is paid.
        charge_id: Id of the charge.
        failure: Why it fails; None when it doesn't.
        email: The payer's.
        country: Of the payer.
        captured_at: When the money was taken, where it was only authorised at first.
        capture: Whether it is taken at all.
    """
    charge = Charge(
        id=charge_id,
        created=at,
        amount=amount,
        currency=currency,
        status="failed" if failure else "succeeded",
        customer=intent.customer,
        intent=intent.id,
        failure_code=failure,
        email=email,
        country=country,
        metadata=dict(intent.metadata),
    )
    account.add(charge)
    intent.latest_charge = charge.id
    if failure:
        intent.status = "requires_payment_method"
        emit(account, "charge.failed", charge, at)
        emit(account, "payment_intent.payment_failed", intent, at)
        return charge
    if capture:
        take(account, charge, captured_at or at)
    else:
        intent.status = "requires_capture"
        emit(account, "charge.succeeded", charge, at)
    return charge


def take(account: Account, charge: Charge, at: datetime) -> None:
    """Captures a charge."""
    charge.captured = charge.amount
    movement = move(account, charge, charge.amount, charge.currency, "charge", "charge", at)
    charge.balance_transaction = movement.id
    intent = account.of("payment_intents")[charge.intent or ""]
    intent.status, intent.received = "succeeded", intent.received + charge.amount
    emit(account, "charge.succeeded" if at == charge.created else "charge.captured", charge, at)
    emit(account, "payment_intent.succeeded", intent, at)


def give_back(
    account: Account,
    charge: Charge,
    amount: Decimal,
    at: datetime,
    refund_id: str,
    *,
    reason: str | None = "requested_by_customer",
    status: str = "succeeded",
) -> Refund:
    """Refunds a part of a charge or all of it.

    A refund that fails had taken the money from the balance, and brings it back.

    Raises:
        ValueError: That much was not paid.
    """
    if amount > charge.captured - charge.refunded:
        raise ValueError(f"{amount} is more than is left of {charge.id}")
    refund = Refund(
        id=refund_id,
        created=at,
        amount=amount,
        currency=charge.currency,
        status="pending" if status == "failed" else status,
        charge=charge.id,
        intent=charge.intent,
        reason=reason,
    )
    account.add(refund)
    refund.balance_transaction = move(
        account, refund, -amount, charge.currency, "refund", "refund", at, ZERO
    ).id
    charge.refunded += amount
    emit(account, "refund.created", refund, at)
    emit(account, "charge.refunded", charge, at)
    if status == "failed":
        fail_refund(account, refund, min(at + timedelta(hours=1), account.now))
    return refund


def fail_refund(account: Account, refund: Refund, at: datetime) -> None:
    """Lets a refund fail after all."""
    charge = account.of("charges")[refund.charge]
    refund.status, refund.failure_reason = "failed", "expired_or_canceled_card"
    refund.failure_balance_transaction = move(
        account,
        refund,
        refund.amount,
        refund.currency,
        "refund_failure",
        "refund_failure",
        at,
        ZERO,
    ).id
    charge.refunded -= refund.amount
    emit(account, "refund.failed", refund, at)
    emit(account, "charge.refund.updated", refund, at)
    emit(account, "charge.updated", charge, at)


def complain(
    account: Account, charge: Charge, at: datetime, dispute_id: str, reason: str = "fraudulent"
) -> Dispute:
    """Lets a charge be disputed: the money and a fee are withdrawn at once."""
    dispute = Dispute(
        id=dispute_id,
        created=at,
        amount=charge.amount,
        currency=charge.currency,
        status="needs_response",
        reason=reason,
        charge=charge.id,
        intent=charge.intent,
        due_by=at + timedelta(days=9),
    )
    account.add(dispute)
    charge.disputed = True
    dispute.balance_transactions.append(
        move(
            account,
            dispute,
            -charge.amount,
            charge.currency,
            "adjustment",
            "dispute",
            at,
            _DISPUTE_FEE,
        ).id
    )
    emit(account, "charge.dispute.created", dispute, at)
    emit(account, "charge.dispute.funds_withdrawn", dispute, at)
    emit(account, "charge.updated", charge, at)
    return dispute


def decide(account: Account, dispute: Dispute, won: bool, at: datetime) -> None:
    """Closes a dispute; a won one brings money and fee back."""
    dispute.status = "won" if won else "lost"
    if won:
        dispute.balance_transactions.append(
            move(
                account,
                dispute,
                dispute.amount,
                dispute.currency,
                "adjustment",
                "dispute_reversal",
                at,
                -_DISPUTE_FEE,
            ).id
        )
        emit(account, "charge.dispute.funds_reinstated", dispute, at)
    emit(account, "charge.dispute.closed", dispute, at)
