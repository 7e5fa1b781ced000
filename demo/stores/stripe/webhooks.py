"""Stripe's webhooks: each event as the API shows it, signed with the time."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping

from demo.stores.stripe.model import Account
from demo.stores.stripe.render import render
from demo.stores.webhooks import Message


class Teller:
    """Tells every event."""

    def __init__(self) -> None:
        self._told: set[str] | None = None

    def tell(self, account: Account) -> Iterator[Message]:
        """See `demo.stores.webhooks.Teller`."""
        events = account.of("events")
        told = set(events) if self._told is None else self._told
        self._told = set(events)
        for event_id, event in events.items():
            if event_id not in told:
                body = json.dumps(render(account, event), indent=2).encode()
                yield Message(body, {"Content-Type": "application/json; charset=utf-8"}, event.type)

    def sign(self, message: Message, secret: str) -> Mapping[str, str]:
        """See `demo.stores.webhooks.Teller`; each delivery is signed anew."""
        moment = int(time.time())
        signed = f"{moment}.".encode() + message.body
        digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={moment},v1={digest},v0={'0' * 64}"}

    def greet(self, number: int) -> None:
        """Nothing is sent to a new endpoint."""
