"""Writes deliveries to the warehouse, those of concurrent requests in one transaction.

A delivery is answered only after its transaction is on disk. A disk does some hundred of those a
second, so whatever waits is written together.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ingestion.receiver.deliveries import Delivery

log = structlog.get_logger()

#: Deliveries of one transaction, and how many may wait before more are turned away.
AT_ONCE, MOST_WAITING = 500, 5_000

#: A store that hears nothing for five seconds takes the delivery for lost.
ANSWER_SECONDS = 4.0

_COLUMNS = (
    ("company_id", "text"),
    ("source", "text"),
    ("delivery_id", "text"),
    ("event_id", "text"),
    ("topic", "text"),
    # As one text: an array of arrays would have to be a rectangle.
    ("objects", "text"),
    ("occurred_at", "timestamptz"),
    ("problem", "text"),
)

_INSERT = f"""
insert into inbox.events (
    company_id, source, delivery_id, event_id, topic, objects, occurred_at, problem, status
)
select
    company_id, source, delivery_id, event_id, topic,
    coalesce(string_to_array(nullif(objects, ''), E'\\n'), '{{}}'), occurred_at, problem,
    case when problem is null then 'waiting' else 'failed' end
from unnest({", ".join(f"%s::{kind}[]" for _, kind in _COLUMNS)})
    as given ({", ".join(name for name, _ in _COLUMNS)})
on conflict do nothing
returning company_id, source, delivery_id
"""  # noqa: S608  constants


class UnavailableError(Exception):
    """Nothing can be written now; the store has to send it again."""


@dataclass
class _Waiting:
    company_id: str
    source: str
    delivery: Delivery
    stored: asyncio.Future[bool]


class Writer:
    """The one task that writes; requests hand their deliveries to it."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(MOST_WAITING)
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Deliveries that aren't written yet."""
        return self._queue.qsize()

    def start(self) -> None:
        """Begins to write."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Writes what waits, then ends."""
        if self._task is None:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._queue.join(), ANSWER_SECONDS)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def store(self, company_id: str, source: str, delivery: Delivery) -> bool:
        """Writes a delivery and waits until it is on disk.

        Returns:
            Whether it is new; False for one that is there already.

        Raises:
            UnavailableError: The database doesn't take it in time.
        """
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait(_Waiting(company_id, source, delivery, stored))
            return await asyncio.wait_for(stored, ANSWER_SECONDS)
        except asyncio.QueueFull:
            raise UnavailableError("too many deliveries wait to be written") from None
        except TimeoutError:
            raise UnavailableError("the database doesn't answer") from None

    async def _run(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < AT_ONCE and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            # Whoever has given up waiting is answered already, and will come again.
            wanted = [each for each in batch if not each.stored.done()]
            try:
                if wanted:
                    await self._write(wanted)
            except (psycopg.Error, PoolTimeout) as error:
                log.error("deliveries not written", reason=type(error).__name__, count=len(wanted))
                for each in wanted:
                    if not each.stored.done():
                        each.stored.set_exception(UnavailableError("the database fails"))
            finally:
                for _ in batch:
                    self._queue.task_done()

    async def _write(self, batch: list[_Waiting]) -> None:
        try:
            found = await self._insert(batch)
        except psycopg.OperationalError:
            # The server was started anew. If the first try was written, these are duplicates.
            found = await self._insert(batch)
        for each in batch:
            key = (each.company_id, each.source, each.delivery.delivery_id)
            if not each.stored.done():
                each.stored.set_result(key in found)
            found.discard(key)

    async def _insert(self, batch: list[_Waiting]) -> set[tuple[str, str, str]]:
        rows = [
            (
                each.company_id,
                each.source,
                each.delivery.delivery_id,
                each.delivery.event_id,
                each.delivery.topic,
                "\n".join(each.delivery.objects),
                each.delivery.occurred_at,
                each.delivery.problem,
            )
            for each in batch
        ]
        async with self._pool.connection(timeout=ANSWER_SECONDS) as connection:
            cursor = await connection.execute(
                _INSERT, [list(column) for column in zip(*rows, strict=True)]
            )
            return {(company, source, key) async for company, source, key in cursor}


async def configured(connection: psycopg.AsyncConnection[Any]) -> None:
    """Sets a connection up: whatever the server's default, a commit is on disk."""
    await connection.execute("set synchronous_commit to on")
    await connection.execute("set statement_timeout to '10s'")
    await connection.commit()
