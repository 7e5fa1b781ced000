"""Bulk operations: all of a list at once, as a file that the shop writes.

Belongs here: starting, waiting, fetching, and never taking a part for the whole. Does not belong
here: what becomes of the rows (`__init__.py`).
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from ingestion.errors import SourceError
from ingestion.sources.shopify import queries
from ingestion.sources.shopify.client import Node, ShopifyClient
from ingestion.sources.shopify.queries import Listing
from ingestion.sources.shopify.reading import iso, parse_time

log = logging.getLogger(__name__)

#: Rows of a file that are in memory at once.
CHUNK_ROWS = 5_000

#: Times that one window is asked for before it is given up.
ATTEMPTS = 4

FIRST_POLL_SECONDS = 1.0
LONGEST_POLL_SECONDS = 20.0

#: A window that fails is halved down to this.
SHORTEST = timedelta(hours=1)

_WAITING = {"CREATED", "RUNNING", "CANCELING"}
_PARENT = b'"__parentId"'


class _LostResultError(Exception):
    """An operation came to no complete result; asking again may help."""


@dataclass(frozen=True)
class Result:
    """The file of one window: JSON lines in no order, a child perhaps before its parent.

    Attributes:
        file: Where it lies.
        start: Start of the window, included.
        end: End, excluded.
    """

    file: Path
    start: datetime
    end: datetime

    def parents(self) -> Iterator[list[Node]]:
        """Reads the objects of the list itself, a chunk at a time.

        Raises:
            SourceError: One is not of the window, or not JSON.
        """
        for nodes in self._chunks(children=False):
            for node in nodes:
                if not self.start <= _created_at(node, self.start) < self.end:
                    # A search that the API doesn't understand returns everything, silently.
                    raise SourceError(
                        f"shopify: a bulk operation for {iso(self.start)} to {iso(self.end)} "
                        f"returned {node['id']} of {node['createdAt']}: the search was not "
                        "understood. Nothing of this load has landed."
                    )
            yield nodes

    def children(self) -> Iterator[list[Node]]:
        """Reads the objects of nested lists, a chunk at a time; each names its parent."""
        return self._chunks(children=True)

    def _chunks(self, *, children: bool) -> Iterator[list[Node]]:
        # Two passes, of which each parses its own lines only, cost less than holding or sorting.
        with self.file.open("rb") as lines:
            wanted = (line for line in lines if (_PARENT in line) is children)
            while chunk := [_row(line) for line in islice(wanted, CHUNK_ROWS)]:
                yield chunk


def _created_at(node: Node, otherwise: datetime) -> datetime:
    """Reads when a node was created; a node that doesn't say so is refused by its table."""
    try:
        return parse_time(node["createdAt"])
    except (KeyError, TypeError, ValueError):
        return otherwise


