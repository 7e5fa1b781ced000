"""The asset of the governance report."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import dagster as dg

from orchestration.lib.owners import OWNERS
from orchestration.lib.partitions import company_partitions
from orchestration.resources.companies import CompaniesFile
from orchestration.resources.mlflow import Mlflow


class QuarterConfig(dg.Config):
    """Which quarter is reported.

    Attributes:
        quarter: Such as 2026-Q3; without, the last one that is over.
    """

    quarter: str = ""


@dg.asset(
    key=["report", "governance"],
    deps=[
        ["ml", "clv_model_scores"],
        ["ml", "realised_accuracy"],
        ["ml", "drift_metrics"],
    ],
    partitions_def=company_partitions,
    group_name="governance",
    kinds={"python", "mlflow"},
    owners=OWNERS,
    description=(
        "Of one company and quarter: the model in service and how good it was, drift, promotions, "
        "who reads, who exported and erased. A Markdown file under exports/, and in MLflow."
    ),
)
def governance(
    context: dg.AssetExecutionContext,
    config: QuarterConfig,
    companies_file: CompaniesFile,
    mlflow: Mlflow,
) -> dg.MaterializeResult:
    """Writes the report of one company."""
    from ml.registry.reports import store_report
    from orchestration.governance import Quarter, write_governance_report
    from orchestration.lib.links import mlflow_run
    from warehouse.settings import get_settings

    company = companies_file.get(context.partition_key)
    if config.quarter:
        year, _, number = config.quarter.partition("-Q")
        quarter = Quarter(int(year), int(number))
    else:
        today = datetime.now(UTC).astimezone(ZoneInfo(company.timezone)).date()
        quarter = Quarter.of(today).before
    file = write_governance_report(get_settings(), company, quarter)
    stored = store_report(mlflow.tracking(), company.id, file)
    metadata: dict[str, dg.MetadataValue | str] = {
        "quarter": str(quarter),
        "file": dg.MetadataValue.path(str(file)),
        "report": dg.MetadataValue.md(file.read_text(encoding="utf-8")),
    }
    if stored is not None:
        metadata["mlflow"] = dg.MetadataValue.url(
            mlflow_run(stored.mlflow_run_id, stored.experiment_id, stored.artifact_path)
        )
    return dg.MaterializeResult(metadata=metadata)
