"""What reacts to events."""

import dagster as dg

from orchestration.resources.notifier import Notifier


@dg.run_failure_sensor(
    name="run_failure",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells people about every failed run: which company, which step, what to do.",
)
def run_failure(context: dg.RunFailureSensorContext, notifier: Notifier) -> None:
    """Sends one message a failed run."""
    run = context.dagster_run
    company = run.tags.get("dagster/partition", "all companies")
    causes = [
        f"{event.step_key}: {event.step_failure_data.error.message.strip()}"
        for event in context.get_step_failure_events()
        if event.step_failure_data.error is not None
    ] or [context.failure_event.message or "The run ended without a failed step."]
    notifier.send(
        title=f"{run.job_name} failed for {company}",
        text="\n".join(causes)
        + f"\nThe tables keep their last good state. Run {run.run_id} in the Dagster UI has the "
        "log; mend the cause, then re-execute it there.",
        logger=context.log,
    )
