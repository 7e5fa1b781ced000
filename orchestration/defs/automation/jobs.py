"""Jobs, named for what a person wants."""

import dagster as dg

from orchestration.lib.partitions import company_partitions

nightly_refresh = dg.define_asset_job(
    name="nightly_refresh",
    selection=dg.AssetSelection.all(),
    partitions_def=company_partitions,
    executor_def=dg.in_process_executor,
    description=(
        "From the store's files to a value for every customer: land, check, model, train, score "
        "and publish one company."
    ),
)
