"""What a run of the models leaves beside its contest: files, and what repeats the run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.models.candidate import Candidate
from ml.registry.champion import load_champion
from ml.registry.tracking import CHAMPION_ALIAS, RUN_TAG, Tracking, registry_name

DELIVERABLES_FOLDER = "deliverables"


@dataclass(frozen=True)
class Served:
    """The contest behind the champion in service.

    Attributes:
        mlflow_run_id: Its run in MLflow.
        run: Its own id, see `ml.registry.fingerprint`.
        version: Version of the champion.
        params: Parameters of the run.
        settings: Settings that decided it.
        in_service: Champions that it had to beat, by months.
        metrics: Figures of the champion on its latest holdout.
        candidate: The champion, fitted.
    """

    mlflow_run_id: str
    run: str
    version: str
    params: dict[str, str]
    settings: dict[str, Any]
    in_service: dict[str, str]
    metrics: dict[str, float]
    candidate: Candidate


def served(tracking: Tracking, company_id: str) -> Served:
    """Returns the contest behind the champion in service.

    Raises:
        mlflow.exceptions.MlflowException: Nothing is registered, or MLflow can't be reached.
    """
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=tracking.uri, registry_uri=tracking.uri)
    version = client.get_model_version_by_alias(registry_name(company_id), CHAMPION_ALIAS)
    run = client.get_run(str(version.run_id))
    return Served(
        run.info.run_id,
        str(version.tags[RUN_TAG]),
        str(version.version),
        dict(sorted(run.data.params.items())),
        json.loads(run.data.params["settings"]),
        json.loads(run.data.params["in_service"]),
        dict(sorted(run.data.metrics.items())),
        load_champion(tracking, company_id).candidate,
    )


def store_deliverables(tracking: Tracking, mlflow_run_id: str, folder: Path) -> None:
    """Stores the files of a folder with a contest, in place of those that are there."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=tracking.uri, registry_uri=tracking.uri)
    client.log_artifacts(mlflow_run_id, str(folder), DELIVERABLES_FOLDER)
