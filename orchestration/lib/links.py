"""Addresses of the platform's own pages, for metadata of assets."""

from __future__ import annotations

from urllib.parse import quote

from orchestration.processes import read_record
from warehouse.embedded import HOST
from warehouse.settings import Settings, get_settings


def service_address(name: str, preferred_port: int, settings: Settings | None = None) -> str:
    """Returns where a service answers: where it was last started, else where it would be tried."""
    settings = settings or get_settings()
    record = read_record(settings.run_folder / f"{name}.json")
    port = record.port if record is not None and record.port is not None else preferred_port
    return f"http://{HOST}:{port}"


def mlflow_run(run_id: str, experiment_id: str = "", artifact: str = "") -> str:
    """Returns the page of a run in the MLflow UI, or of one of its artifacts."""
    base = service_address("mlflow", get_settings().mlflow_port)
    if not artifact:
        return f"{base}/#/runs/{run_id}"
    return f"{base}/#/experiments/{experiment_id}/runs/{run_id}/artifacts/{quote(artifact)}"


def dagster_run(run_id: str) -> str:
    """Returns the page of a run in the Dagster UI."""
    base = service_address("dagster-webserver", get_settings().webserver_port)
    return f"{base}/runs/{run_id}"


def dashboard(company_id: str, page: str = "") -> str:
    """Returns a page of a company in the dashboard."""
    base = service_address("dashboard", get_settings().dashboard_port)
    return f"{base}/companies/{quote(company_id)}/{page}".rstrip("/")


def table_docs(unique_id: str) -> str:
    """Returns the page of a dbt model in the documentation, which the dashboard serves.

    Args:
        unique_id: As dbt writes it, such as "model.clv.customer_360".
    """
    base = service_address("dashboard", get_settings().dashboard_port)
    kind = unique_id.partition(".")[0]
    return f"{base}/documentation#!/{kind}/{unique_id}"
