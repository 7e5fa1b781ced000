"""Reads lists of the API to their end, whatever moves meanwhile.

A list has no cursor, only places: a row that leaves it moves all behind it one place forward, and
what stood at the joint of two pages is never shown. So a page begins a little before the last one
ended, and is believed only if it shows something that was seen: lists are in the order of the
ids, so then nothing lies between the two. Otherwise it is read anew from further back.

Belongs here: paging. Does not belong here: what is remembered from load to load (`source.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from ingestion.arrow import Node
from ingestion.once import Once
from ingestion.sources.woocommerce.client import WooCommerceClient

Ids = npt.NDArray[np.int64]
Parameters = dict[str, Any]

#: Objects a page; the API refuses more.
PAGE = 100

#: Rows of a page that the one before showed.
SHARED = 5

#: How far before the newest change seen the next load begins. WordPress takes every limit for a
#: time of the site's own zone, also where it compares it with GMT: one that falls into the hour
#: which summer time skips becomes an hour later. And rows that changed within one second come in
#: any order. What is read twice is merged onto itself.
OVERLAP = timedelta(hours=2)


def listed(
    client: WooCommerceClient, route: str, parameters: Parameters | None = None
) -> Iterator[list[Node]]:
    """Reads a list to its end.

    Args:
        client: The site's API.
        route: Of the list.
        parameters: Its filters.

    Yields:
        Pages of objects; no object twice, no page empty.

    Raises:
        SourceError: As `WooCommerceClient.get`; also when the site shows the same page over and
            over.
    """
    asked = (parameters or {}) | {"orderby": "id", "order": "asc", "per_page": PAGE}
    seen, highest, offset, number = Once(), -1, 0, 0
    before: list[int] | None = None
    while True:
        number += 1
        answer = client.get(route, asked | {"offset": offset}, number)
        ids = [node_id(node) for node in answer.nodes]
        known = [each for each in ids if each >= 0]
        if offset and (not known or min(known) > highest):
            # So many rows have left that this page isn't joined to the last one.
            offset, before = max(0, offset - PAGE), None
            continue
        if len(ids) == PAGE and ids == before:
            raise client.error(
                f"{route}, page {number}",
                "the site shows the same page again instead of the next one: a plugin or a cache "
                "ignores the parameter offset. Exclude the REST API from caching.",
            )
        fresh = seen.first(ids)
        if any(fresh):
            yield [node for node, new in zip(answer.nodes, fresh, strict=True) if new]
        highest = max([highest, *known])
        before = ids
        end = offset + PAGE
        if end >= answer.total if answer.total is not None else len(ids) < PAGE:
            return
        offset = end - SHARED


def ids_of(client: WooCommerceClient, route: str, parameters: Parameters | None = None) -> Ids:
    """Reads the ids of a list, ascending."""
    asked = (parameters or {}) | {"_fields": "id"}
    found = [node_id(node) for nodes in listed(client, route, asked) for node in nodes]
    return np.unique(np.array([each for each in found if each >= 0], dtype=np.int64))


def by_id(
    client: WooCommerceClient, route: str, ids: Iterable[int], parameters: Parameters | None = None
) -> Iterator[list[Node]]:
    """Reads objects by their ids.

    Yields:
        Pages of those that are there; one that is gone is left out.
    """
    wanted = sorted(ids)
    for number, start in enumerate(range(0, len(wanted), PAGE), start=1):
        some = ",".join(map(str, wanted[start : start + PAGE]))
        asked = (parameters or {}) | {"include": some, "per_page": PAGE}
        nodes = client.get(route, asked, number).nodes
        if nodes:
            yield nodes


def count(
    client: WooCommerceClient, route: str, parameters: Parameters | None = None
) -> int | None:
    """Asks how long a list is; None where the site doesn't say."""
    asked = (parameters or {}) | {"_fields": "id", "per_page": 1}
    return client.get(route, asked).total


def since(moment: datetime | None) -> Parameters:
    """Returns the filter for what changed later than a time."""
    if moment is None:
        return {}
    return {"modified_after": gmt(moment), "dates_are_gmt": "true"}


def created_within(start: datetime | None, end: datetime | None) -> Parameters:
    """Returns the filter for what was created from a time on and before another.

    The times have to be such as no clock skips; noon is one.
    """
    limits: Parameters = {"dates_are_gmt": "true"} if start or end else {}
    if start:
        # The API's limits are both left out.
        limits["after"] = gmt(start - timedelta(seconds=1))
    if end:
        limits["before"] = gmt(end)
    return limits


def gmt(moment: datetime) -> str:
    """Writes a time as the API takes it right: GMT, and without saying so."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def changed_at(node: Node) -> datetime | None:
    """Reads when an object changed; None where it doesn't say."""
    text = node.get("date_modified_gmt") or node.get("date_created_gmt")
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def node_id(node: Node) -> int:
    """Reads an object's id; -1 where there is none, which its table will refuse."""
    value = node.get("id")
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value < 2**63 else -1
