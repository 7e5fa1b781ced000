"""The order of the jobs: what a night runs next, and who is held."""

from collections.abc import Iterator

import dagster as dg
import pytest

from orchestration.lib.flow import (
    COMPANY_TAG,
    LAND,
    LANDINGS_TAG,
    NIGHT_TAG,
    PUBLISH,
    REPORT,
    SCORE,
    TRAIN,
    TRANSFORM,
    held,
    next_runs,
)

NIGHT = "2026-07-01T02:00"
COMPANIES = ["acme", "bolt"]
SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
STARTED = dg.DagsterRunStatus.STARTED


class Night:
    """Runs as the daemon would leave them, in a real run storage."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.runs = 0
        self.due: set[str] = set()

    def add(self, job: str, status: dg.DagsterRunStatus, company: str | None = None) -> None:
        self.runs += 1
        tags = {NIGHT_TAG: NIGHT, LANDINGS_TAG: "2"}
        if company is not None:
            tags[COMPANY_TAG] = company
        self.instance.add_run(
            dg.DagsterRun(job_name=job, run_id=f"run-{self.runs}", status=status, tags=tags)
        )

    def next(self) -> list[tuple[str | None, str | None]]:
        requests = next_runs(self.instance, NIGHT, COMPANIES, self.due.__contains__)
        return [(request.job_name, request.partition_key) for request in requests]


@pytest.fixture
def night() -> Iterator[Night]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Night(instance)


def test_transform_waits_for_every_landing(night: Night) -> None:
    assert night.next() == []
    night.add(LAND, SUCCESS, "acme")
    assert night.next() == []  # bolt's isn't even requested yet
    night.add(LAND, STARTED, "bolt")
    assert night.next() == []


@pytest.mark.parametrize("status", [SUCCESS, FAILURE, dg.DagsterRunStatus.CANCELED])
def test_a_failed_landing_stops_nobody_else(night: Night, status: dg.DagsterRunStatus) -> None:
    night.add(LAND, SUCCESS, "acme")
    night.add(LAND, status, "bolt")
    assert night.next() == [(TRANSFORM, None)]
    night.add(TRANSFORM, STARTED)
    assert night.next() == []


def test_only_companies_that_landed_are_scored_and_then_all_is_published(night: Night) -> None:
    night.add(LAND, FAILURE, "acme")
    night.add(LAND, SUCCESS, "bolt")
    night.add(TRANSFORM, SUCCESS)
    assert night.next() == [(SCORE, "bolt")]
    night.add(SCORE, STARTED, "bolt")
    assert night.next() == []


def test_a_company_is_trained_where_a_contest_is_due_and_scored_otherwise(night: Night) -> None:
    for company in COMPANIES:
        night.add(LAND, SUCCESS, company)
    night.add(TRANSFORM, SUCCESS)
    night.due = {"bolt"}
    assert night.next() == [(SCORE, "acme"), (TRAIN, "bolt")]
    night.add(SCORE, STARTED, "acme")
    night.add(TRAIN, SUCCESS, "bolt")
    assert night.next() == []


def test_scoring_that_finds_a_contest_due_is_followed_by_it_once(night: Night) -> None:
    for company in COMPANIES:
        night.add(LAND, SUCCESS, company)
        night.add(SCORE, SUCCESS, company)
    night.add(TRANSFORM, SUCCESS)
    night.due = {"acme"}
    assert night.next() == [(TRAIN, "acme")]
    night.add(TRAIN, STARTED, "acme")
    assert night.next() == []


@pytest.mark.parametrize("status", [SUCCESS, FAILURE])
def test_after_a_contest_all_is_published_however_it_ended(
    night: Night, status: dg.DagsterRunStatus
) -> None:
    for company in COMPANIES:
        night.add(LAND, SUCCESS, company)
        night.add(SCORE, SUCCESS, company)
    night.add(TRANSFORM, SUCCESS)
    night.due = {"acme"}
    night.add(TRAIN, status, "acme")
    # A contest that failed is tried in the next night, not all night long.
    assert night.next() == [(PUBLISH, None)]
    night.add(PUBLISH, SUCCESS)
    assert night.next() == [(REPORT, "acme"), (REPORT, "bolt")]


def test_what_was_published_is_reported_once(night: Night) -> None:
    for company in COMPANIES:
        night.add(LAND, SUCCESS, company)
    night.add(TRANSFORM, SUCCESS)
    night.add(SCORE, SUCCESS, "acme")
    night.add(SCORE, FAILURE, "bolt")
    night.add(PUBLISH, STARTED)
    assert night.next() == []
    night.add(PUBLISH, SUCCESS)
    assert night.next() == [(REPORT, "acme")]
    night.add(REPORT, SUCCESS, "acme")
    assert night.next() == []


@pytest.mark.parametrize("status", [SUCCESS, FAILURE])
def test_publish_is_once(night: Night, status: dg.DagsterRunStatus) -> None:
    for company in COMPANIES:
        night.add(LAND, SUCCESS, company)
    night.add(TRANSFORM, SUCCESS)
    night.add(SCORE, SUCCESS, "acme")
    night.add(SCORE, status, "bolt")
    assert night.next() == [(PUBLISH, None)]
    night.add(PUBLISH, FAILURE)
    assert night.next() == []


def test_nothing_follows_a_failed_transform(night: Night) -> None:
    for company in COMPANIES:
        night.add(LAND, SUCCESS, company)
    night.add(TRANSFORM, FAILURE)
    assert night.next() == []


def test_requests_have_the_same_keys_however_often_they_are_made(night: Night) -> None:
    for company in COMPANIES:
        night.add(LAND, SUCCESS, company)
    night.add(TRANSFORM, SUCCESS)
    first = next_runs(night.instance, NIGHT, COMPANIES, night.due.__contains__)
    again = next_runs(night.instance, NIGHT, COMPANIES, night.due.__contains__)
    assert [request.run_key for request in first] == [request.run_key for request in again]
    assert len({request.run_key for request in first}) == len(COMPANIES)


def test_a_company_is_held_by_its_last_landing_alone(night: Night) -> None:
    night.add(LAND, FAILURE, "acme")
    night.add(LAND, SUCCESS, "bolt")
    reasons = held(night.instance, [*COMPANIES, "never"])
    assert set(reasons) == {"acme"}
    assert "run-1 of job land is failure" in reasons["acme"]
    night.add(LAND, SUCCESS, "acme")
    night.add(LAND, STARTED, "bolt")
    assert set(held(night.instance, COMPANIES)) == {"bolt"}


def test_assets_landed_by_hand_count_as_a_landing(night: Night) -> None:
    night.add(LAND, SUCCESS, "acme")
    for status, asset in ((FAILURE, "raw_shopify/orders"), (SUCCESS, "ml/clv_predictions")):
        run = dg.DagsterRun(
            job_name="__ASSET_JOB",
            status=status,
            tags={COMPANY_TAG: "acme"},
            asset_selection=frozenset({dg.AssetKey.from_user_string(asset)}),
        )
        night.instance.add_run(run)
    assert set(held(night.instance, COMPANIES)) == {"acme"}
