"""Reads lists of the API to their end, whatever moves meanwhile.

Belongs here: paging, and which filters must be sent. Does not belong here: what is remembered from
load to load (`source.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ingestion.arrow import Node
from ingestion.sources.square.client import SquareClient, StaleCursorError

#: Without a begin_time Square leaves out what is older than a year, also where only changes are
#: asked for.
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

#: The most that a page may hold; it may hold fewer and not be the last.
LIMIT = 100

#: How often a list is begun anew because its cursor grew stale.
_RESTARTS = 5


@dataclass(frozen=True)
class Window:
    """Which objects of a list are read; None is open.

    Attributes:
        start: Created from then on.
        end: Created until then.
        changed: Changed from then on.
    """

    start: datetime | None = None
    end: datetime | None = None
    changed: datetime | None = None

    def params(self) -> dict[str, str]:
        """Returns it as the API's filters."""
        found = {"begin_time": written(self.start or LONG_AGO)}
        if self.end is not None:
            found["end_time"] = written(self.end)
        if self.changed is not None:
            found["updated_at_begin_time"] = written(self.changed)
        return found


def written(moment: datetime) -> str:
    """Writes a time as the API does."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def locations(client: SquareClient) -> list[str]:
    """Reads the ids of all locations, closed ones included: a list of payments is of one alone."""
    name = "locations, page 1"
    return [_id(client, name, node) for node in _nodes(client, name, "locations", {})]


def payments(client: SquareClient, location: str, window: Window) -> Iterator[list[Node]]:
    """Reads the payments of a location, those that changed last first.

    Yields:
        Pages of objects; none is empty, and what changes meanwhile may come twice.

    Raises:
        SourceError: As `SquareClient.get`; or an answer is no list.
    """
    yield from _listed(
        client, f"payments of {location}", "payments", {"location_id": location, **window.params()}
    )


def refunds(client: SquareClient, window: Window) -> Iterator[list[Node]]:
    """Reads the refunds of all locations, as `payments`."""
    yield from _listed(client, "refunds", "refunds", window.params())


def _listed(
    client: SquareClient, what: str, kind: str, filters: dict[str, str]
) -> Iterator[list[Node]]:
    """Reads a list from its head on.

    What changes meanwhile moves to the head, which is read with the next load; what stands behind
    it moves on by one and comes twice. In the other order it would be passed over.
    """
    asked = {**filters, "sort_field": "UPDATED_AT", "sort_order": "DESC", "limit": str(LIMIT)}
    cursor: str | None = None
    page = restarts = 0
    while True:
        page += 1
        name = f"{what}, page {page}"
        try:
            answer = client.get(name, kind, asked | ({"cursor": cursor} if cursor else {}))
        except StaleCursorError:
            restarts += 1
            if cursor is None or restarts > _RESTARTS:
                raise
            cursor, page = None, 0
            continue
        nodes = _objects(client, name, answer.get(kind))
        if nodes:
            yield nodes
        following = answer.get("cursor")
        if not following:
            return
        if not isinstance(following, str) or following == cursor:
            raise client.error(name, "there is more, but the cursor doesn't move on")
        cursor = following


def _nodes(client: SquareClient, name: str, kind: str, params: dict[str, str]) -> list[Node]:
    return _objects(client, name, client.get(name, kind, params).get(kind))


def _objects(client: SquareClient, name: str, found: object) -> list[Node]:
    """Returns the list of an answer, which is missing where it would be empty."""
    nodes = [] if found is None else found
    if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
        raise client.error(name, "the answer isn't a list of objects")
    return nodes


def _id(client: SquareClient, name: str, node: Node) -> str:
    found = node.get("id")
    if not isinstance(found, str):
        raise client.error(name, "a location has no id")
    return found
