"""Signed webhooks: whoever has subscribed is told what a change has changed, over real HTTP.

Shared by the stand-ins, each of which says what is told (`tell`). Deliveries go out one after
another in a thread of their own; one that isn't answered by 2xx is repeated as it is.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import requests

Json = dict[str, Any]

SECONDS = 5


@dataclass(frozen=True, slots=True)
class Message:
    """What is delivered: the body, and the headers besides those that depend on the moment."""

    body: bytes
    headers: Mapping[str, str]
    topic: str


@dataclass(slots=True)
class Subscription:
    """Who is told.

    Attributes:
        address: Where to.
        secret: With which it is signed.
        retries: How often a delivery that failed is repeated.
        pause: Seconds before it is.
        times: How often each is delivered, although it was answered.
        shuffled: Whether those of one change come in the opposite order.
    """

    address: str
    secret: str
    retries: int = 20
    pause: float = 0.2
    times: int = 1
    shuffled: bool = False


class Teller(Protocol):
    """What one API's webhooks are like."""

    def tell(self, shop: Any) -> Iterable[Message]:
        """Returns what has to be told since the last time."""

    def sign(self, message: Message, secret: str) -> Mapping[str, str]:
        """Returns the headers of a delivery."""

    def greet(self, number: int) -> Message | None:
        """Returns what a new subscription is sent, unsigned."""


@dataclass
class Post:
    """The subscriptions of one stand-in, and what became of their deliveries."""

    teller: Teller
    subscriptions: list[Subscription] = field(default_factory=list)
    log: list[Json] = field(default_factory=list)
    _queue: queue.Queue[tuple[Subscription, Message, bool]] = field(default_factory=queue.Queue)
    _thread: threading.Thread | None = None

    def subscribe(self, order: Json, shop: Any) -> Json:
        """Adds a subscription; it is told only what happens from now on."""
        subscription = Subscription(**order)
        list(self.teller.tell(shop))
        self.subscriptions.append(subscription)
        if self._thread is None:
            self._thread = threading.Thread(target=self._deliver_all, daemon=True)
            self._thread.start()
        number = len(self.subscriptions)
        greeting = self.teller.greet(number)
        if greeting is not None:
            self._queue.put((subscription, greeting, False))
        return {"number": number}

    def changed(self, shop: Any) -> None:
        """Tells every subscription what has changed."""
        if not self.subscriptions:
            return
        messages = list(self.teller.tell(shop))
        for subscription in self.subscriptions:
            for message in messages[::-1] if subscription.shuffled else messages:
                for _ in range(subscription.times):
                    self._queue.put((subscription, message, True))

    def state(self) -> Json:
        """Tells what was delivered, and how much is still to be."""
        return {"deliveries": self.log, "waiting": self._queue.unfinished_tasks}

    def forget(self) -> None:
        """Ends all subscriptions; what waits is dropped."""
        self.subscriptions.clear()
        self.log.clear()

    def _deliver_all(self) -> None:
        while True:
            subscription, message, signed = self._queue.get()
            try:
                self._deliver(subscription, message, signed)
            finally:
                self._queue.task_done()

    def _deliver(self, subscription: Subscription, message: Message, signed: bool) -> None:
        for attempt in range(1 + subscription.retries):
            if subscription not in self.subscriptions:
                return
            headers = dict(message.headers)
            if signed:
                headers |= self.teller.sign(message, subscription.secret)
            status = 0
            try:
                answer = requests.post(
                    subscription.address, data=message.body, headers=headers, timeout=SECONDS
                )
                status = answer.status_code
            except requests.RequestException:
                pass
            self.log.append({"topic": message.topic, "status": status, "attempt": attempt + 1})
            if 200 <= status < 300 or not signed:
                return
            time.sleep(subscription.pause)


@dataclass
class Watched:
    """Finds what has changed in a shop by looking at it again.

    Attributes:
        look: From a shop to a mark for each of its things, which changes when they do.
    """

    look: Callable[[Any], dict[tuple[str, int], Any]]
    _last: dict[tuple[str, int], Any] | None = None

    def changes(self, shop: Any) -> list[tuple[str, int, str]]:
        """Returns entity, id, and one of create, update, delete; nothing the first time."""
        now, before = self.look(shop), self._last
        self._last = now
        if before is None:
            return []
        found = [
            (*key, "create" if key not in before else "update")
            for key, mark in now.items()
            if before.get(key) != mark
        ]
        return found + [(*key, "delete") for key in before if key not in now]


def made_uuid(*key: object) -> str:
    """Makes an id that is always the same for the same thing."""
    return str(UUID(bytes=hashlib.sha256("/".join(map(str, key)).encode()).digest()[:16]))
