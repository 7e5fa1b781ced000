"""What stores told to have changed: taken from the inbox, read again, landed, and ticked off.

An event says only what to read again, so their order doesn't matter and none of them can be late:
whatever is read now is younger than all of them. An event is done when its object has landed, or
when a load of everything that began after the event has. Belongs here: the life of an event. Does
not belong here: how it comes in (`receiver/`) and how an object is read (`sources/`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ingestion.errors import SourceError
from ingestion.locks import LoadUnderWayError
from warehouse.connection import connect

if TYPE_CHECKING:
    from ingestion.loads import Load
    from warehouse.companies import Company

#: Sources whose objects can be read again by their ids; each has `reread_<source>`.
SOURCES = ("shopify", "stripe", "woocommerce")

#: Events that are taken at once; more are left for the next time.
AT_ONCE = 2_000

#: Tries before an event is left to people and to the next load of everything.
MOST_ATTEMPTS = 6

#: What is tried again waits longer each time: half a minute, two minutes, eight, half an hour.
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)

#: Where nothing has landed yet, or another load is at it, nothing was tried.
_NOT_YET = timedelta(minutes=1)

#: What came just before a load began may not have been in the store's lists yet.
_LAG = timedelta(minutes=1)

#: How long what is done is remembered: no store repeats a delivery for longer than a few days.
KEPT = timedelta(days=30)


@dataclass(frozen=True)
class Waiting:
    """Events that are due, of one source of one company.

    Attributes:
        company_id: The company.
        source: The source.
        events: How many.
        oldest: When the first of them came.
    """

    company_id: str
    source: str
    events: int
    oldest: datetime


@dataclass(frozen=True)
class Batch:
    """Events that are being worked on.

    Attributes:
        numbers: Theirs.
        objects: What they are about: ids by table, each once.
    """

    numbers: Sequence[int]
    objects: Mapping[str, Sequence[str]]


def due() -> list[Waiting]:
    """Returns whose events can be worked on now."""
    with connect() as connection:
        found = connection.execute(
            "select company_id, source, count(*), min(received_at) from inbox.events"
            " where status = 'waiting' and try_after <= now() group by 1, 2 order by 4"
        ).fetchall()
    return [Waiting(*row) for row in found]


def fetch(company: Company, source: str) -> tuple[int, Load | None]:
    """Reads again and lands what a company's waiting events are about.

    Args:
        company: The company.
        source: One of `SOURCES`.

    Returns:
        How many events are done, and what was landed; 0 and None where there was nothing to do.

    Raises:
        SourceError: The source refuses or doesn't answer; the events are tried again later, and
            `MOST_ATTEMPTS` times in all.
    """
    reread: Any = getattr(import_module(f"ingestion.sources.{source}"), f"reread_{source}")
    with _taken(company.id, source) as batch:
        if not batch.numbers:
            return 0, None
        load: Load | None = reread(company, batch.objects)
        if load is None:
            _give_back(batch)
            return 0, None
        _done(batch)
        return len(batch.numbers), load


def settle(company_id: str, source: str, began: datetime) -> int:
    """Ticks off the events that came before a load of everything began, which has now landed.

    Args:
        company_id: The company.
        source: The source.
        began: When that load began, by this machine's clock.

    Returns:
        How many there were.
    """
    with connect() as connection:
        settled = connection.execute(
            "update inbox.events set status = 'done', finished_at = now(), problem = null"
            " where company_id = %s and source = %s and status in ('waiting', 'failed')"
            # What is about nothing that lands is for people.
            " and received_at < %s and cardinality(objects) > 0",
            (company_id, source, began - _LAG),
        ).rowcount
        connection.execute(
            "delete from inbox.events where company_id = %s and source = %s and status = 'done'"
            " and finished_at < now() - %s",
            (company_id, source, KEPT),
        )
    return settled


@contextmanager
def _taken(company_id: str, source: str) -> Iterator[Batch]:
    """Takes what is due; what isn't done at the end is tried again later.

    A try is counted before it begins, so that one that ends the process is counted too.
    """
    with connect() as connection:
        connection.execute(
            "update inbox.events set status = 'failed',"
            " problem = coalesce(problem, 'every try ended without a word')"
            " where company_id = %s and source = %s and status = 'waiting' and attempts >= %s"
            " and try_after <= now()",
            (company_id, source, MOST_ATTEMPTS),
        )
        rows = connection.execute(
            "update inbox.events set attempts = attempts + 1,"
            " try_after = now() + least(%(first)s * 4 ^ attempts, %(longest)s)"
            " where event_number in ("
            "select event_number from inbox.events"
            " where company_id = %(company)s and source = %(source)s and status = 'waiting'"
            " and try_after <= now() order by event_number limit %(most)s for update skip locked"
            ") returning event_number, objects",
            {
                "first": _FIRST_WAIT,
                "longest": _LONGEST_WAIT,
                "company": company_id,
                "source": source,
                "most": AT_ONCE,
            },
        ).fetchall()
    objects: dict[str, dict[str, None]] = defaultdict(dict)
    for _, names in sorted(rows):
        for name in names:
            entity, _, object_id = name.partition("/")
            objects[entity][object_id] = None
    batch = Batch(
        [number for number, _ in rows], {entity: list(ids) for entity, ids in objects.items()}
    )
    try:
        yield batch
    except LoadUnderWayError:
        _give_back(batch)
        raise
    except SourceError as error:
        _failed(batch, str(error))
        raise
    except BaseException as error:
        # What a driver says may quote a row.
        _failed(batch, type(error).__name__)
        raise


def _done(batch: Batch) -> None:
    _update(batch, "status = 'done', finished_at = now(), problem = null")


def _give_back(batch: Batch) -> None:
    _update(batch, "attempts = attempts - 1, try_after = now() + %s", _NOT_YET)


def _failed(batch: Batch, problem: str) -> None:
    _update(
        batch,
        "problem = %s, status = case when attempts >= %s then 'failed' else status end",
        problem[:1000],
        MOST_ATTEMPTS,
    )


def _update(batch: Batch, change: str, *values: object) -> None:
    with connect() as connection:
        connection.execute(
            f"update inbox.events set {change} where event_number = any(%s)"  # noqa: S608
            " and status = 'waiting'",
            (*values, list(batch.numbers)),
        )
