"""Which runs are alive: each holds a lock in Postgres for as long as its process lives.

Dagster notices a dead process only while the code server that started it lives, so that after a
crash of the machine a run would keep its place in the queue for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor

import orchestration.lib.logs  # noqa: F401  before Dagster looks for its handlers
from ingestion.locks import held_keys, lock_key, one_at_a_time

#: Marks the runs of `clv run`; its value is the process that executes the run.
FOREGROUND_TAG = "clv/foreground"

#: Between the start of a run's process and its lock.
GRACE = timedelta(seconds=20)

_IN_PROGRESS = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def alive(run_id: str) -> AbstractContextManager[object]:
    """Shows that a run is alive, for the length of a block."""
    return one_at_a_time(_lock(run_id))


class _LivingExecutor(InProcessExecutor):
    """Shows while it executes that the run is alive."""

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        with alive(plan_context.run_id):
            yield from super().execute(plan_context, execution_plan)


@dg.executor(name="in_process")
def in_process(context: dg.InitExecutorContext) -> dg.Executor:
    """Executes all steps in the run's own process: a process a step would cost seconds each."""
    return _LivingExecutor(RetryMode.ENABLED)


def fail_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Fails the runs whose process is gone, which frees their places in the queue.

    Args:
        instance: Holds the runs.

    Returns:
        Their ids.
    """
    records = instance.get_run_records(dg.RunsFilter(statuses=_IN_PROGRESS))
    living = held_keys(lock_key(_lock(record.dagster_run.run_id)) for record in records)
    dead = []
    for record in records:
        run = record.dagster_run
        if lock_key(_lock(run.run_id)) in living or not _could_be_dead(record):
            continue
        instance.report_run_failed(run, "The process of this run is gone.")
        dead.append(run.run_id)
    return dead


def _could_be_dead(record: dg.RunRecord) -> bool:
    # A run of the foreground has its lock before it begins; of others the queue awaits the start.
    if FOREGROUND_TAG in record.dagster_run.tags:
        return True
    if record.start_time is None:
        return False
    return datetime.now(UTC) - datetime.fromtimestamp(record.start_time, UTC) > GRACE


def _lock(run_id: str) -> str:
    return f"run {run_id}"
