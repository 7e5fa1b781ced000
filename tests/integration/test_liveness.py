"""Dead runs are failed, so that they hold nobody's place; living ones are left alone."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterEvent, DagsterEventType
from dagster._daemon.monitoring.run_monitoring import check_run_timeout

from ingestion.locks import held_keys, lock_key
from orchestration.lib.alerts import alerts_of_run
from orchestration.lib.flow import MAX_RUNTIME_TAG
from orchestration.lib.liveness import FOREGROUND_TAG, GRACE, alive, fail_dead_runs, in_process
from warehouse.settings import Settings

STARTED, FAILURE = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE
LONG_AGO = 2 * GRACE.total_seconds()


@pytest.fixture
def instance(warehouse_settings: Settings) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def start(
    instance: dg.DagsterInstance, run_id: str, seconds_ago: float, **tags: str
) -> dg.DagsterRun:
    run = dg.DagsterRun(job_name="land", run_id=run_id, tags=tags)
    instance.add_run(run)
    instance.report_dagster_event(
        DagsterEvent(DagsterEventType.RUN_START.value, job_name="land"),
        run_id=run_id,
        timestamp=time.time() - seconds_ago,
    )
    return run


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_a_run_without_its_lock_is_failed_after_a_while(instance: dg.DagsterInstance) -> None:
    start(instance, "dead", LONG_AGO)
    start(instance, "young", 1)
    start(instance, "living", LONG_AGO)
    with alive("living"):
        assert fail_dead_runs(instance) == ["dead"]
        assert status(instance, "living") == status(instance, "young") == STARTED
        assert status(instance, "dead") == FAILURE
    assert fail_dead_runs(instance) == ["living"]


def test_a_run_of_the_foreground_is_failed_at_once(instance: dg.DagsterInstance) -> None:
    start(instance, "killed", 1, **{FOREGROUND_TAG: "7"})
    assert fail_dead_runs(instance) == ["killed"]


def test_a_stuck_run_is_ended_and_told_once(instance: dg.DagsterInstance) -> None:
    stuck = start(instance, "stuck", 120, **{MAX_RUNTIME_TAG: "60"})
    working = start(instance, "working", 30, **{MAX_RUNTIME_TAG: "60"})
    watched = start(instance, "watched", 120, **{FOREGROUND_TAG: "7", MAX_RUNTIME_TAG: "0"})
    for run in (stuck, working, watched):
        (record,) = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
        check_run_timeout(instance, record, logging.getLogger(__name__), 60)
    assert status(instance, "working") == status(instance, "watched") == STARTED
    assert status(instance, "stuck") == FAILURE
    ended = instance.get_run_by_id("stuck")
    assert ended is not None
    (alert,) = alerts_of_run(instance, ended)
    assert alert.kind == "run_stuck"
    assert "maximum runtime of 60 seconds" in alert.text


@dg.op
def look(context: dg.OpExecutionContext) -> None:
    assert held_keys([lock_key(f"run {context.run_id}")]), "this run looks dead"


@dg.job(executor_def=in_process)
def looked_at() -> None:
    look()


def test_a_run_shows_that_it_is_alive(warehouse_settings: Settings, tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        ended = dg.execute_job(dg.reconstructable(looked_at), instance)
        assert ended.success
        assert not held_keys([lock_key(f"run {ended.run_id}")])
