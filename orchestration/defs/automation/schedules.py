"""What runs by the clock."""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.automation.jobs import governance, land
from orchestration.lib.flow import LANDINGS_TAG, NIGHT_TAG
from orchestration.lib.partitions import company_partitions
from orchestration.resources.companies import CompaniesFile


@dg.schedule(
    name="nightly",
    job=land,
    cron_schedule="0 2 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Lands every company of companies.yml at 02:00 UTC; the sensor nightly_flow does the rest."
    ),
)
def nightly(
    context: dg.ScheduleEvaluationContext, companies_file: CompaniesFile
) -> Iterator[dg.RunRequest]:
    """Requests one run a company, and adds companies that are new in the file."""
    companies = [company.id for company in companies_file.all()]
    context.instance.add_dynamic_partitions(company_partitions.name or "", companies)
    night = context.scheduled_execution_time.strftime("%Y-%m-%dT%H:%M")
    for company_id in companies:
        yield dg.RunRequest(
            run_key=f"{night} {company_id}",
            partition_key=company_id,
            tags={NIGHT_TAG: night, LANDINGS_TAG: str(len(companies))},
        )


@dg.schedule(
    name="quarterly_governance",
    job=governance,
    cron_schedule="0 6 1 1,4,7,10 *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Writes the governance report of each company on the first day of a quarter.",
)
def quarterly_governance(
    context: dg.ScheduleEvaluationContext, companies_file: CompaniesFile
) -> Iterator[dg.RunRequest]:
    """Requests one run a company."""
    day = context.scheduled_execution_time.strftime("%Y-%m-%d")
    for company in companies_file.all():
        yield dg.RunRequest(run_key=f"{day} {company.id}", partition_key=company.id)
