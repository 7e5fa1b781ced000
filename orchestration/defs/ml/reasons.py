"""The asset of what the predictions rest on, and of who is alike."""

from collections.abc import Iterator

import dagster as dg

from orchestration.lib.metadata import table_metadata
from orchestration.lib.owners import OWNERS
from orchestration.lib.partitions import company_partitions
from orchestration.resources.companies import CompaniesFile
from orchestration.resources.customer_days import CustomerDays
from orchestration.resources.mlflow import Mlflow

DEPS = [
    dg.AssetKey(["ml", "clv_predictions"]),
    dg.AssetKey(["ml", "customer_outlook"]),
    dg.AssetKey(["marts", "customer_daily"]),
    dg.AssetKey(["marts", "customer_features"]),
    dg.AssetKey(["intermediate", "int_customer_segments_compared"]),
]
TABLES = {
    "feature_importances": (
        "What predicted values go by: mean size of the SHAP values of a feature, in all and for "
        "each stage of customers."
    ),
    "feature_interactions": "The ten pairs of features that change each other's weight most.",
    "customer_reasons": (
        "The three reasons that weigh most in the value of a customer, in words: for the best "
        "quarter and whoever is at risk."
    ),
    "customer_clusters": "Which customers are alike in how often, how much and how lately.",
    "cluster_profiles": "What the customers of a cluster have in common, and what to do for them.",
    "segment_migrations": "Where the customers of each business segment went over a quarter.",
}


@dg.multi_asset(
    name="reasons",
    group_name="ml",
    partitions_def=company_partitions,
    specs=[
        dg.AssetSpec(
            ["ml", name],
            deps=DEPS,
            kinds={"python", "postgres"},
            owners=OWNERS,
            description=description,
        )
        for name, description in TABLES.items()
    ],
)
def reasons(
    context: dg.AssetExecutionContext,
    companies_file: CompaniesFile,
    customer_days: CustomerDays,
    mlflow: Mlflow,
) -> Iterator[dg.MaterializeResult]:
    """Explains the predictions of one company, and finds who is alike, from one read of both."""
    from orchestration.explain import read_predicted, reason_tables, replace_tables

    company = companies_file.get(context.partition_key)
    days = customer_days.read(company.id)
    predicted = read_predicted(company.id, days.as_of)
    tables = reason_tables(company, days, predicted, mlflow.tracking())
    replace_tables(company.id, tables)
    if tables["feature_importances"].empty:
        context.log.warning(
            "%s has too few customers, or all are predicted alike: there is nothing to explain",
            company.id,
        )
    for name in TABLES:
        yield dg.MaterializeResult(
            asset_key=["ml", name],
            metadata=table_metadata("ml", name)
            | {"rows": len(tables[name]), "calculation_date": days.as_of.isoformat()},
        )
