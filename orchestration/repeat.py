"""`clv repeat`: a run once more from its model_metadata.json, and what came out the same.

Belongs here: finding a run, looking whether its data and code are still there, comparing. Does not
belong here: what is computed, which is what the run itself calls.
"""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import Connection, sql

from orchestration.deliverables import (
    METADATA,
    company_settings,
    file_sha256,
    write_model,
    write_tables,
)
from orchestration.insights import insight_tables
from orchestration.resources.customer_days import CompanyDays, CustomerDays
from orchestration.resources.published import Published
from warehouse.bulk import fingerprint, replace_frame
from warehouse.companies import Company, load_companies
from warehouse.connection import connect
from warehouse.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from ml.models.by_horizon import ByHorizon


class RepeatError(Exception):
    """A run can't be repeated; the message says why and what to do."""


@dataclass(frozen=True)
class Compared:
    """One thing that was made once more.

    Attributes:
        name: A table or a file.
        is_equal: Whether it has the same rows to the last digit, or the same bytes.
    """

    name: str
    is_equal: bool


def repeat(settings: Settings, run: str) -> list[Compared]:
    """Holds a run's contest again, predicts and explains again, and compares all of it.

    Nothing is changed: neither the tables, nor MLflow, nor the files.

    Args:
        settings: Those of the installation.
        run: A model_metadata.json, the folder that it is in, or the id of the run.

    Raises:
        RepeatError: The run isn't known, or the data, the settings or the code aren't those of the
            run any more.
        CompaniesFileError: companies.yml has a mistake.
        EmbeddedServerError, ConnectionFailedError: The warehouse can't be used.
    """
    said = find_run(settings, run)
    companies = load_companies(settings.companies_file)
    if said["company"] not in companies:
        raise RepeatError(f"{said['company']} is not in {settings.companies_file} any more.")
    company = companies[said["company"]]
    days = CustomerDays().read(company.id)
    _same_ground(said, company, days)
    scores, champion = _contest(said, company.id, days)
    # As it comes out of the registry: an object that was never stored has other bytes.
    served: ByHorizon = pickle.loads(pickle.dumps(champion))  # noqa: S301
    with connect(settings=settings) as connection, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compared = [
            _same_rows(connection, "ml.clv_model_scores", {"company_id": company.id}, scores)
        ]
        for table, frame in _tables(company, days, served, said).items():
            where: dict[str, object] = {"company_id": company.id}
            if table in _BY_DAY:
                where["calculation_date"] = days.as_of
            compared.append(_same_rows(connection, f"ml.{table}", where, frame))
        write_tables(connection, company.id, folder)
        write_model(served, folder)
        connection.rollback()
        return compared + [
            Compared(file, file_sha256(folder / file) == sha256)
            for file, sha256 in sorted(said["files"].items())
        ]


# Tables that keep earlier days.
_BY_DAY = ("clv_predictions", "drift_metrics")


