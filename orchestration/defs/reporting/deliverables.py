"""The asset of the files that people take away."""

import dagster as dg

from orchestration.lib.owners import OWNERS
from orchestration.lib.partitions import company_partitions
from orchestration.resources.mlflow import Mlflow


@dg.asset(
    key=["report", "deliverables"],
    deps=[
        ["reporting", "customer_360"],
        ["reporting", "segment_summary"],
        ["ml", "clv_model_scores"],
        ["ml", "cluster_profiles"],
        ["ml", "feature_importances"],
        ["ml", "feature_interactions"],
    ],
    partitions_def=company_partitions,
    group_name="report",
    kinds={"python", "csv", "mlflow"},
    owners=OWNERS,
    description=(
        "Eight files of a company's predictions, segments and model, under exports/ of CLV_HOME "
        "and beside the contest in MLflow."
    ),
)
def deliverables(context: dg.AssetExecutionContext, mlflow: Mlflow) -> dg.MaterializeResult:
    """Writes the files of one company."""
    from orchestration.deliverables import write_deliverables
    from warehouse.settings import get_settings

    written = write_deliverables(get_settings(), context.partition_key, mlflow.tracking())
    return dg.MaterializeResult(
        metadata={
            "folder": dg.MetadataValue.path(str(written.folder)),
            "files": len(written.files),
            "bytes": sum(file.stat().st_size for file in written.files),
            "mlflow_run_id": written.mlflow_run_id,
        }
    )
