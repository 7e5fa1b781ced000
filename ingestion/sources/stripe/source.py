"""The account as a dlt source: what is read, in which tables it lands, how far it was read.

Stripe's objects have no time of change. What is new is read by its time of creation; what changed,
by the events of that time, each of which makes its objects be read again. Events are kept for 30
days: what was read last before then is read anew as a whole, and so is whatever was never read.

Belongs here: resources and their state. Does not belong here: paging (`reading.py`) and what is
done around a load (`__init__.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, islice
from typing import Any

import dlt
from dlt.extract import DltResource

from ingestion.arrow import Node, Table
from ingestion.intake import Intake, Pages
from ingestion.once import Once, mark
from ingestion.resources import Reader, every_table
from ingestion.sources.stripe import tables
from ingestion.sources.stripe.client import StripeClient
from ingestion.sources.stripe.entities import BY_NAME, Entity
from ingestion.sources.stripe.landed import Landed
from ingestion.sources.stripe.reading import (
    Window,
    inside,
    listed,
    references,
    single,
)
from ingestion.sources.stripe.tables import TABLES

#: How far before the start of the last load the next one begins: lists and events may lag. What is
#: read twice is merged onto itself.
LAG = timedelta(hours=1)

#: How long Stripe keeps events.
EVENTS_KEPT = timedelta(days=30)

#: More changed objects of one list than that are read with all of it, a hundred at once, instead
#: of one by one; fewer requests, and bounded memory.
MOST_CHANGES = 5_000

#: A balance transaction that is pending for longer is asked for by its id, not by its time.
LONGEST_PENDING = timedelta(days=30)

#: More of a list gone than this share of it, and than a few, is not believed: the key of another
#: account looks alike.
BELIEVED_SHARE, A_FEW = 0.5, 20

#: Objects that are gathered before they become a page.
BATCH = 100

_PAYMENTS = tables.INVOICE_PAYMENTS.name

#: All tables are read together: one cursor is theirs.
_GROUP = {"stripe": TABLES}


@dataclass
class Account:
    """What a load reads from.

    Attributes:
        client: The account's API.
        intake: Takes what is read.
        landed: What is in the warehouse.
        entities: The lists that are read.
        since: Where the first load begins; None at the beginning.
        warnings: What people have to look at, added to by reading.
        deleted: Tombstones written, by entity.
    """

    client: StripeClient
    intake: Intake
    landed: Landed
    entities: tuple[Entity, ...]
    since: datetime | None = None
    warnings: list[str] = field(default_factory=list)
    deleted: dict[str, int] = field(default_factory=lambda: defaultdict(int))


@dlt.source(name="stripe", max_table_nesting=0)
def changes_source(account: Account) -> list[DltResource]:
    """Everything that is new or changed since the last load, and what is gone."""
    return _tables(account, partial(_changes, account))


@dlt.source(name="stripe", max_table_nesting=0)
def backfill_source(account: Account, start: datetime, end: datetime) -> list[DltResource]:
    """Everything that was created in a time; remembers nothing.

    Args:
        account: What to read from.
        start: Start, included.
        end: End, excluded.
    """

    def read() -> Iterator[Pages]:
        for entity in account.entities:
            yield from _new(account, entity, Window(start, end))

    return _tables(account, read)


@dlt.source(name="stripe", max_table_nesting=0)
def again_source(account: Account, wanted: Mapping[str, Sequence[str]]) -> list[DltResource]:
    """Objects that are read again because somebody said that they have changed.

    Args:
        account: What to read from.
        wanted: Their ids, by list.
    """

    def read() -> Iterator[Pages]:
        now = _clock(account.client)
        for entity in account.entities:
            if ids := wanted.get(entity.name):
                yield from _read_again(account, entity, ids, "webhook", now)

    return _tables(account, read)


def _tables(account: Account, read: Reader) -> list[DltResource]:
    """Makes the resources; a table that isn't there is made, one that is costs nothing."""

    def nothing(group: Iterable[Table]) -> Pages:
        there = account.landed.tables()
        return account.intake.nothing(each for each in group if each.name not in there)

    return every_table(_GROUP, {"stripe": read}, nothing)


