"""The asset of what lies ahead: outlook, survival, forecasts, and how far off all of it is."""

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
    dg.AssetKey(["marts", "dim_companies"]),
    dg.AssetKey(["marts", "dim_customers"]),
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
        "How far what the models see and say has moved from their training window: population "
        "stability index and Kolmogorov-Smirnov."
    ),
    "realised_accuracy": (
        "What came after earlier predictions, once their window was over, and after the "
        "champion's own backtest."
    ),
}


@dg.multi_asset(
    name="outlook",
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
def outlook(
    context: dg.AssetExecutionContext,
    companies_file: CompaniesFile,
    customer_days: CustomerDays,
    mlflow: Mlflow,
    published: Published,
) -> Iterator[dg.MaterializeResult]:
    """Looks ahead for one company, from one read of its days and its predictions."""
    from ml.evaluation.calibration import Calibration
    from ml.models.preparation import Preparation
    from ml.outlook.tables import (
        Company,
        outlook_figures,
        outlook_tables,
        realised_accuracy,
    )
    from ml.registry.champion import load_champion
    from ml.scoring import measure_factors

    settings = companies_file.get(context.partition_key)
    days = customer_days.read(settings.id)
    factors = measure_factors(days.daily, days.as_of, settings.discount_rate)
    company = Company(
        settings.id, settings.base_currency, days.as_of, settings.churn_window_days,
        factors.margin_rate,
    )  # fmt: skip
    calibration = load_champion(mlflow.tracking(), settings.id).calibration or Calibration()
    prepared = Preparation(days.daily)
    tables = outlook_tables(
        company,
        prepared,
        published.paths(settings.id, days.as_of),
        customer_days.traits(settings.id),
        calibration,
    )
    closed = published.closed(settings.id, days.as_of)
    tables["realised_accuracy"] = realised_accuracy(
        company, prepared, closed.predictions, closed.expected_errors, calibration
    )
    published.replace(settings.id, days.as_of, tables)
    figures = outlook_figures(tables)
    for name in TABLES:
        yield dg.MaterializeResult(
            asset_key=["ml", name],
            metadata=table_metadata("ml", name)
            | {"rows": len(tables[name]), "calculation_date": days.as_of.isoformat()}
            | figures.get(name, {}),
        )
