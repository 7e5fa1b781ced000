"""A whole account: ``build(PROFILES["acme"])``."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from demo.stores.business.profiles import Profile
from demo.stores.business.shop import DATA_END, OPENED
from demo.stores.business.site import build_site
from demo.stores.stripe import billing, payments
from demo.stores.stripe.model import Account
from demo.stores.stripe.orders import pay_orders

#: Subscribers at a scale of 1, and the fewest there are.
SUBSCRIBERS, _FEWEST = 120, 20

# What one unit is worth in US dollars.
_DOLLARS = {
    "USD": "1",
    "EUR": "1.0870",
    "GBP": "1.2668",
    "CAD": "0.7293",
    "CHF": "1.1526",
    "JPY": "0.006697",
    "KWD": "3.2561",
    "ISK": "0.007246",
    "UGX": "0.0002703",
}


def build(profile: Profile, seed: int = 1, scale: float = 1.0) -> Account:
    """Makes the account as it stands when the data end; the same arguments make the same account.

    It was paid for the orders of the company's site, and runs subscriptions of its own.
    """
    own = Decimal(_DOLLARS[profile.currency])
    account = Account(
        company=profile.company,
        currency=profile.currency,
        now=DATA_END,
        rates={code: round(Decimal(worth) / own, 8) for code, worth in _DOLLARS.items()},
    )
    billing.stock(account, OPENED)
    pay_orders(account, build_site(profile, seed, scale))
    billing.subscribers(account, OPENED, DATA_END, max(_FEWEST, round(SUBSCRIBERS * scale)))
    _complain(account)
    account.version = 0
    return account


def _complain(account: Account) -> None:
    """Makes sure that there are disputes won, lost and open, and a refund that failed."""
    end = account.now
    charges = [
        each
        for each in account.of("charges").values()
        if each.captured and not each.disputed and not each.refunded
        if each.created < end - timedelta(days=60)
    ]
    won, lost, still_open, failed, twice = charges[3:8]
    for charge, outcome in ((won, True), (lost, False), (still_open, None)):
        at = charge.created + timedelta(days=20)
        dispute = payments.complain(account, charge, at, payments.made_id("du", charge.id))
        if outcome is not None:
            payments.decide(account, dispute, outcome, at + timedelta(days=30))
    share = (failed.amount / 2).quantize(failed.amount)
    at = failed.created + timedelta(days=3)
    payments.give_back(
        account, failed, share, at, payments.made_id("re", failed.id), status="failed"
    )
    for part in range(2):
        at = twice.created + timedelta(days=4 + part)
        amount = (twice.amount / 4).quantize(twice.amount)
        payments.give_back(account, twice, amount, at, payments.made_id("re", twice.id, part))
