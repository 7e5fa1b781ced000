"""The files that people take away from a run: exports/<company>/<date>/ under CLV_HOME.

Belongs here: which query fills which file, and where files stand. Does not belong here: figures;
each number is a table's.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg import Connection

from warehouse.companies import Company, load_companies
from warehouse.connection import connect
from warehouse.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from ml.models.candidate import Candidate
    from ml.registry.deliverables import Served
    from ml.registry.tracking import Tracking

#: Folders of a company that are kept, the newest: otherwise they would grow by one a night.
KEPT = 30

_LIBRARIES = ("lifetimes", "lightgbm", "numpy", "pandas", "scikit-learn", "scipy", "shap")

_TABLES = {
    "clv_predictions.csv": """
        select
            customer_id, calculation_date, currency, predicted_value_12m as clv,
            predicted_value_12m_lower, predicted_value_12m_upper, predicted_net_12m,
            p_active_12m, churn_probability_12m, value_rank as rank,
            value_percentile as percentile, value_tier as tier, business_segment as segment,
            cluster, cluster_label, model_name, model_version
        from reporting.customer_360
        where company_id = %(company)s
        order by value_rank, customer_id
    """,
    "segment_metrics.csv": """
        with shap as (
            select scope, sum(mean_contribution) as mean_shap
            from ml.feature_importances
            where company_id = %(company)s
            group by scope
        ),

        stages (customer_stage, segment) as (
            values
                ('all', 'all'), ('New', 'stage_new'), ('Growing', 'stage_growing'),
                ('Established', 'stage_established'), ('Loyal', 'stage_loyal')
        ),

        scores as (
            select *
            from ml.clv_model_scores as scored
            where company_id = %(company)s
            and exists (
                select from ml.clv_model_scores as champions
                where
                    champions.company_id = scored.company_id
                    and champions.is_champion
                    and (champions.model, champions.horizon, champions.cutoff)
                    = (scored.model, scored.horizon, scored.cutoff)
                    and (champions.horizon, champions.cutoff) = (
                        select horizon, cutoff
                        from ml.clv_model_scores
                        where company_id = %(company)s and is_champion
                        order by abs(horizon_days - 183), horizon_days, cutoff desc
                        limit 1
                    )
            )
        )

        select
            stages.customer_stage, scores.model, scores.horizon, scores.cutoff,
            scores.rows as customers, scores.rmse, scores.mae, scores.bias, shap.mean_shap
        from stages
        left join scores on stages.segment = scores.segment
        left join shap on stages.customer_stage = shap.scope
        order by array_position(
            array['all', 'New', 'Growing', 'Established', 'Loyal'], stages.customer_stage
        )
    """,
    "interactions.csv": """
        select rank, feature_a, feature_b, strength, customers, model_name, is_surrogate
        from ml.feature_interactions
        where company_id = %(company)s
        order by rank
    """,
    "business_segments.csv": """
        select
            segment, customers as size, share_of_customers, currency, value_to_date,
            predicted_value_12m, strategy
        from reporting.segment_summary
        where company_id = %(company)s and segmentation = 'business'
        order by segment
    """,
    "cluster_summary.csv": """
        select
            cluster, label, customers as size, share_of_customers, currency, average_value_12m,
            average_orders, average_order_value, average_recency_days, churn_probability,
            clv_tier, suggested_action, description as profile
        from ml.cluster_profiles
        where company_id = %(company)s
        order by cluster
    """,
}
PICTURE = "feature_importances.png"
MODEL = "clv_model.joblib"
METADATA = "model_metadata.json"


@dataclass(frozen=True)
class Deliverables:
    """Files of a run.

    Attributes:
        folder: Where they stand.
        files: All of them.
        mlflow_run_id: The contest that they are kept with.
    """

    folder: Path
    files: tuple[Path, ...]
    mlflow_run_id: str


class NothingToDeliverError(Exception):
    """A company has no predictions that were published; the message says what to do."""


def write_deliverables(settings: Settings, company_id: str, tracking: Tracking) -> Deliverables:
    """Writes the files of a company as its tables stand now, and stores them in MLflow.

    A folder is made beside and moved into place, so that there is never half of one.

    Args:
        settings: Those of the installation.
        company_id: The company.
        tracking: Where MLflow is.

    Raises:
        NothingToDeliverError: Nothing is published of the company yet.
        OSError: The files can't be written.
    """
    from ml.registry.deliverables import served, store_deliverables

    champion = served(tracking, company_id)
    with connect(settings=settings) as connection:
        # One snapshot: a publication that ends meanwhile would mix two days.
        connection.execute("set transaction isolation level repeatable read read only")
        day = calculation_day(connection, company_id)
        folder = settings.home / "exports" / company_id / day.isoformat()
        draft = folder.with_name(f".{folder.name}")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        write_tables(connection, company_id, draft)
        write_model(champion.candidate, draft)
        files = {file.name: file_sha256(file) for file in sorted(draft.iterdir())}
        company = load_companies(settings.companies_file)[company_id]
        metadata = _metadata(connection, company, day, champion) | {"files": files}
        text = json.dumps(metadata, indent=2, sort_keys=True, ensure_ascii=False, default=str)
        (draft / METADATA).write_text(text + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    days = sorted(path for path in folder.parent.iterdir() if not path.name.startswith("."))
    for old in days[:-KEPT]:
        shutil.rmtree(old)
    store_deliverables(tracking, champion.mlflow_run_id, folder)
    return Deliverables(folder, tuple(sorted(folder.iterdir())), champion.mlflow_run_id)


def calculation_day(connection: Connection[Any], company_id: str) -> date:
    """Returns the day of a company's predictions that were published.

    Raises:
        NothingToDeliverError: There are none.
    """
    found = connection.execute(
        "select max(calculation_date) from reporting.customer_360 where company_id = %s",
        (company_id,),
    ).fetchone()
    if found is None or found[0] is None:
        raise NothingToDeliverError(
            f"Nothing is published of company {company_id} yet: run clv run {company_id}."
        )
    day: date = found[0]
    return day


def write_tables(connection: Connection[Any], company_id: str, folder: Path) -> None:
    """Writes the files that show tables as these stand: CSV, and the picture."""
    from ml.explain.plots import draw_importances

    for name, query in _TABLES.items():
        _copy(connection, query, company_id, folder / name)
    draw_importances(
        _frame(
            connection,
            "select scope, feature, share, rank, model_name, is_surrogate, fidelity"
            " from ml.feature_importances where company_id = %s order by scope, rank",
            company_id,
        ),
        _frame(
            connection,
            "select feature, value, contribution"
            " from ml.feature_contributions where company_id = %s order by feature, place",
            company_id,
        ),
        folder / PICTURE,
    )


def write_model(champion: Candidate, folder: Path) -> None:
    """Writes the model, to be loaded with joblib where this package is installed.

    As it is once it was written and read: before, its bytes tell how it came to be (fitted, or
    loaded from the registry), and not only what it is.
    """
    import joblib

    written = io.BytesIO()
    joblib.dump(champion, written)
    written.seek(0)
    joblib.dump(joblib.load(written), folder / MODEL)


def file_sha256(file: Path) -> str:
    """Returns the hash of a file's bytes."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def company_settings(company: Company) -> dict[str, Any]:
    """Returns the settings of a company that decide its figures, beside those of its contest."""
    return {
        "base_currency": company.base_currency,
        "horizons_months": list(company.horizons_months),
        "discount_rate": company.discount_rate,
        "churn_window_days": company.churn_window_days,
    }


