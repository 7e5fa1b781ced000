"""Pages of a connection: opaque cursors that hold a sort value, so that a changed row moves."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import GraphQLError

PAGE_LIMIT = 250
# Nothing beyond this many rows of one list can be reached by paging; the list just ends there.
DEPTH_LIMIT = 25_000


class Row(NamedTuple):
    """One row with its place in the order: the sort value, then the id."""

    value: str | int
    id: int
    thing: Any


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one page, and whether there are others on either side."""

    rows: Sequence[Row]
    has_next: bool
    has_previous: bool


def cursor(row: Row) -> str:
    """Returns the row's cursor."""
    text = json.dumps({"last_id": row.id, "last_value": str(row.value)}, separators=(",", ":"))
    return base64.b64encode(text.encode()).decode()


def page(rows: Sequence[Row], args: dict[str, Any], *, limit: int | None = DEPTH_LIMIT) -> Page:
    """Cuts a page.

    Args:
        rows: In ascending order of value and id.
        args: first, after, last, before, reverse.
        limit: Rows beyond it can't be reached.

    Raises:
        GraphQLError: Both or none of first and last, a size out of 0..250, a cursor that is none or
            belongs to another order.
    """
    first, last = args.get("first"), args.get("last")
    if first is None and last is None:
        raise _bad("you must provide one of first or last")
    if first is not None and last is not None:
        raise _bad("providing both first and last is not supported")
    for size in (first, last):
        if size is not None and not 0 <= size <= PAGE_LIMIT:
            raise _bad(f"page size {size} is out of range: it must be from 0 to {PAGE_LIMIT}")
    reverse = bool(args.get("reverse"))
    if reverse:
        rows = rows[::-1]
    low, high = 0, len(rows) if limit is None else min(len(rows), limit)
    if args.get("after") is not None:
        low = _position(rows, args["after"], reverse, past=True)
    if args.get("before") is not None:
        high = min(high, _position(rows, args["before"], reverse, past=False))
    start, stop = low, max(low, high)
    if first is not None:
        stop = min(stop, low + first)
    else:
        start = max(low, stop - (last or 0))
    return Page(rows[start:stop], stop < high, start > 0)


def _position(rows: Sequence[Row], text: str, reverse: bool, *, past: bool) -> int:
    """Finds where a cursor's row stands, or would stand if it is not there any more."""
    key = _key(rows, text)
    if not reverse:
        find = bisect_right if past else bisect_left
        return find(rows, key, key=lambda row: (row.value, row.id))
    ascending = rows[::-1]
    find = bisect_left if past else bisect_right
    return len(rows) - find(ascending, key, key=lambda row: (row.value, row.id))


def _key(rows: Sequence[Row], text: str) -> tuple[Any, int]:
    try:
        read = json.loads(base64.b64decode(text, validate=True))
        value, number = read["last_value"], int(read["last_id"])
        if rows and isinstance(rows[0].value, int):
            value = int(value)
        elif rows and _is_time(str(rows[0].value)) != _is_time(value):
            raise ValueError(text)
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise _bad("Invalid cursor for current pagination sort.") from error
    return value, number


def _is_time(value: str) -> bool:
    return len(value) == 20 and value[10] == "T" and value.endswith("Z")


def _bad(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})
