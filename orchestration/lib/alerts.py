"""What the events of a run are worth telling.

Belongs here: reading a run's events. Does not belong here: the words
(`orchestration/alerts/alert.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import dagster as dg
from dagster import AssetCheckEvaluation

from orchestration.alerts import alert as alerts
from orchestration.alerts.alert import Alert
from orchestration.lib.freshness import CHECK as FRESHNESS

SCORES = dg.AssetKey(["ml", "clv_model_scores"])
#: How Dagster's monitoring says why it ends a run.
_TOO_LONG = "exceeding maximum runtime"
#: What a source answers when it doesn't let the platform in; it is tried again in vain.
_REFUSALS = ("HTTP 401", "HTTP 403", "token is wrong", "credentials")


def alerts_of_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Iterator[Alert]:
    """Yields what people should know of a run that has ended, well or not."""
    company_id = run.tags.get("dagster/partition")
    today = datetime.now(UTC).date()
    causes = []
    ended = "the run ended without a failed step"
    stuck = ""
    for record in instance.all_logs(run.run_id):
        event = record.dagster_event
        if event is None:
            continue
        if event.event_type == dg.DagsterEventType.STEP_FAILURE:
            error = event.step_failure_data.error
            causes.append(f"{event.step_key}: {error.message.strip() if error else 'it failed'}")
        elif event.event_type == dg.DagsterEventType.PIPELINE_CANCELING:
            stuck = event.message or "" if _TOO_LONG in (event.message or "") else ""
        elif event.event_type == dg.DagsterEventType.PIPELINE_FAILURE:
            ended = event.message or ended
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            yield from _check(event.asset_check_evaluation_data, run.run_id, company_id, today)
        elif event.is_step_materialization and event.asset_key == SCORES and company_id:
            yield from _promotion(instance, company_id, record.timestamp)
    if run.status == dg.DagsterRunStatus.FAILURE:
        refused = [cause for cause in causes if any(word in cause for word in _REFUSALS)]
        for cause in refused:
            source = cause.split(":", 1)[0]
            yield alerts.credentials_refused(source, company_id, today, run.run_id, cause)
        if stuck:
            yield alerts.run_stuck(run.job_name, company_id, run.run_id, stuck)
        elif not refused:
            yield alerts.run_failed(run.job_name, company_id, run.run_id, causes or [ended])


def _check(
    evaluation: AssetCheckEvaluation, run_id: str, company_id: str | None, today: date
) -> Iterator[Alert]:
    """A check that failed, where somebody has to do something."""
    if evaluation.passed:
        return
    asset = evaluation.asset_key.to_user_string()
    said = evaluation.description or "see its metadata"
    if evaluation.check_name == FRESHNESS:
        yield alerts.stale(company_id or "all companies", asset, today, said)
    elif evaluation.severity == dg.AssetCheckSeverity.ERROR:
        yield alerts.check_failed(evaluation.check_name, asset, company_id, run_id, said)


def _promotion(instance: dg.DagsterInstance, company_id: str, timestamp: float) -> Iterator[Alert]:
    """The contest's champion, where it is another one than before."""
    found = instance.fetch_materializations(
        dg.AssetRecordsFilter(
            asset_key=SCORES, asset_partitions=[company_id], before_timestamp=timestamp + 1
        ),
        limit=20,
    ).records
    # A contest whose outcome stands says nothing of a champion.
    told = [
        materialization.metadata
        for record in found
        if (materialization := record.asset_materialization) is not None
        and "champion" in materialization.metadata
    ]
    if not told:
        return
    now, before = (
        str(told[0]["champion"].value),
        (str(told[1]["champion"].value) if len(told) > 1 else None),
    )
    if now != before:
        version = str(told[0]["registered_model"].value).rpartition(" ")[2]
        reason = str(told[0]["reason"].value) if "reason" in told[0] else "see the scorecard"
        yield alerts.champion_changed(company_id, now, version, before, reason)
