"""The champion in service, as it was registered."""

from __future__ import annotations

from dataclasses import dataclass

from ml.evaluation.calibration import Calibration
from ml.models.candidate import Candidate
from ml.registry.tracking import CHAMPION_ALIAS, Tracking, registry_name


@dataclass(frozen=True)
class ServedChampion:
    """A registered model, loaded.

    Attributes:
        candidate: The fitted model.
        version: Its version in the registry.
    """

    candidate: Candidate
    version: str

    @property
    def calibration(self) -> Calibration | None:
        """What its contest taught of its errors; None where nobody looked."""
        return getattr(self.candidate, "calibration", None)


def load_champion(tracking: Tracking, company_id: str) -> ServedChampion:
    """Loads what the alias `champion` of a company points to.

    Args:
        tracking: Where MLflow is.
        company_id: Whose model.

    Raises:
        mlflow.exceptions.MlflowException: Nothing is registered, or its artifacts are gone.
    """
    import mlflow
    import mlflow.pyfunc
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=tracking.uri, registry_uri=tracking.uri)
    name = registry_name(company_id)
    version = client.get_model_version_by_alias(name, CHAMPION_ALIAS)
    # load_model knows no client: it reads the address of this process.
    mlflow.set_tracking_uri(tracking.uri)
    mlflow.set_registry_uri(tracking.uri)
    loaded = mlflow.pyfunc.load_model(f"models:/{name}/{version.version}")
    return ServedChampion(loaded.unwrap_python_model().candidate, str(version.version))
