"""Reads lists of the API to their end, whatever moves meanwhile.

Belongs here: paging, and what an event points to. Does not belong here: what is remembered from
load to load (`source.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from ingestion.arrow import Node
from ingestion.sources.stripe.client import MissingError, StripeClient

#: The most that a page may hold.
LIMIT = 100

#: How often a list inside of an object is begun anew because it changed meanwhile.
_RESTARTS = 5


@dataclass(frozen=True)
class Window:
    """A time of creation: from `start` on, before `end`; None is open."""

    start: datetime | None = None
    end: datetime | None = None

    def params(self, latest: int | None = None) -> dict[str, int]:
        """Returns it as the API's filter; `latest`, in seconds, closes it instead of `end`."""
        found = {}
        if self.start is not None:
            found["created[gte]"] = seconds(self.start)
        if latest is not None:
            found["created[lte]"] = latest
        elif self.end is not None:
            found["created[lt]"] = seconds(self.end)
        return found

    def holds(self, node: Node) -> bool:
        """Says whether an object was created in it."""
        created = node.get("created")
        if type(created) is not int:
            return False
        start = self.start is None or created >= seconds(self.start)
        return start and (self.end is None or created < seconds(self.end))


def seconds(moment: datetime) -> int:
    """Writes a time as the API does, in whole seconds since 1970."""
    return int(moment.timestamp())


def moment(since_1970: int) -> datetime:
    """Reads a time of the API."""
    return datetime.fromtimestamp(since_1970, UTC)


def listed(
    client: StripeClient, collection: str, window: Window, params: Mapping[str, Any]
) -> Iterator[list[Node]]:
    """Reads a list, which has its newest first, from its head to its end.

    What is created meanwhile stands before the head and isn't seen. Where the object that a page
    begins after was deleted, the list is begun anew at its second, without what was read of that.

    Args:
        client: The account's API.
        collection: Name of the list.
        window: When what is read was created.
        params: Other filters.

    Yields:
        Pages of objects; none is empty.

    Raises:
        SourceError: As `StripeClient.get`; or the list has no way on.
    """
    after: str | None = None
    anchor, last, at_last, joint = None, None, set[str](), set[str]()
    page = 0
    while True:
        page += 1
        name = f"{collection}, page {page}"
        asked = {**params, **window.params(anchor), "limit": LIMIT}
        if after is not None:
            asked["starting_after"] = after
        try:
            answer = client.get(name, collection, asked)
        except MissingError as error:
            if error.param != "starting_after" or last is None:
                raise
            anchor, after, joint = last, None, set(at_last)
            continue
        nodes = _data(client, name, answer)
        for node in nodes:
            created = node.get("created")
            if type(created) is int and (last is None or created < last):
                last, at_last = created, set()
            at_last.add(str(node.get("id")))
        fresh = [node for node in nodes if node.get("id") not in joint] if joint else nodes
        if fresh:
            yield fresh
        if not answer.get("has_more"):
            return
        after = _last_id(client, name, nodes)


def inside(
    client: StripeClient, owner: str, operation: str, path: str, params: Mapping[str, Any]
) -> list[Node] | None:
    """Reads a list inside of an object as a whole.

    Args:
        client: The account's API.
        owner: Id of the object, for messages.
        operation: Name of the list in messages.
        path: Where it is.
        params: Filters.

    Returns:
        All of it; None when the object isn't there any more.
    """
    for _ in range(_RESTARTS):
        found: list[Node] = []
        after: str | None = None
        page = 0
        while True:
            page += 1
            name = f"{operation} of {owner}, page {page}"
            asked = {**params, "limit": LIMIT}
            if after is not None:
                asked["starting_after"] = after
            try:
                answer = client.get(name, path, asked)
            except MissingError as error:
                if error.param == "starting_after":
                    break
                return None
            nodes = _data(client, name, answer)
            found += nodes
            if not answer.get("has_more"):
                return found
            after = _last_id(client, name, nodes)
    raise client.error(f"{operation} of {owner}", "the list changes all the time; run it again")


def single(
    client: StripeClient, kind: str, collection: str, thing_id: str, **params: Any
) -> Node | None:
    """Reads one object.

    Returns:
        It; None when it was deleted.
    """
    path = f"{collection}/{quote(thing_id, safe='')}"
    try:
        found = client.get(f"{kind} {thing_id}", path, params)
    except MissingError:
        return None
    return None if found.get("deleted") is True else found


def _data(client: StripeClient, name: str, answer: Node) -> list[Node]:
    nodes = answer.get("data")
    if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
        raise client.error(name, "the answer isn't a list of objects")
    return nodes


def _last_id(client: StripeClient, name: str, nodes: list[Node]) -> str:
    last = nodes[-1].get("id") if nodes else None
    if not isinstance(last, str):
        raise client.error(name, "there is more, but nothing to go on from")
    return last


# The fields of an event's object that name others which changed with it, by the type of the object.
_REFERENCES: dict[str, dict[str, str]] = {
    "customer": {"id": "customers"},
    "discount": {"customer": "customers", "subscription": "subscriptions"},
    "product": {"id": "products"},
    "price": {"id": "prices"},
    "coupon": {"id": "coupons"},
    "payment_intent": {"id": "payment_intents"},
    "charge": {"id": "charges"},
    "refund": {"id": "refunds", "charge": "charges"},
    "dispute": {"id": "disputes", "charge": "charges"},
    "subscription": {"id": "subscriptions"},
    "invoice": {"id": "invoices"},
    "invoice_payment": {"id": "invoice_payments", "invoice": "invoices"},
    "credit_note": {"id": "credit_notes", "invoice": "invoices"},
}


def references(event: Node) -> Iterator[tuple[str, str]]:
    """Yields what an event tells to have changed: names of lists and ids.

    Its object is of then, in the version of then: only its type and its ids are read.
    """
    data = event.get("data")
    node = data.get("object") if isinstance(data, dict) else None
    if not isinstance(node, dict):
        return
    for field, collection in _REFERENCES.get(str(node.get("object")), {}).items():
        value = node.get(field)
        if isinstance(value, dict):
            value = value.get("id")
        if isinstance(value, str) and value:
            yield collection, value
