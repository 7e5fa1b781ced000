"""Who is fetched when something waits in the inbox, and what a run leaves for the metrics."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ingestion import inbox, uploads
from ingestion.inbox import Waiting
from orchestration.defs.automation.arrivals import ASSETS
from orchestration.lib.arrivals import REFRESH_TAG, SOURCE_TAG, next_fetches, next_refresh
from orchestration.lib.flow import COMPANY_TAG, FETCH, PUBLISH, TRANSFORM, held
from orchestration.lib.logs import RunLog

COMPANIES = ["acme", "bolt"]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """What waits: company and source; files are sent ones."""
    waiting: set[tuple[str, str]] = set()
    monkeypatch.setattr(
        inbox,
        "due",
        lambda: [Waiting(*each, 1, datetime.now(UTC)) for each in waiting if each[1] != "files"],
    )
    monkeypatch.setattr(
        uploads, "requested", lambda: {each for each, source in waiting if source == "files"}
    )
    return waiting


def requested(instance: dg.DagsterInstance) -> list[tuple[str | None, str]]:
    found = next_fetches(instance, COMPANIES, ASSETS)
    for each in found:
        assert each.asset_selection == ASSETS[each.tags[SOURCE_TAG]]
        assert each.run_key is None
    return [(each.partition_key, each.tags[SOURCE_TAG]) for each in found]


def run(
    instance: dg.DagsterInstance, company: str, source: str, status: dg.DagsterRunStatus
) -> dg.DagsterRun:
    return instance.add_run(
        dg.DagsterRun(
            job_name=FETCH, status=status, tags={COMPANY_TAG: company, SOURCE_TAG: source}
        )
    )


def test_what_waits_is_fetched_once_at_a_time(
    instance: dg.DagsterInstance, waits: set[tuple[str, str]]
) -> None:
    assert requested(instance) == []
    waits |= {("acme", "stripe"), ("acme", "files"), ("bolt", "shopify"), ("gone", "stripe")}
    everything = [("acme", "files"), ("acme", "stripe"), ("bolt", "shopify")]
    assert requested(instance) == everything
    under_way = run(instance, "acme", "stripe", dg.DagsterRunStatus.STARTED)
    assert requested(instance) == [("acme", "files"), ("bolt", "shopify")]
    # Whatever became of it: what still waits is fetched again.
    instance.report_run_failed(under_way, "killed")
    assert requested(instance) == everything


def test_a_fetch_that_failed_holds_nobody(instance: dg.DagsterInstance) -> None:
    failed = dg.DagsterRunStatus.FAILURE
    selection = frozenset(ASSETS["stripe"])
    instance.add_run(
        dg.DagsterRun(
            job_name=FETCH, status=failed, tags={COMPANY_TAG: "acme"}, asset_selection=selection
        )
    )
    assert held(instance, COMPANIES) == {}
    # The same assets, picked in the UI, are a landing.
    instance.add_run(
        dg.DagsterRun(
            job_name="__ASSET_JOB",
            status=failed,
            tags={COMPANY_TAG: "acme"},
            asset_selection=selection,
        )
    )
    assert held(instance, COMPANIES).keys() == {"acme"}


def test_what_was_fetched_is_modelled_and_published_and_not_all_day(
    instance: dg.DagsterInstance,
) -> None:
    success = dg.DagsterRunStatus.SUCCESS
    now = datetime.now(UTC)

    def add(job: str, **tags: str) -> dg.DagsterRun:
        return instance.add_run(dg.DagsterRun(job_name=job, status=success, tags=tags))

    def stage(minutes: int = 0) -> list[tuple[str | None, str | None]]:
        found = next_refresh(instance, now + timedelta(minutes=minutes))
        if isinstance(found, dg.SkipReason):
            return []
        return [(each.job_name, each.tags[REFRESH_TAG]) for each in found]

    add(TRANSFORM)  # the night's
    assert stage(60) == []
    fetched = add(FETCH).run_id
    assert stage() == []
    assert stage(16) == [(TRANSFORM, fetched)]
    add(TRANSFORM, **{REFRESH_TAG: fetched})
    assert stage() == [(PUBLISH, fetched)]
    add(PUBLISH, **{REFRESH_TAG: fetched})
    assert stage(60) == []
    second = add(FETCH).run_id
    under_way = run(instance, "acme", "stripe", dg.DagsterRunStatus.STARTED)
    assert stage(60) == []
    instance.report_run_failed(under_way, "killed")
    assert stage(60) == [(TRANSFORM, second)]


def test_what_a_run_says_is_a_line_with_the_ids_of_run_and_company(tmp_path: Path) -> None:
    @dg.op
    def speak(context):  # type: ignore[no-untyped-def]  # Dagster reads annotations
        context.log.info("two orders landed")
        context.log.debug("nobody follows this")

    @dg.job
    def talk() -> None:
        speak()

    overrides = {
        "python_logs": {
            "dagster_handler_config": {
                "handlers": {
                    "runs": {"class": "orchestration.lib.logs.RunLog", "folder": str(tmp_path)}
                }
            }
        }
    }
    with dg.instance_for_test(overrides=overrides) as instance:
        done = talk.execute_in_process(instance=instance, tags={COMPANY_TAG: "acme"})
    lines = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text().splitlines()]
    assert {(line["run_id"], line["company_id"], line["job"]) for line in lines} == {
        (done.run_id, "acme", "talk")
    }
    events = [line["event"] for line in lines]
    assert events == ["pipeline_start", "step_start", "message", "step_success", "pipeline_success"]
    (said,) = [line for line in lines if line["event"] == "message"]
    assert (said["message"], said["step"], said["level"]) == ("two orders landed", "speak", "info")
    # A disk that can't be written stops nobody.
    broken = RunLog(str(tmp_path / "runs.jsonl" / "x"))
    broken.handleError = lambda record: None  # type: ignore[method-assign]
    broken.emit(logging.makeLogRecord({"levelno": logging.INFO, "msg": "x"}))
