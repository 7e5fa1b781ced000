"""Between inbox and runs: which company's source is to be fetched, and what came of a run.

Belongs here: what both look like to Dagster. Does not belong here: the life of an event
(`ingestion/inbox.py`) and of an uploaded file (`ingestion/uploads.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.lib.flow import COMPANY_TAG, FETCH, LAND, PUBLISH, TRANSFORM
from orchestration.lib.liveness import FOREGROUND_TAG
from orchestration.lib.partitions import company_partitions

SOURCE_TAG = "clv/source"

#: Marks what is built between the nights; its value is the run whose fetch it follows.
REFRESH_TAG = "clv/refresh"

#: Building the models takes a minute or more; a busy shop would have them built all day.
REFRESHED_EVERY = timedelta(minutes=15)

_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

_OVER = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]

#: Runs that are written down at once.
_AT_ONCE = 200


def next_fetches(
    instance: dg.DagsterInstance,
    company_ids: Collection[str],
    assets: Mapping[str, Sequence[dg.AssetKey]],
) -> list[dg.RunRequest]:
    """Says for whom something waits and nothing is under way.

    Without a key for each run: a run that was killed has to be followed by another for the same
    events, and those under way are looked at instead.

    Args:
        instance: Holds the runs.
        company_ids: The companies of companies.yml.
        assets: What a fetch of a source materialises.
    """
    from ingestion import inbox, uploads

    waiting = {(each.company_id, each.source) for each in inbox.due()}
    waiting |= {(company_id, uploads.SOURCE) for company_id in uploads.requested()}
    waiting = {each for each in waiting if each[0] in company_ids and each[1] in assets}
    if not waiting:
        return []
    runs = instance.get_runs(dg.RunsFilter(job_name=FETCH, statuses=_UNDER_WAY))
    under_way = {(run.tags.get(COMPANY_TAG), run.tags.get(SOURCE_TAG)) for run in runs}
    found = sorted(waiting - under_way)  # type: ignore[operator]
    if found:
        # A company may be new since the last night.
        instance.add_dynamic_partitions(
            company_partitions.name or "", sorted({company_id for company_id, _ in found})
        )
    return [
        dg.RunRequest(
            partition_key=company_id, tags={SOURCE_TAG: source}, asset_selection=assets[source]
        )
        for company_id, source in found
    ]


def next_refresh(
    instance: dg.DagsterInstance, now: datetime
) -> list[dg.RunRequest] | dg.SkipReason:
    """Says whether what was fetched is to be modelled and published now.

    The models are of all companies at once, so they wait until nothing is landing, and begin at
    most once in `REFRESHED_EVERY`. Values are predicted at night.

    Args:
        instance: Holds the runs.
        now: The time.
    """
    jobs = (LAND, FETCH, TRANSFORM, PUBLISH)
    for job in jobs:
        if instance.get_runs(dg.RunsFilter(job_name=job, statuses=_UNDER_WAY), limit=1):
            return dg.SkipReason(f"A run of {job} is under way.")
    modelled = _last(instance, TRANSFORM)
    if modelled is not None:
        key = modelled.dagster_run.tags.get(REFRESH_TAG)
        well = modelled.dagster_run.status == dg.DagsterRunStatus.SUCCESS
        if key is not None and well:
            published = _last(instance, PUBLISH)
            if published is None or published.create_timestamp < modelled.create_timestamp:
                return [_refresh(PUBLISH, key)]
        if now - modelled.create_timestamp < REFRESHED_EVERY:
            return dg.SkipReason("The models were built a short while ago.")
    fetched = _last(instance, FETCH, dg.DagsterRunStatus.SUCCESS)
    if fetched is None:
        return dg.SkipReason("Nothing has been fetched yet.")
    if modelled is not None and fetched.create_timestamp < modelled.create_timestamp:
        return dg.SkipReason("Nothing has been fetched since the models were built.")
    return [_refresh(TRANSFORM, fetched.dagster_run.run_id)]


def _last(
    instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus | None = None
) -> dg.RunRecord | None:
    statuses = [] if status is None else [status]
    records = instance.get_run_records(dg.RunsFilter(job_name=job, statuses=statuses), limit=1)
    return records[0] if records else None


def _refresh(job: str, key: str) -> dg.RunRequest:
    """Requests a stage, once for what was fetched last: a stage that fails waits for the next."""
    return dg.RunRequest(run_key=f"{key} {job}", job_name=job, tags={REFRESH_TAG: key})


def write_down_ended(instance: dg.DagsterInstance, since: datetime) -> datetime:
    """Writes the runs that have ended into inbox.runs, where the receiver's metrics find them.

    Args:
        instance: Holds the runs.
        since: What was written down before ended before that.

    Returns:
        When the last of them changed: from where on to look the next time.
    """
    from warehouse.audit import record as audited
    from warehouse.connection import connect

    records = instance.get_run_records(
        dg.RunsFilter(statuses=_OVER, updated_after=since), limit=_AT_ONCE, ascending=True
    )
    with connect() as connection:
        for record in records:
            run = record.dagster_run
            ended = connection.execute(
                "insert into inbox.runs"
                " (run_id, job_name, company_id, status, started_at, ended_at, rows_landed)"
                " values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
                (
                    run.run_id,
                    run.job_name,
                    run.tags.get(COMPANY_TAG),
                    run.status.value.lower(),
                    _moment(record.start_time),
                    _moment(record.end_time) or record.update_timestamp,
                    _rows_landed(instance, run.run_id),
                ),
            )
            if ended.rowcount:
                audited(
                    connection,
                    _starter(run),
                    "ran",
                    run.job_name,
                    run.tags.get(COMPANY_TAG),
                    {"run_id": run.run_id, "status": run.status.value.lower()},
                )
    return max([since, *(record.update_timestamp for record in records)])


def _starter(run: dg.DagsterRun) -> str:
    """Says who or what started a run."""
    for tag, kind in (("dagster/schedule_name", "schedule"), ("dagster/sensor_name", "sensor")):
        if tag in run.tags:
            return f"{kind} {run.tags[tag]}"
    return "clv run" if FOREGROUND_TAG in run.tags else run.tags.get("user", "Dagster UI")


def _rows_landed(instance: dg.DagsterInstance, run_id: str) -> int:
    found = 0
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
        event = entry.dagster_event
        if event is not None:
            rows = event.step_materialization_data.materialization.metadata.get("rows_landed")
            found += int(rows.value) if rows is not None else 0  # type: ignore[arg-type]
    return found


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
