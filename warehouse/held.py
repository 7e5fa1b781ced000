"""Companies that are left at their last good load.

Belongs here: the table. Does not belong here: why a company is held (`orchestration/lib/flow.py`)
and what that means for a model (dbt's materialization company_table).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from warehouse.connection import connect


def replace_held(reasons: Mapping[str, str]) -> None:
    """Replaces the list; a company that was held before keeps the time since when.

    Args:
        reasons: Why, by company id.
    """
    now = datetime.now(UTC)
    with connect() as connection:
        connection.execute(
            "delete from quarantine.held_companies where company_id <> all(%s)", (list(reasons),)
        )
        for company_id, reason in reasons.items():
            connection.execute(
                "insert into quarantine.held_companies (company_id, reason, since)"
                " values (%s, %s, %s)"
                " on conflict (company_id) do update set reason = excluded.reason",
                (company_id, reason, now),
            )
