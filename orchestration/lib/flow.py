"""The order of the jobs, and who goes on when one company is in trouble.

land (each company) > transform (all at once) > score (each company) > publish (all at once)
> report (each company)

A company whose last landing didn't succeed is held: transform and publish leave its rows as they
are, score leaves it out. The others go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import dagster as dg

LAND, TRANSFORM, SCORE, PUBLISH, REPORT = "land", "transform", "score", "publish", "report"

#: Lands in between what webhooks tell of; what it can't land stays as it was and is tried again.
FETCH = "fetch"

COMPANY_TAG = "dagster/partition"

#: Ties the runs of one night together; its value is when the night began.
NIGHT_TAG = "clv/night"

#: How many landings a night has; they aren't all there at once.
LANDINGS_TAG = "clv/landings"


#: Runs of a company that are looked through for its last landing.
_RUNS_BACK = 50


def held(instance: dg.DagsterInstance, company_ids: Iterable[str]) -> dict[str, str]:
    """Finds the companies that are to be left at their last good load.

    Args:
        instance: Holds the runs.
        company_ids: The companies of companies.yml.

    Returns:
        Why, by company id: the last landing failed, was cancelled, or is still going on. A company
        that was never landed isn't held: it has nothing to hold.
    """
    reasons: dict[str, str] = {}
    for company_id in company_ids:
        run = next((run for run in _runs_of(instance, company_id) if _lands(run)), None)
        if run is not None and run.status != dg.DagsterRunStatus.SUCCESS:
            reasons[company_id] = f"run {run.run_id} of job {LAND} is {run.status.value.lower()}"
    return reasons


def _runs_of(instance: dg.DagsterInstance, company_id: str) -> Sequence[dg.DagsterRun]:
    """Returns a company's last runs, the newest first."""
    return instance.get_runs(dg.RunsFilter(tags={COMPANY_TAG: company_id}), limit=_RUNS_BACK)


def _lands(run: dg.DagsterRun) -> bool:
    """Says whether a run lands something: of the job, or of assets picked in the UI."""
    return run.job_name == LAND or (
        run.job_name != FETCH
        and any(key.path[0].startswith("raw_") for key in run.asset_selection or ())
    )


def next_runs(
    instance: dg.DagsterInstance, night: str, company_ids: Iterable[str]
) -> list[dg.RunRequest]:
    """Says what a night's flow is to run next.

    Args:
        instance: Holds the runs.
        night: Value of `NIGHT_TAG`.
        company_ids: The companies of companies.yml.

    Returns:
        Requests with the same keys whenever they are made, so that a repeated one starts nothing;
        none while runs of the stage before are going on, or after its failure.
    """
    stages: dict[str, list[dg.DagsterRun]] = {}
    for run in instance.get_runs(dg.RunsFilter(tags={NIGHT_TAG: night})):
        stages.setdefault(run.job_name, []).append(run)

    def over(stage: str) -> bool:
        return stage in stages and all(run.is_finished for run in stages[stage])

    def request(stage: str, company_id: str | None = None) -> dg.RunRequest:
        return dg.RunRequest(
            run_key=f"{night} {stage} {company_id or ''}".strip(),
            job_name=stage,
            partition_key=company_id,
            tags={NIGHT_TAG: night},
        )

    landings = stages.get(LAND, [])
    if not over(LAND) or len(landings) < int(landings[0].tags[LANDINGS_TAG]):
        return []
    if TRANSFORM not in stages:
        return [request(TRANSFORM)]
    transformed = over(TRANSFORM) and any(run.is_success for run in stages[TRANSFORM])
    if transformed and SCORE not in stages:
        landed = {run.tags[COMPANY_TAG] for run in landings if run.is_success}
        fit = [name for name in company_ids if name in landed]
        return [request(SCORE, name) for name in fit]
    if not transformed or not over(SCORE):
        return []
    if PUBLISH not in stages:
        return [request(PUBLISH)]
    published = REPORT not in stages and any(run.is_success for run in stages[PUBLISH])
    scored = {run.tags[COMPANY_TAG] for run in stages[SCORE] if run.is_success}
    return [request(REPORT, name) for name in company_ids if published and name in scored]
