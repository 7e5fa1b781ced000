"""Alerts are written first and sent afterwards, so that none is lost and none is told twice.

Belongs here: what was raised, what was sent where, and what is due. Does not belong here: words
(`alert.py`) and wires (`channels.py`).

A sender that is killed between the wire and its note sends that one message again, under the same
id; nothing short of the receiver's own memory can rule that out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from orchestration.alerts.alert import Alert
from orchestration.alerts.channels import Channel, DeliveryError, Message

#: More than this at once for one route become one message.
DIGEST_ABOVE = 3
#: Minutes to the next attempt double with each failure, up to a day.
MAX_ATTEMPTS = 12
_DAY_MINUTES = 1440
# Any number, the same in every process: one sender at a time.
_SENDER = 7_203_411_959


@dataclass(frozen=True)
class Sent:
    """What one round did: messages sent, and routes that failed with what they said."""

    messages: int
    failures: dict[str, str]


def raise_alert(connection: psycopg.Connection[Any], alert: Alert, routes: Sequence[str]) -> bool:
    """Writes an alert, to be sent on each route; the caller commits.

    Returns:
        Whether it is new: one that was raised before is told no second time.
    """
    row = connection.execute(
        "insert into alerts.raised (kind, company_id, key, happened, means, to_do)"
        " values (%s, %s, %s, %s, %s, %s) on conflict do nothing returning alert_id",
        (alert.kind, alert.company_id, alert.key, alert.happened, alert.means, alert.to_do),
    ).fetchone()
    if row is None:
        return False
    for route in routes:
        connection.execute(
            "insert into alerts.deliveries (alert_id, route) values (%s, %s)", (row[0], route)
        )
    return True


def deliver(
    connection: psycopg.Connection[Any], channel_of: Callable[[str], Channel | None]
) -> Sent:
    """Sends what is due, route by route; each route is committed by itself.

    Args:
        connection: To the warehouse, not in autocommit.
        channel_of: Returns the channel of a route, or None where it is configured no more.
    """
    if not _alone(connection):
        return Sent(0, {})
    sent, failures = 0, {}
    try:
        for route, due in _due(connection).items():
            channel = channel_of(route)
            if channel is None:
                _note_failure(connection, route, due, "this route is no longer configured")
                failures[route] = "this route is no longer configured"
                continue
            for message, numbers in _messages(due):
                try:
                    channel.send(message)
                except DeliveryError as error:
                    _note_failure(connection, route, numbers, str(error))
                    failures[route] = str(error)
                    break
                connection.execute(
                    "update alerts.deliveries set sent_at = now(), attempts = attempts + 1,"
                    " problem = null where route = %s and alert_id = any(%s)",
                    (route, [*numbers]),
                )
                connection.commit()
                sent += 1
    finally:
        connection.rollback()
        connection.execute("select pg_advisory_unlock(%s)", (_SENDER,))
        connection.commit()
    return Sent(sent, failures)


def _alone(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("select pg_try_advisory_lock(%s)", (_SENDER,)).fetchone()
    connection.commit()
    return bool(row and row[0])


def _due(connection: psycopg.Connection[Any]) -> dict[str, dict[int, Alert]]:
    found = connection.execute(
        "select route, alert_id, kind, company_id, key, happened, means, to_do"
        " from alerts.deliveries inner join alerts.raised using (alert_id)"
        " where sent_at is null and attempts < %s and try_after <= now()"
        " order by route, alert_id",
        (MAX_ATTEMPTS,),
    ).fetchall()
    due: dict[str, dict[int, Alert]] = {}
    for route, number, *alert in found:
        due.setdefault(route, {})[number] = Alert(*alert)
    return due


def _messages(due: dict[int, Alert]) -> list[tuple[Message, dict[int, Alert]]]:
    if len(due) <= DIGEST_ABOVE:
        return [
            (
                _message(alert.happened.split("\n", 1)[0][:150], alert.text, {number: alert}),
                {number: alert},
            )
            for number, alert in due.items()
        ]
    listed = "\n\n".join(f"{place}. {alert.text}" for place, alert in enumerate(due.values(), 1))
    companies = sorted({alert.company_id or "all companies" for alert in due.values()})
    return [(_message(f"{len(due)} alerts: {', '.join(companies)}", listed, due), due)]


def _message(title: str, text: str, alerts: dict[int, Alert]) -> Message:
    named = ",".join(map(str, alerts))
    return Message(
        hashlib.sha256(named.encode()).hexdigest()[:32],
        title,
        text,
        tuple(
            {
                "kind": alert.kind,
                "company_id": alert.company_id,
                "happened": alert.happened,
                "means": alert.means,
                "to_do": alert.to_do,
            }
            for alert in alerts.values()
        ),
    )


def _note_failure(
    connection: psycopg.Connection[Any], route: str, numbers: Iterable[int], problem: str
) -> None:
    connection.execute(
        "update alerts.deliveries set attempts = attempts + 1, problem = %s,"
        " try_after = now() + least(power(2, attempts), %s) * interval '1 minute'"
        " where route = %s and alert_id = any(%s)",
        (problem, _DAY_MINUTES, route, [*numbers]),
    )
    connection.commit()
