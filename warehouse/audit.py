"""Who or what ran, changed, exported or erased something: rows of access.audit_log.

Belongs here: how a row is written and read. Does not belong here: what is worth a row, which is for
who does it. A row is written in the transaction of what it tells of, where that is one, so that
neither is there without the other. No personal data and no secret may stand in one.
"""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True)
class Entry:
    """One row of access.audit_log."""

    at_time: datetime
    actor: str
    action: str
    company_id: str | None
    object: str
    detail: dict[str, Any]


def record(
    connection: Connection[Any],
    actor: str,
    action: str,
    object_: str,
    company_id: str | None = None,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Adds a row; the caller commits.

    Args:
        connection: To the warehouse, as the platform's own role.
        actor: Who or what did it.
        action: Such as "granted".
        object_: What it was done to.
        company_id: Whose; None where it concerns all.
        detail: More, as JSON.
    """
    connection.execute(
        "insert into access.audit_log (actor, action, company_id, object, detail)"
        " values (%s, %s, %s, %s, %s)",
        (actor, action, company_id, object_, Jsonb(dict(detail or {}))),
    )


def person() -> str:
    """Returns who calls a command, as the machine knows them."""
    try:
        return f"clv by {getpass.getuser()}"
    except (KeyError, OSError):  # A container's user may have no name.
        return "clv"


def entries(
    connection: Connection[Any], company_id: str | None = None, most: int = 50
) -> list[Entry]:
    """Returns the newest rows, the oldest of them first.

    Args:
        connection: To the warehouse.
        company_id: Only those of a company.
        most: How many.
    """
    with connection.cursor(row_factory=class_row(Entry)) as cursor:
        found = cursor.execute(
            "select at_time, actor, action, company_id, object, detail from access.audit_log"
            " where %(company)s::text is null or company_id = %(company)s"
            " order by number desc limit %(most)s",
            {"company": company_id, "most": most},
        ).fetchall()
    return found[::-1]
