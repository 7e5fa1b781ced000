"""What reacts to events."""

from datetime import UTC, datetime

import dagster as dg

from orchestration.defs.automation.jobs import (
    publish,
    report,
    score,
    train,
    transform,
    watch,
)
from orchestration.lib.flow import COMPANY_TAG, LAND, NIGHT_TAG, next_runs
from orchestration.lib.freshness import looks_due
from orchestration.lib.liveness import fail_dead_runs
from orchestration.lib.retraining import reasons_to_train
from orchestration.resources.companies import CompaniesFile
from orchestration.resources.contests import Contests
from orchestration.resources.mlflow import Mlflow


@dg.sensor(
    name="nightly_flow",
    jobs=[transform, score, train, publish, report],
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "After a night's landings: transform for all, score each company that landed well, or "
        "train it where a contest is due, publish for all, report for each."
    ),
)
def nightly_flow(
    context: dg.SensorEvaluationContext,
    companies_file: CompaniesFile,
    held_contests: Contests,
    mlflow: Mlflow,
) -> list[dg.RunRequest] | dg.SkipReason:
    """Requests the next stage of the last night."""
    landings = context.instance.get_runs(dg.RunsFilter(job_name=LAND), limit=200)
    nights = [run.tags[NIGHT_TAG] for run in landings if NIGHT_TAG in run.tags]
    if not nights:
        return dg.SkipReason("No night has begun yet.")
    companies = [company.id for company in companies_file.all()]

    def contest_is_due(company_id: str) -> bool:
        reasons = reasons_to_train(company_id, companies_file, held_contests, mlflow)
        if reasons:
            context.log.info("Contest of %s: %s", company_id, "; ".join(reasons))
        return bool(reasons)

    requests = next_runs(context.instance, max(nights), companies, contest_is_due)
    return requests or dg.SkipReason(f"Nothing to start for the night of {max(nights)} now.")


@dg.sensor(
    name="dead_runs",
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Fails runs whose process is gone, so that the next ones can start.",
)
def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Ends what a crash left as running."""
    found = fail_dead_runs(context.instance)
    return dg.SkipReason(f"Failed: {', '.join(found)}" if found else "Every run is alive.")


@dg.sensor(
    name="freshness",
    job=watch,
    minimum_interval_seconds=900,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Has the checks is_fresh of a company evaluated when time alone has changed what they "
        "say, also where nothing runs any more."
    ),
)
def freshness(
    context: dg.SensorEvaluationContext, companies_file: CompaniesFile
) -> list[dg.RunRequest] | dg.SkipReason:
    """Requests a run for each company of which the checks say what is no longer true."""
    companies = companies_file.all()
    due = looks_due(context.instance, companies)
    for lines in due.values():
        context.log.info("; ".join(lines))
    hour = datetime.now(UTC).strftime("%Y-%m-%dT%H")
    return [
        dg.RunRequest(run_key=f"{hour} {company_id}", tags={COMPANY_TAG: company_id})
        for company_id in due
    ] or dg.SkipReason(f"The checks of {len(companies)} companies say what is true.")