def find_run(settings: Settings, run: str) -> dict[str, Any]:
    """Returns what a run said of itself.

    Raises:
        RepeatError: There is no such run, or its file isn't one.
    """
    given = Path(run)
    known = sorted((settings.home / "exports").glob(f"*/*/{METADATA}"), reverse=True)
    if given.exists():
        found = given / METADATA if given.is_dir() else given
        return _read(found)
    runs = {file: _read(file) for file in known}
    for said in runs.values():
        if run in (said["run"], said["mlflow_run_id"]):
            return said
    listed = ", ".join(
        f"{said['run']} ({said['company']}, {said['calculation_date']})" for said in runs.values()
    )
    raise RepeatError(
        f"No run {run} is known. "
        + (f"Known are: {listed}." if listed else "None is: clv run makes one.")
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        missing = {"run", "company", "data", "contest_settings", "files"} - set(said)
    except (OSError, ValueError, TypeError) as error:
        raise RepeatError(f"{file} can't be read: {error}") from error
    if missing:
        raise RepeatError(
            f"{file} is no {METADATA} of a run: it lacks {', '.join(sorted(missing))}"
        )
    return said


def _same_ground(said: Mapping[str, Any], company: Company, days: CompanyDays) -> None:
    """Raises RepeatError where the run's data, settings or code are gone."""
    from ml.registry.fingerprint import code_fingerprint, data_fingerprint

    if said["code"] != code_fingerprint():
        raise RepeatError(
            f"The code of the models isn't the run's any more: check out the version of "
            f"{said['calculation_date']} and install its requirements.lock. The run had "
            + ", ".join(f"{name} {version}" for name, version in sorted(said["versions"].items()))
            + "."
        )
    if data_fingerprint(days.daily) != said["data"]["sha256"]:
        raise RepeatError(
            f"The data moved on: the run is of {said['data']['customer_days']:,} customer-days to "
            f"{said['data']['last_day']}, and marts.customer_daily now has {len(days.daily):,} to "
            f"{days.as_of}, or other amounts. Repeat a newer run, or restore the backup of that "
            "day (clv restore)."
        )
    now = company_settings(company)
    changed = [name for name, value in said["settings"].items() if now.get(name) != value]
    if changed:
        raise RepeatError(
            f"Settings of {company.id} in companies.yml have changed since: "
            + ", ".join(f"{name} was {said['settings'][name]}" for name in sorted(changed))
            + "."
        )


def _contest(
    said: Mapping[str, Any], company_id: str, days: CompanyDays
) -> tuple[pd.DataFrame, ByHorizon]:
    """Holds the contest again; it may be of an earlier day than the predictions."""
    from ml.evaluation.calibration import calibrate
    from ml.evaluation.contest import all_score_rows, fit_champions, hold_contests
    from ml.models.preparation import Preparation
    from ml.registry.fingerprint import run_fingerprint

    contest = said["contest_settings"]
    as_of = date.fromisoformat(contest["as_of"])
    daily = days.daily[days.daily["order_date"] <= contest["as_of"]]
    if run_fingerprint(daily, contest) != said["run"]:
        raise RepeatError(
            f"The data to {as_of}, on which the model was fitted, have changed since: "
            f"clv run {company_id} holds a contest on today's."
        )
    prepared = Preparation(daily)
    in_service = {int(months): name for months, name in said["in_service"].items()}
    contests = hold_contests(prepared, as_of, contest["horizons_months"], in_service=in_service)
    champion = fit_champions(contests, prepared, as_of)
    champion.calibration = calibrate(contests, prepared, as_of)
    return all_score_rows(contests, company_id, said["run"]), champion


def _tables(
    company: Company, days: CompanyDays, champion: ByHorizon, said: Mapping[str, Any]
) -> dict[str, pd.DataFrame]:
    from ml.scoring import Scope, measure_factors, path_rows, predict_paths, score_customers

    customer_days = CustomerDays()
    traits = customer_days.traits(company.id)
    paths = predict_paths(champion, days.daily, days.as_of, max(company.horizons_months))
    predictions = score_customers(
        champion,
        days.daily,
        days.as_of,
        company.horizons_months,
        measure_factors(days.daily, days.as_of, company.discount_rate),
        Scope(company.id, company.base_currency, champion.name, said["model_version"]),
        traits["customer_id"],
        paths,
    )
    insights = insight_tables(company, days, traits, Published(), champion)
    # It goes by what earlier nights have said.
    del insights["realised_accuracy"]
    return {
        "clv_predictions": predictions,
        "clv_prediction_paths": path_rows(paths, days.as_of, company.id),
        **insights,
    }


def _same_rows(
    connection: Connection[Any], table: str, where: Mapping[str, object], frame: pd.DataFrame
) -> Compared:
    """Compares rows with those of a slice of a table."""
    of_table = sql.Identifier(*table.split("."))
    conditions = sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in where.items()
    )
    for statement in (
        sql.SQL("drop table if exists pg_temp.again, pg_temp.stood"),
        sql.SQL("create temp table again (like {})").format(of_table),
        sql.SQL("create temp table stood as select * from {} where {}").format(
            of_table, conditions
        ),
    ):
        connection.execute(statement)
    replace_frame(connection, "pg_temp.again", {}, frame)
    found = [fingerprint(connection, f"pg_temp.{name}") for name in ("again", "stood")]
    return Compared(table, found[0] == found[1])
