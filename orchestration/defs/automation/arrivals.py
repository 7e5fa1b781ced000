"""What comes in between the nights: webhooks and uploaded files, landed within a minute."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.defs.automation.jobs import RAW, publish, transform
from orchestration.defs.ingestion.shopify import SHOPIFY
from orchestration.defs.ingestion.stripe import STRIPE
from orchestration.defs.ingestion.woocommerce import WOOCOMMERCE
from orchestration.lib.arrivals import next_fetches, next_refresh, write_down_ended
from orchestration.lib.flow import FETCH, at_most
from orchestration.lib.liveness import in_process
from orchestration.lib.partitions import company_partitions
from orchestration.resources.companies import CompaniesFile

#: What a fetch of a source materialises.
ASSETS = {
    "files": [
        dg.AssetKey(["raw_files", "order_lines"]),
        dg.AssetKey(["raw_files", "marketing_spend"]),
    ],
} | {
    source.name: [dg.AssetKey([source.group, table]) for table in source.tables]
    for source in (SHOPIFY, STRIPE, WOOCOMMERCE)
}

#: How far back the first look at ended runs goes.
_LOOK = timedelta(days=30)

fetch = dg.define_asset_job(
    name=FETCH,
    # The suites look at whole tables, which takes longer than landing a few orders: that is for the
    # night. What doesn't fit its column goes to quarantine here, too.
    selection=RAW.without_checks(),
    partitions_def=company_partitions,
    executor_def=in_process,
    tags=at_most(30),
    description="Lands what webhooks have told of, or a file that was sent, of one company.",
)


@dg.sensor(
    name="arrivals",
    job=fetch,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run for each company and source of which something waits in the inbox.",
)
def arrivals(
    context: dg.SensorEvaluationContext, companies_file: CompaniesFile
) -> list[dg.RunRequest] | dg.SkipReason:
    """Requests at most one run a company and source at a time."""
    companies = [company.id for company in companies_file.all()]
    requests = next_fetches(context.instance, companies, ASSETS)
    return requests or dg.SkipReason("Nothing waits that isn't being fetched already.")


@dg.sensor(
    name="refresh",
    jobs=[transform, publish],
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Builds and publishes the models after a fetch, at most four times an hour.",
)
def refresh(context: dg.SensorEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
    """Requests the next stage of what is built between the nights."""
    return next_refresh(context.instance, datetime.now(UTC))


@dg.sensor(
    name="run_figures",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes ended runs into inbox.runs, where the receiver's metrics find them.",
)
def run_figures(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Writes down what has ended since the last time."""
    since = datetime.fromisoformat(context.cursor) if context.cursor else datetime.now(UTC) - _LOOK
    context.update_cursor(write_down_ended(context.instance, since).isoformat())
    return dg.SkipReason("Written down.")
