"""A seller's payments and refunds as a dlt source: what is read, and how far it was read.

Whatever changes gets a new `updated_at`, and nothing can be deleted. So a load reads what changed
since the last one began.

Belongs here: resources and their state. Does not belong here: paging (`reading.py`) and what is
done around a load (`__init__.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import dlt
from dlt.extract import DltResource

from ingestion.arrow import Node
from ingestion.intake import Intake, Pages
from ingestion.once import Once, mark
from ingestion.resources import Reader, every_table
from ingestion.sources.square.client import SquareClient
from ingestion.sources.square.reading import Window, locations, payments, refunds
from ingestion.sources.square.tables import (
    PARENT,
    PAYMENT_FEES,
    PAYMENTS,
    POSITION,
    REFUNDS,
    TABLES,
)

#: How far before the start of the last load the next one begins: changes appear in the lists some
#: seconds late. What is read twice is merged onto itself.
LAG = timedelta(hours=1)

#: All tables are read together: one cursor is theirs.
_GROUP = {"square": TABLES}


@dataclass
class Seller:
    """What a load reads from.

    Attributes:
        client: The seller's API.
        intake: Takes what is read.
        since: What was created earlier isn't read; None reads all.
    """

    client: SquareClient
    intake: Intake
    since: datetime | None = None


@dlt.source(name="square", max_table_nesting=0)
def changes_source(seller: Seller) -> list[DltResource]:
    """Everything that is new or changed since the last load."""
    return _tables(seller, partial(_changes, seller))


@dlt.source(name="square", max_table_nesting=0)
def backfill_source(seller: Seller, start: datetime, end: datetime) -> list[DltResource]:
    """Everything that was created in a time; remembers nothing.

    Args:
        seller: What to read from.
        start: Start.
        end: End.
    """

    def read() -> Iterator[Pages]:
        yield from _read(seller, locations(seller.client), Window(start, end))

    return _tables(seller, read)


def _tables(seller: Seller, read: Reader) -> list[DltResource]:
    return every_table(_GROUP, {"square": read}, seller.intake.nothing)


def _changes(seller: Seller) -> Iterator[Pages]:
    """Reads all lists, and moves the cursor at the very end.

    dlt commits the state only after everything that was yielded has landed. The cursor is Square's
    time before the first list was read: what happens meanwhile is for the next load.
    """
    state: dict[str, Any] = dlt.current.resource_state()
    seen = datetime.fromisoformat(state["seen_at"]) if "seen_at" in state else None
    places = locations(seller.client)
    now = seller.client.now or datetime.now(UTC)
    changed = None if seen is None else seen - LAG
    yield from _read(seller, places, Window(seller.since, changed=changed))
    state["seen_at"] = max(now, seen or now).isoformat()


def _read(seller: Seller, places: list[str], window: Window) -> Iterator[Pages]:
    seen = Once()
    for place in places:
        for nodes in payments(seller.client, place, window):
            yield _with_fees(seller.intake, _fresh(seen, nodes))
    seen = Once()
    for nodes in refunds(seller.client, window):
        yield seller.intake.single(REFUNDS, _fresh(seen, nodes))


def _fresh(seen: Once, nodes: list[Node]) -> list[Node]:
    """Leaves out what came before in this load; what has no id is for the quarantine."""
    ids = [node.get("id") for node in nodes]
    first = seen.first([mark(each) if isinstance(each, str) else -1 for each in ids])
    return [node for node, fresh in zip(nodes, first, strict=True) if fresh]


def _with_fees(intake: Intake, nodes: list[Node]) -> Pages:
    """Builds the pages of payments; one without a fee doesn't have the field."""
    for node in nodes:
        if node.get("processing_fee") is None:
            node["processing_fee"] = []
    nodes = intake.sound(PAYMENTS, nodes, {"processing_fee": [{}]}, _family)
    fees = [
        {**fee, PARENT: _family(node), POSITION: position}
        for node in nodes
        for position, fee in enumerate(node.pop("processing_fee"), start=1)
    ]
    families = {PAYMENTS.name: nodes, PAYMENT_FEES.name: fees}
    return intake.family(PAYMENTS, (PAYMENT_FEES,), families, _family)


def _family(node: Node) -> str:
    return str(node.get(PARENT) or node.get("id"))
