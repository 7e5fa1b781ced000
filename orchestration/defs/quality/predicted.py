"""Blocking checks on what the models put out."""

import dagster as dg

from orchestration.lib.checks import check_result, last_metadata
from orchestration.lib.partitions import company_partitions
from orchestration.resources.companies import CompaniesFile

SCORES = dg.AssetKey(["ml", "clv_model_scores"])
PREDICTIONS = dg.AssetKey(["ml", "clv_predictions"])
PATHS = dg.AssetKey(["ml", "clv_prediction_paths"])


@dg.asset_check(
    asset=SCORES,
    name="great_expectations",
    blocking=True,
    partitions_def=company_partitions,
    description="Keys and ranges of the scores, with the naive baseline and a champion among them.",
)
def scores_expectations(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """Validates one company's rows of ml.clv_model_scores."""
    from warehouse.quality import ml_clv_model_scores as suite
    from warehouse.quality.validation import validate

    contest = last_metadata(context.instance, SCORES, context.partition_key, loads=1)[0]
    if contest["candidates"].value == 0:
        return dg.AssetCheckResult(
            passed=True,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{contest['reason'].value}: {contest['champion'].value} is in service",
        )
    return check_result(validate(suite.TABLE, context.partition_key, suite.expectations()))


@dg.asset_check(
    asset=PREDICTIONS,
    name="great_expectations",
    blocking=True,
    partitions_def=company_partitions,
    description="Keys, nulls and ranges of the predictions, every horizon there, not all alike.",
)
def predictions_expectations(
    context: dg.AssetCheckExecutionContext, companies_file: CompaniesFile
) -> dg.AssetCheckResult:
    """Validates one company's rows of ml.clv_predictions."""
    from warehouse.quality import ml_clv_predictions as suite
    from warehouse.quality.validation import validate

    horizons = list(companies_file.get(context.partition_key).horizons_months)
    found = validate(
        suite.TABLE, context.partition_key, suite.expectations(horizons), "calculation_date"
    )
    return check_result(found)


@dg.asset_check(
    asset=PREDICTIONS,
    name="covers_every_customer",
    blocking=True,
    additional_deps=[dg.AssetKey(["marts", "dim_customers"])],
    partitions_def=company_partitions,
    description="Each customer of marts.dim_customers has one prediction a horizon.",
)
def predictions_cover_customers(
    context: dg.AssetCheckExecutionContext, companies_file: CompaniesFile
) -> dg.AssetCheckResult:
    """Compares one company's latest predictions with its customers."""
    from warehouse.connection import connect

    horizons = companies_file.get(context.partition_key).horizons_months
    with connect() as connection:
        found = connection.execute(
            """
            with latest as (
                select customer_id, count(*) as predictions
                from ml.clv_predictions
                where
                    company_id = %(company)s
                    and horizon_months = any(%(horizons)s)
                    and calculation_date = (
                        select as_of_date from marts.dim_companies where company_id = %(company)s
                    )
                group by customer_id
            )
            select
                count(*) filter (where latest.predictions = %(expected)s),
                count(customers.customer_id),
                count(*)
            from (
                select customer_id from marts.dim_customers where company_id = %(company)s
            ) as customers
            full join latest using (customer_id)
            """,
            {
                "company": context.partition_key,
                "horizons": list(horizons),
                "expected": len(horizons),
            },
        ).fetchone()
    complete, customers, everyone = found or (0, 0, 0)
    return dg.AssetCheckResult(
        passed=complete == customers == everyone,
        description=(
            f"{complete:,} of {customers:,} customers have all {len(horizons)} predictions; "
            f"{everyone - customers:,} predictions belong to nobody"
        ),
        metadata={"customers": customers, "complete": complete},
    )


@dg.asset_check(
    asset=PATHS,
    name="lead_to_the_predictions",
    blocking=True,
    additional_deps=[PREDICTIONS],
    partitions_def=company_partitions,
    description=(
        "Each customer who has paid has one path without gaps that never falls and that meets "
        "the predictions at every horizon."
    ),
)
def paths_lead_to_the_predictions(
    context: dg.AssetCheckExecutionContext, companies_file: CompaniesFile
) -> dg.AssetCheckResult:
    """Compares one company's paths with its latest predictions."""
    from warehouse.connection import connect
    from warehouse.quality.prediction_paths import stray_paths

    horizons = companies_file.get(context.partition_key).horizons_months
    with connect() as connection:
        found = stray_paths(connection, context.partition_key, horizons)
    return dg.AssetCheckResult(
        passed=found.is_sound,
        description=str(found),
        metadata={"customers": found.customers},
    )
