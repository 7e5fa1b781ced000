"""What a list shows: filters, order and page, as WordPress' queries do it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]

MOST = 100
_NUMBERS = ("page", "per_page", "offset", "dp")
_ORDERINGS = ("date", "id", "include", "title", "slug", "modified", "name", "registered_date")


class InvalidParameterError(ValueError):
    """A parameter is not what it has to be."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name


@dataclass(frozen=True, slots=True)
class Item:
    """One object of a list, written only when it is shown.

    Attributes:
        id: Number.
        status: As a filter by status sees it.
        created: Time, None for what has none.
        modified: Time.
        write: Writes it.
        role: Of a user.
    """

    id: int
    status: str
    created: datetime
    modified: datetime | None
    write: Callable[[], Json]
    role: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What is answered."""

    rows: list[Json]
    total: int
    pages: int


def page(items: Iterable[Item], query: Mapping[str, str], zone: ZoneInfo, *, users: bool) -> Page:
    """Filters, sorts and cuts a list.

    Users know neither a status nor a time of change: such filters are ignored without a word.

    Raises:
        InvalidParameterError: A parameter is wrong.
    """
    numbers = {name: _number(name, query[name]) for name in _NUMBERS if name in query}
    size = numbers.get("per_page", 10)
    if not 1 <= size <= MOST:
        raise InvalidParameterError(
            "per_page", f"per_page must be between 1 (inclusive) and {MOST} (inclusive)"
        )
    orderby = query.get("orderby", "registered_date" if users else "date")
    if orderby not in _ORDERINGS:
        raise InvalidParameterError("orderby", f"orderby is not one of {', '.join(_ORDERINGS)}.")
    found = [each for each in items if _shown(each, query, zone, users=users)]
    keys: dict[str, Callable[[Item], Any]] = {
        "id": lambda each: each.id,
        "modified": lambda each: (each.modified or each.created, each.id),
    }
    # Without an order of its own a list has the newest first.
    newest_first = query.get("order", "asc" if users else "desc") == "desc"
    found.sort(key=keys.get(orderby, lambda each: (each.created, each.id)), reverse=newest_first)
    start = numbers.get("offset", (max(numbers.get("page", 1), 1) - 1) * size)
    rows = [each.write() for each in found[start : start + size]]
    if fields := [each for each in query.get("_fields", "").split(",") if each]:
        rows = [{key: value for key, value in row.items() if key in fields} for row in rows]
    return Page(rows, len(found), math.ceil(len(found) / size))


def _shown(item: Item, query: Mapping[str, str], zone: ZoneInfo, *, users: bool) -> bool:
    if "include" in query and item.id not in _ids(query["include"]):
        return False
    if "exclude" in query and item.id in _ids(query["exclude"]):
        return False
    if users:
        role = query.get("role", "customer")
        return role in ("all", item.role)
    wanted = query.get("status", "any").split(",")
    if item.status not in wanted and not ("any" in wanted and item.status != "trash"):
        return False
    gmt = query.get("dates_are_gmt", "").lower() in ("true", "1")

    def stored(at: datetime) -> datetime:
        return at.astimezone(UTC if gmt else zone).replace(tzinfo=None)

    for name, at in (("", item.created), ("modified_", item.modified)):
        for side in ("after", "before"):
            given = query.get(f"{name}{side}")
            if given is None:
                continue
            limit = as_php_reads(f"{name}{side}", given, zone)
            if at is None or not (stored(at) > limit if side == "after" else stored(at) < limit):
                return False
    return True


def as_php_reads(name: str, text: str, zone: ZoneInfo) -> datetime:
    """Reads a limit as WordPress does: in the site's zone, whatever it is compared with.

    So a Z moves it by the zone's offset, and a time that the site's clocks skip in spring becomes
    one an hour later.

    Raises:
        InvalidParameterError: It is no date.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidParameterError(name, "Invalid date.") from None
    aware = at if at.tzinfo else at.replace(tzinfo=zone).astimezone(UTC)
    return aware.astimezone(zone).replace(tzinfo=None)


def _number(name: str, text: str) -> int:
    if not text.lstrip("-").isdecimal():
        raise InvalidParameterError(name, f"{name} is not of type integer.")
    return int(text)


def _ids(text: str) -> set[int]:
    return {int(each) for each in text.split(",") if each.strip().isdecimal()}
