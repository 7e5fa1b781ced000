"""The variables with which every process of the platform is started, in one place.

Belongs here: what Dagster, dbt, MLflow and dlt read from their environment. Does not belong here:
our own settings (`warehouse/settings.py`), which are read there and only passed on here.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict

from warehouse.connection import url
from warehouse.settings import DAGSTER_DATABASE, MLFLOW_DATABASE, Settings

if TYPE_CHECKING:
    from ml.registry.tracking import Tracking

INSTANCE_FILE = Path(__file__).with_name("dagster.yaml")

# The platform tells nobody what is done with it.
SILENCED = {
    "DO_NOT_TRACK": "true",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
}


def runtime_environment(settings: Settings) -> dict[str, str]:
    """Returns the whole environment of a process of the platform: this process's and ours.

    Args:
        settings: Those of the installation; the server must be reachable by them.

    Raises:
        EmbeddedServerError: The embedded server doesn't run.
        ConnectionFailedError: CLV_DATABASE_URL isn't a URL of PostgreSQL.
    """
    environment = {**os.environ, **platform_environment(settings)}
    # Programs of this Python come first, whether or not its environment is activated.
    programs = str(Path(sys.executable).parent)
    environment["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
    for name in ("no_proxy", "NO_PROXY"):
        exempt = [os.environ[name]] if os.environ.get(name) else []
        environment[name] = ",".join([*exempt, "127.0.0.1", "localhost"])
    return environment


def platform_environment(settings: Settings) -> dict[str, str]:
    """Returns only what the platform adds to an environment; secrets are among it.

    Raises:
        EmbeddedServerError: The embedded server doesn't run.
        ConnectionFailedError: CLV_DATABASE_URL isn't a URL of PostgreSQL.
    """
    warehouse = conninfo_to_dict(url(settings=settings))
    tracking = sqlalchemy_url(MLFLOW_DATABASE, settings)
    environment = {
        "CLV_HOME": str(settings.home.resolve()),
        "CLV_COMPANIES_FILE": str(settings.companies_file.resolve()),
        "CLV_SEGMENTS_FILE": str(settings.segments_file.resolve()),
        "CLV_DAGSTER_URL": sqlalchemy_url(DAGSTER_DATABASE, settings),
        "CLV_DBT_HOST": str(warehouse.get("host") or "localhost"),
        "CLV_DBT_PORT": str(warehouse.get("port") or 5432),
        "CLV_DBT_USER": str(warehouse.get("user") or ""),
        "CLV_DBT_PASSWORD": str(warehouse.get("password") or ""),
        "CLV_DBT_DATABASE": str(warehouse.get("dbname") or ""),
        "DAGSTER_HOME": str(settings.dagster_home.resolve()),
        # One writer and one reader of the same tables: runs are logged with no server running.
        "MLFLOW_TRACKING_URI": tracking,
        "MLFLOW_BACKEND_STORE_URI": tracking,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "GIT_PYTHON_REFRESH": "quiet",
        "PYTHONUNBUFFERED": "1",
        **SILENCED,
    }
    if settings.database_url is not None:
        environment["CLV_DATABASE_URL"] = settings.database_url.get_secret_value()
    return environment


def sqlalchemy_url(database: str, settings: Settings) -> str:
    """Returns the URL of a database for Dagster and MLflow, which both speak through psycopg2.

    SQLAlchemy's own choice is psycopg 3, whose errors lack the codes by which Dagster notices that
    another process made its tables first.
    """
    return url(database, settings).replace("postgresql://", "postgresql+psycopg2://", 1)


def prepare_dagster_home(settings: Settings) -> None:
    """Makes DAGSTER_HOME with the instance's settings as they stand in this version."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    draft = settings.dagster_home / "dagster.yaml.new"
    shutil.copyfile(INSTANCE_FILE, draft)
    draft.replace(settings.dagster_home / "dagster.yaml")


def mlflow_tracking(settings: Settings) -> Tracking:
    """Returns where MLflow is, for a command that is no run of Dagster; silences it before use.

    Raises:
        EmbeddedServerError: The embedded server doesn't run.
        ConnectionFailedError: CLV_DATABASE_URL isn't a URL of PostgreSQL.
    """
    from ml.registry.tracking import Tracking

    os.environ.update(SILENCED)
    return Tracking(sqlalchemy_url(MLFLOW_DATABASE, settings), str(settings.mlflow_artifacts))
