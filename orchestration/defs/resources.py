"""Binds every resource, from the settings of this process."""

import sys
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource

from orchestration.lib.dbt import dbt_project
from orchestration.lib.liveness import in_process
from orchestration.resources.companies import CompaniesFile
from orchestration.resources.contests import Contests
from orchestration.resources.customer_days import CustomerDays
from orchestration.resources.mlflow import Mlflow
from orchestration.resources.notifier import Notifier
from orchestration.resources.published import Published
from orchestration.resources.segments import SegmentsFile
from warehouse.settings import get_settings


@dg.definitions
def resources() -> dg.Definitions:
    """Returns the resources by the name under which assets ask for them."""
    settings = get_settings()
    return dg.Definitions(
        # Also of what is materialised by hand in the UI.
        executor=in_process,
        resources={
            "companies_file": CompaniesFile(path=str(settings.companies_file)),
            "held_contests": Contests(),
            "customer_days": CustomerDays(),
            # Beside this Python, whether or not its environment is activated.
            "dbt": DbtCliResource(
                project_dir=dbt_project, dbt_executable=Path(sys.executable).with_name("dbt")
            ),
            "mlflow": Mlflow(
                tracking_uri=dg.EnvVar("MLFLOW_TRACKING_URI"),
                artifact_root=str(settings.mlflow_artifacts),
            ),
            "published": Published(),
            "segments_file": SegmentsFile(path=str(settings.segments_file)),
            "notifier": Notifier(),
        },
    )
