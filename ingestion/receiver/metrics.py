"""What Prometheus asks: requests to the receiver, and what waits and ran, from the warehouse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.multiprocess import MultiProcessCollector
from psycopg import AsyncConnection

#: Stores give up after five seconds.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

_WAITING = """
select company_id, source, status, count(*), extract(epoch from now() - min(received_at))
from inbox.events where status in ('waiting', 'failed') group by 1, 2, 3 order by 1, 2, 3
"""
_UPLOADS = "select company_id, status, count(*) from inbox.uploads group by 1, 2 order by 1, 2"
_RUNS = """
select
    job_name, coalesce(company_id, ''), status, count(*),
    coalesce(sum(extract(epoch from ended_at - started_at)), 0)::double precision,
    sum(rows_landed)::double precision, extract(epoch from max(ended_at))::double precision
from inbox.runs group by 1, 2, 3 order by 1, 2, 3
"""

Rows = Sequence[tuple[Any, ...]]


class Metrics:
    """The figures of the receiver, which its processes keep in files of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "clv_receiver_requests",
            "Requests, by what came of them.",
            ["source", "status", "outcome"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "clv_receiver_request_seconds",
            "Seconds until a webhook is answered.",
            ["source"],
            buckets=_BUCKETS,
            registry=self.registry,
        )

    def observe(self, source: str, status: int, outcome: str, seconds: float) -> None:
        """Counts a request."""
        self.requests.labels(source, str(status), outcome).inc()
        self.seconds.labels(source).observe(seconds)

    async def text(self, connection: AsyncConnection[Any] | None) -> bytes:
        """Writes all figures as Prometheus reads them.

        Args:
            connection: To the warehouse; None where it can't be reached.
        """
        shown = CollectorRegistry()
        MultiProcessCollector(shown, str(self._folder))
        shown.register(_Shown(await _asked(connection)))
        return generate_latest(shown)


async def _asked(connection: AsyncConnection[Any] | None) -> list[Metric]:
    up = GaugeMetricFamily("clv_database_up", "Whether the warehouse answers.")
    up.add_metric([], float(connection is not None))
    if connection is None:
        return [up]
    answers = [await (await connection.execute(q)).fetchall() for q in (_WAITING, _UPLOADS, _RUNS)]
    return [up, *_inbox(answers[0]), _uploads(answers[1]), *_runs(answers[2])]


def _inbox(rows: Rows) -> Iterator[Metric]:
    names = ["company", "source", "status"]
    events = GaugeMetricFamily(
        "clv_inbox_events", "Events whose objects haven't landed, or can't.", labels=names
    )
    age = GaugeMetricFamily(
        "clv_inbox_oldest_event_seconds", "Age of the oldest of them.", labels=names
    )
    for company, source, status, number, seconds in rows:
        events.add_metric([company, source, status], number)
        age.add_metric([company, source, status], float(seconds))
    yield from (events, age)


def _uploads(rows: Rows) -> Metric:
    found = GaugeMetricFamily(
        "clv_uploads", "Files that were sent, by what became of them.", labels=["company", "status"]
    )
    for company, status, number in rows:
        found.add_metric([company, status], number)
    return found


def _runs(rows: Rows) -> Iterator[Metric]:
    names = ["job", "company", "status"]
    seconds = SummaryMetricFamily(
        "clv_run_duration_seconds", "Runs that have ended, and how long they took.", labels=names
    )
    landed = CounterMetricFamily("clv_run_rows_landed", "Rows that runs have landed.", labels=names)
    last = GaugeMetricFamily("clv_run_last_ended_timestamp_seconds", "When.", labels=names)
    for job, company, status, number, took, rows_landed, ended in rows:
        labels = [job, company, status]
        seconds.add_metric(labels, count_value=number, sum_value=took)
        landed.add_metric(labels, rows_landed)
        last.add_metric(labels, ended)
    yield from (seconds, landed, last)


class _Shown:
    """Metrics that are there already, as a collector."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """Yields them."""
        yield from self._metrics

    def describe(self) -> list[Metric]:
        """Says nothing: otherwise they would be asked for now."""
        return []
