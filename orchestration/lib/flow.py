"""The order of the jobs, and who goes on when one company is in trouble.

land (each company) > transform (all at once) > score or train (each company)
> publish (all at once) > report (each company)

A company of which a contest is due is trained instead of scored; one of which scoring finds that it
is due, afterwards.

A company whose last landing didn't succeed is held: transform and publish leave its rows as they
are, score leaves it out. The others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import dagster as dg

LAND, TRANSFORM, SCORE, PUBLISH, REPORT = "land", "transform", "score", "publish", "report"

#: Scores, after a contest.
TRAIN = "train"

#: Lands in between what webhooks tell of; what it can't land stays as it was and is tried again.
FETCH = "fetch"

#: The longest time of a run, in seconds; Dagster's monitoring ends what takes longer.
MAX_RUNTIME_TAG = "dagster/max_runtime"


def at_most(minutes: int) -> dict[str, str]:
    """Returns the tags of a job whose runs are stuck after so long."""
    return {MAX_RUNTIME_TAG: str(60 * minutes)}


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
    instance: dg.DagsterInstance,
    night: str,
    company_ids: Iterable[str],
    contest_is_due: Callable[[str], bool],
) -> list[dg.RunRequest]:
    """Says what a night's flow is to run next.

    Args:
        instance: Holds the runs.
        night: Value of `NIGHT_TAG`.
        company_ids: The companies of companies.yml.
        contest_is_due: Says of a company whether its models are to compete.

    Returns:
        Requests with the same keys whenever they are made, so that a repeated one starts nothing;
        none while runs of the stage before are going on, or after its failure.
    """
    stages = _Stages(night, instance.get_runs(dg.RunsFilter(tags={NIGHT_TAG: night})))
    companies = list(company_ids)
    if not stages.have_landed():
        return []
    if not stages.runs(TRANSFORM):
        return [stages.request(TRANSFORM)]
    if not stages.over(TRANSFORM) or not stages.succeeded(TRANSFORM):
        return []
    if not stages.runs(SCORE, TRAIN):
        landed = stages.companies(LAND)
        return [
            stages.request(TRAIN if contest_is_due(name) else SCORE, name)
            for name in companies
            if name in landed
        ]
    return _after_scoring(stages, companies, contest_is_due)


def _after_scoring(
    stages: _Stages, companies: Sequence[str], contest_is_due: Callable[[str], bool]
) -> list[dg.RunRequest]:
    if not stages.over(SCORE, TRAIN):
        return []
    if not stages.runs(PUBLISH):
        trained = {run.tags[COMPANY_TAG] for run in stages.runs(TRAIN)}
        scored = stages.companies(SCORE) - trained
        asked = [name for name in companies if name in scored and contest_is_due(name)]
        return [stages.request(TRAIN, name) for name in asked] or [stages.request(PUBLISH)]
    if stages.runs(REPORT) or not stages.succeeded(PUBLISH):
        return []
    predicted = stages.companies(SCORE, TRAIN)
    return [stages.request(REPORT, name) for name in companies if name in predicted]


class _Stages:
    """The runs of a night, by job."""

    def __init__(self, night: str, runs: Sequence[dg.DagsterRun]) -> None:
        self._night = night
        self._runs = runs

    def runs(self, *jobs: str) -> list[dg.DagsterRun]:
        return [run for run in self._runs if run.job_name in jobs]

    def over(self, *jobs: str) -> bool:
        return all(run.is_finished for run in self.runs(*jobs))

    def succeeded(self, job: str) -> bool:
        return any(run.is_success for run in self.runs(job))

    def companies(self, *jobs: str) -> set[str]:
        """Those of which a run succeeded."""
        return {run.tags[COMPANY_TAG] for run in self.runs(*jobs) if run.is_success}

    def have_landed(self) -> bool:
        landings = self.runs(LAND)
        return (
            bool(landings)
            and self.over(LAND)
            and len(landings) >= int(landings[0].tags[LANDINGS_TAG])
        )

    def request(self, job: str, company_id: str | None = None) -> dg.RunRequest:
        return dg.RunRequest(
            run_key=f"{self._night} {job} {company_id or ''}".strip(),
            job_name=job,
            partition_key=company_id,
            tags={NIGHT_TAG: self._night},
        )
