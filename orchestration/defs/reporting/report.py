"""The asset of the report: a page a company, for people."""

import dagster as dg

from orchestration.lib.owners import OWNERS
from orchestration.lib.partitions import company_partitions
from orchestration.resources.mlflow import Mlflow


@dg.asset(
    key=["report", "clv_report"],
    deps=[
        ["reporting", "customer_360"],
        ["reporting", "clv_calculations"],
        ["reporting", "product_ltv"],
        ["marts", "cohort_retention"],
        ["marts", "channel_performance"],
        ["ml", "clv_model_scores"],
    ],
    partitions_def=company_partitions,
    group_name="report",
    kinds={"python", "html", "mlflow"},
    owners=OWNERS,
    description=(
        "What a company's customers are worth, as one HTML page for the shop's owner that opens "
        "without a server. It is kept with the contest in MLflow."
    ),
)
def clv_report(context: dg.AssetExecutionContext, mlflow: Mlflow) -> dg.MaterializeResult:
    """Writes the report of one company and stores it in MLflow."""
    from ml.registry.reports import store_report
    from orchestration.lib.links import dashboard, mlflow_run
    from orchestration.report import write_report
    from warehouse.settings import get_settings

    company_id = context.partition_key
    file = write_report(get_settings(), company_id)
    stored = store_report(mlflow.tracking(), company_id, file)
    metadata: dict[str, dg.MetadataValue | int | str] = {
        "report": dg.MetadataValue.url(dashboard(company_id, "report")),
        "file": dg.MetadataValue.path(str(file)),
        "bytes": file.stat().st_size,
    }
    if stored is not None:
        metadata["mlflow"] = dg.MetadataValue.url(
            mlflow_run(stored.mlflow_run_id, stored.experiment_id, stored.artifact_path)
        )
        metadata["mlflow_run_id"] = stored.mlflow_run_id
    return dg.MaterializeResult(metadata=metadata)
