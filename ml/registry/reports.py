"""Keeps a company's report beside the contest whose champion made its predictions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ml.registry.tracking import CHAMPION_ALIAS, Tracking, registry_name

REPORT_FOLDER = "report"


@dataclass(frozen=True)
class StoredReport:
    """Where a report is.

    Attributes:
        experiment_id: MLflow experiment of the company.
        mlflow_run_id: The contest of the champion in service.
        artifact_path: Path among the run's artifacts.
    """

    experiment_id: str
    mlflow_run_id: str
    artifact_path: str


def store_report(tracking: Tracking, company_id: str, file: Path) -> StoredReport | None:
    """Stores a report with the contest in service, in place of the one that is there.

    Args:
        tracking: Where MLflow is.
        company_id: Whose report it is.
        file: The page.

    Returns:
        Where it is; None where the company has no champion yet.

    Raises:
        mlflow.exceptions.MlflowException: MLflow can't be reached.
        OSError: The artifact can't be written.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client = MlflowClient(tracking_uri=tracking.uri, registry_uri=tracking.uri)
    try:
        version = client.get_model_version_by_alias(registry_name(company_id), CHAMPION_ALIAS)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise
    run = client.get_run(str(version.run_id))
    client.log_artifact(run.info.run_id, str(file), REPORT_FOLDER)
    return StoredReport(
        str(run.info.experiment_id), run.info.run_id, f"{REPORT_FOLDER}/{file.name}"
    )