def _copy(connection: Connection[Any], query: str, company_id: str, target: Path) -> None:
    """Writes the rows as CSV, numbers as the database has them."""
    from psycopg import sql

    filled = sql.SQL(query.replace("%(company)s", "{company}")).format(
        company=sql.Literal(company_id)
    )
    statement = sql.SQL("copy ({}) to stdout with (format csv, header)").format(filled)
    with (
        target.open("wb") as file,
        connection.cursor() as cursor,
        cursor.copy(statement) as rows,
    ):
        for chunk in rows:
            file.write(chunk)


def _frame(connection: Connection[Any], query: LiteralString, company_id: str) -> pd.DataFrame:
    import pandas as pd

    cursor = connection.execute(query, (company_id,))
    return pd.DataFrame(cursor.fetchall(), columns=[each.name for each in cursor.description or ()])


def _metadata(
    connection: Connection[Any], company: Company, day: date, champion: Served
) -> dict[str, Any]:
    """What tells which data, settings and code the predictions stem from, and how good they are.

    `clv repeat` makes the run once more from it.
    """
    from ml.registry.fingerprint import code_fingerprint, data_fingerprint
    from orchestration.resources.customer_days import CustomerDays

    company_id = company.id
    description = champion.candidate.describe()
    return {
        "company": company_id,
        "calculation_date": day,
        "run": champion.run,
        "mlflow_run_id": champion.mlflow_run_id,
        "model_version": champion.version,
        "code": code_fingerprint(),
        "data": _rows(
            connection,
            "select count(*) as customer_days, count(distinct customer_id) as customers,"
            " min(order_date) as first_day, max(order_date) as last_day,"
            " sum(gross_revenue_base) as gross_revenue"
            " from marts.customer_daily where company_id = %s",
            company_id,
        )[0]
        | {"sha256": data_fingerprint(CustomerDays().read(company_id).daily)},
        "settings": company_settings(company),
        "contest_settings": champion.settings,
        "in_service": champion.in_service,
        "contest": champion.params,
        "metrics": champion.metrics,
        "windows": _rows(
            connection,
            "select distinct model, horizon, horizon_days, cutoff from ml.clv_model_scores"
            " where company_id = %s and is_champion order by horizon_days, cutoff",
            company_id,
        ),
        "fit": {"name": description.name, "params": dict(description.params)},
        "drift": _rows(
            connection,
            "select kind, name, psi, ks, psi_bound, is_drifted from ml.drift_metrics"
            " where company_id = %s and calculation_date = ("
            "   select max(calculation_date) from ml.drift_metrics where company_id = %s)"
            " order by kind, name",
            company_id,
            company_id,
        ),
        "seeds": {"trees": 20, "surrogate": 21, "clusters": 22},
        "versions": {library: version(library) for library in _LIBRARIES},
    }


def _rows(connection: Connection[Any], query: str, *parameters: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query, parameters)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