def windows(
    client: ShopifyClient,
    listing: Listing,
    start: datetime,
    end: datetime,
    progress: Callable[[str], None],
) -> Iterator[Result]:
    """Fetches what was created in a time, start included, end excluded.

    By the time of creation, which never changes: whatever is edited meanwhile, each object is in
    exactly one window.

    Args:
        client: The shop's API.
        listing: Orders, customers or products.
        start: Start.
        end: End.
        progress: Told what is going on.

    Yields:
        Complete results, each gone when the next one is asked for. A window too large for the API
        comes in several.

    Raises:
        SourceError: A window came to no complete result, however often it was asked for.
    """
    try:
        with _result(client, listing, start, end, progress) as result:
            yield result
            return
    except _LostResultError as lost:
        if end - start < 2 * SHORTEST:
            raise client.error(
                f"bulk operation {listing.name}, {iso(start)} to {iso(end)}",
                f"given up: {lost}. Nothing of this load has landed; run it again later.",
            ) from None
        middle = start + timedelta(seconds=int((end - start).total_seconds()) // 2)
    progress(f"{listing.name}: {iso(start)} to {iso(end)} failed; asking for its halves")
    yield from windows(client, listing, start, middle, progress)
    yield from windows(client, listing, middle, end, progress)


@contextmanager
def _result(
    client: ShopifyClient,
    listing: Listing,
    start: datetime,
    end: datetime,
    progress: Callable[[str], None],
) -> Iterator[Result]:
    """Fetches one window; all of it has been checked before the block begins."""
    query = queries.bulk_query(
        listing,
        f"{listing.created}:>='{iso(start)}' AND {listing.created}:<'{iso(end)}'",
    )
    name = f"bulk operation {listing.name}"
    with tempfile.TemporaryDirectory(prefix="clv-bulk-") as folder:
        file = Path(folder) / "result.jsonl"
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _fetch(client, name, query, file, progress)
                break
            except _LostResultError as lost:
                progress(f"{listing.name}: attempt {attempt}: {lost}")
                if attempt == ATTEMPTS:
                    raise
        yield Result(file, start, end)


def _fetch(
    client: ShopifyClient,
    name: str,
    query: str,
    file: Path,
    progress: Callable[[str], None],
) -> None:
    state = _finished(client, name, _start(client, name, query), progress)
    # partialDataUrl holds some rows of a list without order, so that nobody could tell which
    # orders lack lines: the window is asked for again instead.
    if state["status"] != "COMPLETED":
        raise _LostResultError(
            f"it ended as {state['status']} ({state['errorCode'] or 'no error code'}) after "
            f"{int(state['objectCount']):,} rows"
        )
    expected = int(state["objectCount"])
    if state["url"] is None:
        if expected:
            raise _LostResultError(f"{expected:,} rows without an address to fetch them from")
        file.touch()
        return
    try:
        client.transport.download(f"result of {name}", state["url"], file)
    except SourceError as error:
        raise _LostResultError(str(error)) from None
    found = _count(file)
    if found != expected:
        raise _LostResultError(f"{found:,} of {expected:,} rows in the result")
    progress(f"{name}: {found:,} rows")


def _start(client: ShopifyClient, name: str, query: str) -> str:
    """Starts an operation, waiting while another one of this app is running."""
    for attempt in range(60):
        answer = client.ask("BulkStart", queries.BULK_START, {"query": query})
        payload = answer.data["bulkOperationRunQuery"]
        if not payload["userErrors"]:
            return str(payload["bulkOperation"]["id"])
        problems = payload["userErrors"]
        if any(problem.get("code") == "OPERATION_IN_PROGRESS" for problem in problems):
            client.transport.sleep(min(LONGEST_POLL_SECONDS, FIRST_POLL_SECONDS * 2**attempt))
            continue
        raise client.error(name, "; ".join(problem["message"] for problem in problems))
    raise client.error(
        name,
        "another bulk operation of this app has been running all the time. Run it again later.",
    )


def _finished(
    client: ShopifyClient, name: str, operation_id: str, progress: Callable[[str], None]
) -> dict[str, Any]:
    pause, polls, last = FIRST_POLL_SECONDS, 0, ""
    while True:
        polls += 1
        answer = client.ask("BulkState", queries.BULK_STATE, {"id": operation_id}, polls)
        state: dict[str, Any] | None = answer.data["bulkOperation"]
        if state is None:
            raise _LostResultError("the shop has forgotten the operation")
        if state["status"] not in _WAITING:
            return state
        if state["objectCount"] != last:
            last = state["objectCount"]
            progress(f"{name}: {int(last):,} rows so far")
        client.transport.sleep(pause)
        pause = min(LONGEST_POLL_SECONDS, pause * 1.5)


def _count(file: Path) -> int:
    """Counts the rows; a last line that was cut off doesn't count."""
    rows, last = 0, b""
    with file.open("rb") as lines:
        for line in lines:
            rows += 1
            last = line
    if last:
        try:
            orjson.loads(last)
        except orjson.JSONDecodeError:
            rows -= 1
    return rows


def _row(line: bytes) -> Node:
    try:
        node = orjson.loads(line)
    except orjson.JSONDecodeError:
        node = None
    if not isinstance(node, dict):
        raise SourceError(
            "shopify: a row of a bulk result isn't a JSON object. Nothing of this load has landed; "
            "run it again later."
        )
    return node
