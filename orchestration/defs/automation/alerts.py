"""When people are told: after every run, and what is still in the outbox."""

from datetime import UTC, datetime

import dagster as dg

from orchestration.lib.alerts import alerts_of_run
from orchestration.lib.flow import COMPANY_TAG, PUBLISH, REPORT
from orchestration.resources.companies import CompaniesFile
from orchestration.resources.notifier import Notifier


def _tell(
    context: dg.RunStatusSensorContext, companies_file: CompaniesFile, notifier: Notifier
) -> None:
    emails = {company.id: company.alert_emails for company in companies_file.all()}
    told = [*alerts_of_run(context.instance, context.dagster_run)]
    if context.dagster_run.job_name == PUBLISH and context.dagster_run.is_success:
        from orchestration.alerts.risk import customers_at_risk

        told.extend(customers_at_risk())
    company_id = context.dagster_run.tags.get(COMPANY_TAG)
    if context.dagster_run.job_name == REPORT and context.dagster_run.is_success and company_id:
        from orchestration.alerts.weekly import weekly_report

        told.append(weekly_report(company_id, datetime.now(UTC).date()))
    for alert in told:
        notifier.tell(alert, context.log, emails.get(alert.company_id or "", ()))


@dg.run_failure_sensor(
    name="run_failure",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells people about every failed run: which company, which step, what to do.",
)
def run_failure(
    context: dg.RunFailureSensorContext, companies_file: CompaniesFile, notifier: Notifier
) -> None:
    """Raises what a failed run is worth telling."""
    _tell(context, companies_file, notifier)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    name="run_success",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Tells people what a run found that ended well: stale data, failed checks, another "
        "champion, customers at risk."
    ),
)
def run_success(
    context: dg.RunStatusSensorContext, companies_file: CompaniesFile, notifier: Notifier
) -> None:
    """Raises what a run that ended well is worth telling."""
    _tell(context, companies_file, notifier)


@dg.sensor(
    name="alerts",
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends the alerts of the outbox by e-mail, Slack and webhook, each once.",
)
def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Sends what is due."""
    from orchestration.alerts.channels import channel
    from orchestration.alerts.outbox import deliver
    from warehouse.connection import connect
    from warehouse.settings import get_settings

    settings = get_settings()
    with connect() as connection:
        sent = deliver(connection, lambda route: channel(route, settings))
    for route, problem in sent.failures.items():
        context.log.error("Alerts for %s wait: %s", route, problem)
    return dg.SkipReason(f"{sent.messages} messages sent.")
