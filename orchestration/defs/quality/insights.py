"""Blocking checks on why predictions are as they are, and who is alike; all in one step."""

from collections.abc import Iterator

import dagster as dg

from orchestration.lib.checks import check_result
from orchestration.lib.partitions import company_partitions
from warehouse.quality.ml_insights import SHAPED


@dg.multi_asset_check(
    name="insights_great_expectations",
    specs=[
        dg.AssetCheckSpec(
            "great_expectations",
            asset=["ml", table],
            blocking=True,
            partitions_def=company_partitions,
            description="Keys, ranges and words, and whatever adds up over rows.",
        )
        for table in SHAPED
    ],
)
def insights_expectations(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    """Validates one company's rows of each table."""
    from dataclasses import replace

    from warehouse.connection import connect
    from warehouse.quality import ml_insights
    from warehouse.quality.validation import validate

    company_id = context.partition_key
    with connect() as connection:
        for table in SHAPED:
            found = validate(f"ml.{table}", company_id, ml_insights.expectations(table))
            unsound = ml_insights.unsound_insights(connection, company_id, table)
            found = replace(found, failures=(*found.failures, *unsound))
            yield check_result(found)._replace(asset_key=dg.AssetKey(["ml", table]))