def _changes(account: Account) -> Iterator[Pages]:
    """Reads all lists and events, and moves the cursor at the very end.

    dlt commits the state only after everything that was yielded has landed. The cursor is Stripe's
    time before the first list was read: what happens meanwhile is for the next load.
    """
    state: dict[str, Any] = dlt.current.resource_state()
    now = _clock(account.client)
    seen = datetime.fromisoformat(state["seen_at"]) if "seen_at" in state else None
    known = set(state.get("entities", ()))
    if seen is not None and now - seen > EVENTS_KEPT - LAG:
        account.warnings.append(
            f"The last load was {(now - seen).days} days ago. Stripe keeps events for "
            f"{EVENTS_KEPT.days} days, so all was read anew."
        )
        known = set()
    start = None if seen is None else seen - LAG
    whole = {each.name for each in account.entities if each.silent or each.name not in known}
    for entity in account.entities:
        if entity.name in whole:
            yield from _all(account, entity, now)
        else:
            window = Window(start=_from(account, entity, start, now))
            yield from _new(account, entity, window)
            if entity.table is tables.BALANCE_TRANSACTIONS and start is not None:
                yield from _long_pending(account, entity, window, now)
    if start is not None and len(whole) < len(account.entities):
        yield from _changed(account, start, now, whole)
    state["seen_at"] = max(now, seen or now).isoformat()
    state["entities"] = [entity.name for entity in account.entities]


def _clock(client: StripeClient) -> datetime:
    """Asks for Stripe's time; and whether the key may read events, without which nothing works."""
    client.get("events, page 1", "events", {"limit": 1})
    return client.now or datetime.now(UTC)


def _from(
    account: Account, entity: Entity, start: datetime | None, now: datetime
) -> datetime | None:
    """Says from when on new objects are read; what is pending is read again with them."""
    if entity.table is not tables.BALANCE_TRANSACTIONS or start is None:
        return start
    oldest = account.landed.oldest_pending(now - LONGEST_PENDING)
    return start if oldest is None else min(start, oldest)


def _long_pending(
    account: Account, entity: Entity, taken: Window, now: datetime
) -> Iterator[Pages]:
    """Asks again for what has been pending for long: a payout that is held, a reserve.

    No event tells when it comes free, and a list from so far back would be most of the account.
    """
    pending = chain.from_iterable(account.landed.long_pending(now - LONGEST_PENDING))
    ids = list(islice(pending, MOST_CHANGES + 1))
    if len(ids) > MOST_CHANGES:
        account.warnings.append(
            f"{entity.name}: more than {MOST_CHANGES:,} are pending for over "
            f"{LONGEST_PENDING.days} days; the oldest of them were asked for."
        )
    yield from _read_again(account, entity, ids[:MOST_CHANGES], "sweep", now, taken)


def _new(account: Account, entity: Entity, window: Window) -> Iterator[Pages]:
    for nodes in listed(account.client, entity.name, window, entity.params):
        yield take(account, entity, nodes)


def _all(
    account: Account, entity: Entity, now: datetime, done: frozenset[str] = frozenset()
) -> Iterator[Pages]:
    """Reads a list as a whole, and compares what is in the warehouse with what is in it.

    What this load has taken already (`done`) isn't taken twice: its children would be doubled.
    """
    start = account.since
    if start is not None:
        start = min(start, account.landed.oldest(entity.name) or start)
    seen = Once()
    for nodes in listed(account.client, entity.name, Window(start), entity.params):
        seen.first([mark(str(node.get("id"))) for node in nodes])
        yield take(account, entity, [node for node in nodes if node.get("id") not in done])
    yield from _gone(account, entity, seen, now)


def _gone(account: Account, entity: Entity, seen: Once, now: datetime) -> Iterator[Pages]:
    """Asks for each object that is in the warehouse and wasn't in the list."""
    absent: list[str] = []
    rows = 0
    for ids in account.landed.living(entity.name):
        rows += len(ids)
        fresh = seen.first([mark(each) for each in ids])
        absent += [each for each, new in zip(ids, fresh, strict=True) if new]
        if len(absent) > MOST_CHANGES:
            break
    if len(absent) > MOST_CHANGES or len(absent) > max(A_FEW, BELIEVED_SHARE * rows):
        account.warnings.append(
            f"{entity.name}: {len(absent):,} of {rows:,} are not in the account any more. That "
            "many are not believed to be deleted: check that the key is of the right account."
        )
    else:
        yield from _read_again(account, entity, absent, "sweep", now)
    back = [
        each
        for ids in account.landed.dead(entity.name)
        for each, new in zip(ids, seen.first([mark(each) for each in ids]), strict=True)
        if not new
    ]
    if back:
        keys = [(entity.name, each) for each in back]
        vacant = tables.DELETIONS.vacancies(account.intake.company_id, keys)
        yield {tables.DELETIONS.name: vacant}


