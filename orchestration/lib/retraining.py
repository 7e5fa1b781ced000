"""Whether a contest of a company is due, as the sensor and `clv run` ask."""

from __future__ import annotations

from orchestration.resources.companies import CompaniesFile
from orchestration.resources.contests import Contests
from orchestration.resources.mlflow import Mlflow


def reasons_to_train(
    company_id: str, companies_file: CompaniesFile, held_contests: Contests, mlflow: Mlflow
) -> list[str]:
    """Says why the models of a company are to compete; empty where the champion scores on."""
    from ml.registry.tracking import version_in_service

    version = version_in_service(mlflow.tracking(), company_id)
    return held_contests.reasons(companies_file.get(company_id), version)
