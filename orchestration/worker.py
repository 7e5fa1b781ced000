"""The process in which `clv` refreshes companies: ``python -m orchestration.worker COMPANY…``.

It runs the jobs of the flow through Dagster, one run a job and company, and tells its parent
how far it is: one JSON object a line on the file descriptor CLV_PROGRESS_FD. Companies are landed
and scored two at a time, the second in a process beside this one. It ends when its parent does.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
import sys
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

Report = Callable[[dict[str, Any]], None]

#: Runs a job of a company, or of all, and says whether it succeeded.
Run = Callable[[str, str | None], bool]


def main(company_ids: list[str]) -> int:
    """Refreshes companies; one that fails doesn't stop the others.

    Returns:
        0 when every company was refreshed, otherwise 1.
    """
    _end_with_parent()
    with os.fdopen(int(os.environ["CLV_PROGRESS_FD"]), "w", buffering=1) as pipe:
        lock = threading.Lock()

        def report(event: dict[str, Any]) -> None:
            with lock:
                pipe.write(json.dumps(event) + "\n")

        # Begun first, so that it loads Dagster while this process does.
        beside = _Beside(report) if len(company_ids) > 1 else None
        with _runs(report) as run:
            return _refresh(company_ids, run, beside, report)


def _end_with_parent() -> None:
    """Kills this process and all that it started as soon as the parent is gone.

    The parent holds the other end of stdin open for as long as it lives, so that even kill -9
    reaches dbt, which would otherwise go on building models beside the next run's.
    """

    def wait() -> None:
        # Not sys.stdin: its lock would be held when the interpreter ends.
        while os.read(0, 1):
            pass
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def _refresh(company_ids: list[str], run: Run, beside: _Beside | None, report: Report) -> int:
    from orchestration.lib.flow import LAND, PUBLISH, REPORT, TRANSFORM

    refreshed = _each(_job(LAND), company_ids, run, beside)
    # The others may have landed well before: what is known of them is modelled as well.
    if refreshed and run(TRANSFORM, None):
        refreshed = _each(_predict, refreshed, run, beside)
        published = run(PUBLISH, None)
    else:
        published = False
    if published:
        refreshed = _each(_job(REPORT), refreshed, run, beside)
    for company_id in company_ids:
        success = published and company_id in refreshed
        report({"event": "ended", "company": company_id, "success": success})
    return 0 if published and len(refreshed) == len(company_ids) else 1


def _job(name: str) -> Callable[[Run, str], bool]:
    return lambda run, company_id: run(name, company_id)


def _predict(run: Run, company_id: str) -> bool:
    """Scores a company, or trains it where a contest is due or scoring finds that it is."""
    from orchestration.lib.flow import SCORE, TRAIN

    asked = _contest_is_due(company_id)
    if not asked:
        if not run(SCORE, company_id):
            return False
        asked = _contest_is_due(company_id)
    return not asked or run(TRAIN, company_id)


def _contest_is_due(company_id: str) -> bool:
    from orchestration.lib.retraining import reasons_to_train
    from orchestration.resources.companies import CompaniesFile
    from orchestration.resources.contests import Contests
    from orchestration.resources.mlflow import Mlflow
    from warehouse.settings import get_settings

    settings = get_settings()
    mlflow = Mlflow(
        tracking_uri=os.environ["MLFLOW_TRACKING_URI"], artifact_root=str(settings.mlflow_artifacts)
    )
    companies_file = CompaniesFile(path=str(settings.companies_file))
    try:
        return bool(reasons_to_train(company_id, companies_file, Contests(), mlflow))
    except Exception:
        # Scoring needs the same tables and the same registry: its failure is told with its reason.
        logging.getLogger(__name__).exception("Nobody can say whether %s is to train", company_id)
        return False


def _each(
    work_on: Callable[[Run, str], bool],
    company_ids: list[str],
    run: Run,
    beside: _Beside | None,
) -> list[str]:
    """Works on companies, two at a time; returns those with which it succeeded."""
    waiting = deque(company_ids)
    succeeded = set()

    def work(run: Run) -> None:
        while waiting:
            try:
                company_id = waiting.popleft()
            except IndexError:
                return
            if work_on(run, company_id):
                succeeded.add(company_id)

    if beside is not None and len(company_ids) > 1:
        other = threading.Thread(target=work, args=(beside.run,))
        other.start()
        work(run)
        other.join()
    else:
        work(run)
    return [company_id for company_id in company_ids if company_id in succeeded]


@contextmanager
def _runs(report: Report) -> Iterator[Run]:
    """Loads Dagster and gives the means to run a job in this process."""
    import dagster as dg

    from orchestration.definitions import defs
    from orchestration.lib.flow import MAX_RUNTIME_TAG
    from orchestration.lib.liveness import FOREGROUND_TAG, alive, fail_dead_runs
    from orchestration.lib.partitions import company_partitions

    definitions = defs()
    with dg.DagsterInstance.get() as instance:
        # Every event would open a connection of its own, 1,700 in a transformation. The method is
        # named after its first user; a statement may take as long as it takes.
        instance.optimize_for_webserver(statement_timeout=0, pool_recycle=3600, max_overflow=20)
        fail_dead_runs(instance)

        def run(job: str, company_id: str | None) -> bool:
            if company_id is not None:
                instance.add_dynamic_partitions(company_partitions.name or "", [company_id])
            run_id = str(uuid.uuid4())
            report({"event": "run", "job": job, "company": company_id})
            instance.add_event_listener(run_id, _listener(report, company_id))
            with alive(run_id):
                result = definitions.resolve_job_def(job).execute_in_process(
                    instance=instance,
                    partition_key=company_id,
                    run_id=run_id,
                    raise_on_error=False,
                    # Who waits for it sees how long it takes; 0 is no limit.
                    tags={FOREGROUND_TAG: str(os.getpid()), MAX_RUNTIME_TAG: "0"},
                    run_config={"loggers": {"console": {"config": {"log_level": "WARNING"}}}},
                )
            report({"event": "run_done", "company": company_id})
            return bool(result.success)

        yield run


class _Beside:
    """A second process that runs jobs, one at a time."""

    def __init__(self, report: Report) -> None:
        self._report = report
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        context.Process(target=_serve, args=(theirs,), daemon=True).start()
        theirs.close()

    def run(self, job: str, company_id: str | None) -> bool:
        """Runs a job of a company there, and passes its events on."""
        try:
            self._pipe.send((job, company_id))
            while True:
                event, result = self._pipe.recv()
                if event is None:
                    return bool(result)
                self._report(event)
        except (EOFError, OSError):
            reason = "The process of this run ended before it was done."
            self._report({"event": "step_failed", "company": company_id, "reason": reason})
            return False


def _serve(pipe: Connection) -> None:
    """Runs the jobs that come through a pipe until its other end is closed."""
    lock = threading.Lock()

    def report(event: dict[str, Any]) -> None:
        with lock:
            pipe.send((event, None))

    _end_with(multiprocessing.parent_process())
    with _runs(report) as run:
        while True:
            job, company_id = pipe.recv()
            result = run(job, company_id)
            with lock:
                pipe.send((None, result))


def _end_with(parent: multiprocessing.process.BaseProcess | None) -> None:
    """Ends this process as soon as another one has."""

    def wait() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _listener(report: Report, company_id: str | None) -> Callable[[Any], None]:
    """Turns Dagster's events into the few that a person wants to see."""
    import dagster as dg

    translations: dict[dg.DagsterEventType, Callable[[Any], dict[str, Any]]] = {
        dg.DagsterEventType.STEP_START: lambda event: {"event": "step", "step": event.step_key},
        dg.DagsterEventType.STEP_SUCCESS: lambda event: {"event": "step_done"},
        dg.DagsterEventType.STEP_FAILURE: lambda event: {
            "event": "step_failed",
            "reason": _reason(event.step_failure_data.error),
        },
        dg.DagsterEventType.ASSET_MATERIALIZATION: _asset_event,
        dg.DagsterEventType.ASSET_CHECK_EVALUATION: _check_event,
    }

    def listen(entry: Any) -> None:
        event = entry.dagster_event
        if event is None and entry.level >= logging.WARNING:
            report({"event": "warning", "company": company_id, "text": entry.user_message})
        elif event is not None and event.event_type in translations:
            report({"company": company_id} | translations[event.event_type](event))

    return listen


def _asset_event(event: Any) -> dict[str, Any]:
    rows = event.step_materialization_data.materialization.metadata.get("dagster/row_count")
    return {
        "event": "asset",
        "asset": event.asset_key.to_user_string(),
        "rows": rows.value if rows else None,
    }


def _check_event(event: Any) -> dict[str, Any]:
    check = event.asset_check_evaluation_data
    return {
        "event": "check",
        "asset": check.asset_key.to_user_string(),
        "check": check.check_name,
        "passed": check.passed,
        "severity": check.severity.value,
        "text": check.description,
    }


def _reason(error: Any) -> str:
    """The message at the root of a chain of errors, without its class."""
    while error is not None and error.cause is not None:
        error = error.cause
    if error is None:
        return "no reason given"
    message = error.message.strip()
    return message.removeprefix(f"{error.cls_name}: ").removeprefix(
        f"dagster._core.definitions.events.{error.cls_name}: "
    )


if __name__ == "__main__":
    exit_code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # All is written; taking down what Dagster, dbt and MLflow have loaded would take seconds.
    os._exit(exit_code)
