"""The asset of what lies ahead, why that is said, and how far off all of it is."""

from collections.abc import Iterator

import dagster as dg

from orchestration.lib.metadata import table_metadata
from orchestration.lib.owners import OWNERS
from orchestration.lib.partitions import company_partitions
from orchestration.resources.companies import CompaniesFile
from orchestration.resources.customer_days import CustomerDays
from orchestration.resources.mlflow import Mlflow
from orchestration.resources.published import Published

DEPS = [
    dg.AssetKey(["ml", "clv_predictions"]),
    dg.AssetKey(["ml", "clv_prediction_paths"]),
    dg.AssetKey(["marts", "customer_daily"]),
    dg.AssetKey(["marts", "customer_features"]),
    dg.AssetKey(["marts", "dim_companies"]),
    dg.AssetKey(["marts", "dim_customers"]),
    dg.AssetKey(["intermediate", "int_customer_segments_compared"]),
]
TABLES = {
    "interval_scores": (
        "How the intervals of predicted_value did on a holdout that calibrated none of them, "
        "beside one constant interval."
    ),
    "customer_outlook": (
        "When each customer is expected back, how likely they are lost, and when it pays most to "
        "write to them."
    ),
    "survival_curves": "Share of orders that no other has followed, by weeks since (Kaplan-Meier).",
    "churn_risk_factors": (
        "What at an order goes with no other one within the churn window, as hazard ratios."
    ),
    "revenue_forecasts": "Gross revenue expected by month and cohort, with 80 % intervals.",
    "cohort_forecasts": "The same of existing customers by month of their first order.",
    "forecast_scores": (
        "How the revenue forecast did at earlier cutoffs, beside the same month a year before."
    ),
    "drift_metrics": (
        "How far what the models see, say and go by has moved within a year: population stability "
        "index and Kolmogorov-Smirnov, like compared with like."
    ),
    "realised_accuracy": (
        "What came after earlier predictions, once their window was over, and after the "
        "champion's own backtest."
    ),
    "feature_importances": (
        "What predicted values go by: mean size of the SHAP values of a feature, in all and for "
        "each stage of customers."
    ),
    "feature_contributions": (
        "SHAP values of a sample of customers beside what they are of: the dots of a summary plot."
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
    name="insights",
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
def insights(
    context: dg.AssetExecutionContext,
    companies_file: CompaniesFile,
    customer_days: CustomerDays,
    mlflow: Mlflow,
    published: Published,
) -> Iterator[dg.MaterializeResult]:
    """Looks ahead for one company and says why, from one read of its days and predictions."""
    from ml.outlook.tables import outlook_figures
    from ml.registry.champion import load_champion
    from orchestration.insights import insight_tables

    company = companies_file.get(context.partition_key)
    days = customer_days.read(company.id)
    champion = load_champion(mlflow.tracking(), company.id).candidate
    traits = customer_days.traits(company.id)
    tables = insight_tables(company, days, traits, published, champion)
    published.replace(company.id, days.as_of, tables)
    published.forget(company.id, days.as_of)
    if tables["feature_importances"].empty:
        context.log.info(
            "%s has too few customers, or all are predicted alike: there is nothing to explain",
            company.id,
        )
    figures = outlook_figures(tables)
    for name in TABLES:
        yield dg.MaterializeResult(
            asset_key=["ml", name],
            metadata=table_metadata("ml", name)
            | {"rows": len(tables[name]), "calculation_date": days.as_of.isoformat()}
            | figures.get(name, {}),
        )
