"""What the account really is, as plain rows: for a checker that trusts neither API nor connector.

Money is decimal, in major units; rows are read from the account itself and pass no code that
answers requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from demo.stores.stripe.model import COLLECTIONS, Account, Invoice, Movement, Thing

Row = dict[str, Any]

_INSIDE = ("subscription_items", "invoice_lines", "credit_note_lines")

#: What there is a truth of.
ENTITIES = (*(name for name in COLLECTIONS if name != "events"), *_INSIDE, "deletions")


def rows(account: Account, entity: str) -> Iterator[Row]:
    """Yields all rows of an entity.

    Raises:
        KeyError: There is no such entity.
    """
    if entity == "deletions":
        for collection, thing_id, at in account.deleted:
            yield {"entity": collection, "id": thing_id, "deleted_at": at.isoformat()}
    elif entity in _INSIDE:
        for name, thing in account.children():
            if name == entity:
                yield _row(account, thing)
    else:
        for thing in account.things[entity].values():
            yield _row(account, thing)


def _row(account: Account, thing: Thing) -> Row:
    row = {each.name: _plain(getattr(thing, each.name)) for each in fields(thing)}
    if isinstance(thing, Movement):
        row |= {"net": str(thing.net), "available": account.is_available(thing)}
    if isinstance(thing, Invoice):
        row |= {
            name: str(getattr(thing, name)) for name in ("subtotal", "discount", "total", "due")
        }
    return row


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Thing):
        return value.id
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