def _changed(account: Account, start: datetime, now: datetime, whole: set[str]) -> Iterator[Pages]:
    """Reads again what the events since a time point to, each object once.

    Events come newest first, and what is read now is younger than all of them, so that each object
    is read when its first event comes by. What was created since `start` was read with the lists.
    """
    asked: dict[str, set[str]] = {
        entity.name: set() for entity in account.entities if entity.name not in whole
    }
    waiting: dict[str, list[str]] = {name: [] for name in asked}
    window = Window(start)
    for events in listed(account.client, "events", window, {}):
        for event in events:
            deleted = str(event.get("type")).endswith(".deleted")
            for place, (name, thing_id) in enumerate(references(event)):
                if name not in asked or thing_id in asked[name]:
                    continue
                # Of the object itself it is known when it was created; of what it names, it isn't.
                gone = deleted and BY_NAME[name].deletable
                if place == 0 and not gone and window.holds(event["data"]["object"]):
                    continue
                asked[name].add(thing_id)
                waiting[name].append(thing_id)
        for name, ids in waiting.items():
            if len(asked[name]) <= MOST_CHANGES and len(ids) >= BATCH:
                yield from _read_again(account, BY_NAME[name], ids, "event", now, window)
                ids.clear()
        too_many = [name for name, ids in asked.items() if len(ids) > MOST_CHANGES]
        for name in too_many:
            done = frozenset(asked.pop(name).difference(waiting.pop(name)))
            account.warnings.append(
                f"{name}: more than {MOST_CHANGES:,} changed, so all of them were read anew."
            )
            yield from _all(account, BY_NAME[name], now, done)
    for name, ids in waiting.items():
        yield from _read_again(account, BY_NAME[name], ids, "event", now, window)


def _read_again(
    account: Account,
    entity: Entity,
    ids: Iterable[str],
    found_by: str,
    now: datetime,
    taken: Window | None = None,
) -> Iterator[Pages]:
    """Reads objects one by one; of those that are gone it makes tombstones.

    What was created within `taken` was taken with the lists and isn't taken twice.
    """
    nodes: list[Node] = []
    payments: list[Node] = []
    stones: list[Node] = []
    for thing_id in ids:
        more = {"expand[]": ["payments"]} if entity.table is tables.INVOICES else {}
        node = single(account.client, entity.kind, entity.name, thing_id, **more)
        if node is None:
            stones.append(_tombstone(entity, thing_id, found_by, now))
            continue
        if more:
            payments += _payments(account, node, taken)
        if taken is None or not taken.holds(node):
            nodes.append(node)
        if len(nodes) >= BATCH:
            yield take(account, entity, nodes)
            nodes = []
    if nodes:
        yield take(account, entity, nodes)
    if payments:
        yield take(account, BY_NAME[_PAYMENTS], payments)
    if stones:
        account.deleted[entity.name] += len(stones)
        yield account.intake.single(tables.DELETIONS, stones)


def _payments(account: Account, invoice: Node, taken: Window | None) -> list[Node]:
    """Takes the payments out of an invoice that was asked for with them.

    They change with it, and not every change of them has an event of its own.
    """
    given = invoice.pop("payments", None)
    wanted = any(entity.table is tables.INVOICE_PAYMENTS for entity in account.entities)
    if not wanted or not isinstance(given, dict):
        return []
    found = given.get("data")
    if given.get("has_more"):
        owner = str(invoice.get("id"))
        found = inside(account.client, owner, _PAYMENTS, _PAYMENTS, {"invoice": owner})
    nodes = [each for each in found or () if isinstance(each, dict)]
    return [each for each in nodes if taken is None or not taken.holds(each)]


def _tombstone(entity: Entity, thing_id: str, found_by: str, now: datetime) -> Node:
    return {
        "entity": entity.name,
        "id": thing_id,
        "found_at": now.isoformat(),
        "found_by": found_by,
    }


def take(account: Account, entity: Entity, nodes: list[Node]) -> Pages:
    """Completes objects and builds the pages of all that comes with them."""
    child = entity.child
    if child is None:
        return account.intake.single(entity.table, nodes)
    nodes = account.intake.sound(entity.table, nodes, child.shape, _family)
    kept: list[Node] = []
    children: list[Node] = []
    for node in nodes:
        found = child.take(account.client, node)
        # A parent that was deleted meanwhile is left to its event.
        if found is not None:
            kept.append(node)
            children += found
    families: Mapping[str, list[Node]] = {entity.name: kept, child.table.name: children}
    return account.intake.family(entity.table, (child.table,), families, _family)


def _family(node: Node) -> str:
    return str(node.get(tables.PARENT) or node.get("id"))
