"""What the predictions of a company rest on: from its rows to the tables, and `clv explain`.

Belongs here: reading, writing, words of the command. Does not belong here: what is computed
(`ml/explain`, `ml/segments`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from warehouse.bulk import read_frame
from warehouse.companies import Company, load_companies
from warehouse.currencies import minor_units

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from ml.explain.contributions import Explained
    from ml.models.candidate import Candidate
    from ml.models.preparation import Preparation
    from warehouse.settings import Settings

#: The horizon of customer_360, whose value is explained; a company without it has its longest one.
MONTHS = 12

_PREDICTED = """
    with predictions as (
        select
            *,
            100.0::double precision * (
                rank() over (order by predicted_value) - 1
            ) / count(*) over () as value_percentile
        from ml.clv_predictions
        where
            company_id = $1
            and calculation_date = $2::date
            and horizon_months = (
                select max(horizon_months)
                from ml.clv_predictions
                where
                    company_id = $1 and calculation_date = $2::date
                    and horizon_months <= $3::integer
            )
    ),

    features as materialized (
        select customer_id, customer_stage, is_repeat_buyer
        from marts.customer_features
        where company_id = $1 and as_of_date = $2::date
    )

    select
        predictions.customer_id,
        predictions.predicted_value::double precision as predicted_value,
        predictions.churn_probability,
        predictions.model_name,
        predictions.horizon_months::bigint as horizon_months,
        features.customer_stage,
        (features.is_repeat_buyer = 1) is true as is_repeat_buyer,
        predictions.value_percentile
    from predictions
    -- A full join is hashed or merged, whatever the planner expects: never row by row.
    full join features on predictions.customer_id = features.customer_id
    order by predictions.customer_id
"""

_SEGMENTS = """
    select segment_from, segment_to, from_date
    from intermediate.int_customer_segments_compared
    where company_id = $1
    order by customer_id
"""

TOP_PERCENTILE = 75


class ExplainError(Exception):
    """A customer can't be explained; the message says why."""


# As the macro is_at_risk of customer_360 has it; a dbt test compares.
_AT_RISK, _GONE, _HIGH = 0.5, 0.95, "high"


@dataclass(frozen=True)
class Basis:
    """Customers with a paid order, and what is predicted of them, row by row the same."""

    customers: pd.DataFrame
    predicted: pd.DataFrame
    explained: Explained | None


def read_predicted(company_id: str, as_of: date) -> pd.DataFrame:
    """Returns what is predicted of each customer of a company, sorted by customer."""
    rows = read_frame(_PREDICTED, [company_id, as_of.isoformat(), MONTHS])
    predicted = rows[rows["customer_id"].notna()].reset_index(drop=True)
    return predicted.astype({"horizon_months": "int64"})


def explained_basis(
    prepared: Preparation, as_of: date, predicted: pd.DataFrame, champion: Callable[[], Candidate]
) -> Basis:
    """Explains what is predicted of a company's customers.

    Args:
        prepared: Its customer-days.
        as_of: Their last day.
        predicted: See `read_predicted`.
        champion: Gives the champion; asked where the predictions stem from one set of trees.
    """
    from ml.explain.contributions import explain as explained_by
    from ml.horizons import horizon_days, in_weeks
    from ml.models.by_horizon import ByHorizon

    customers = prepared.customers(as_of)
    rows = predicted.set_index("customer_id").loc[customers["customer_id"]].reset_index()
    if rows.empty:
        return Basis(customers, rows, None)
    name = str(rows["model_name"].iloc[0])
    model: Any = None
    if name.startswith("lightgbm_"):
        model = champion()
        if isinstance(model, ByHorizon):
            model = model.champion_at(in_weeks(horizon_days(int(rows["horizon_months"].iloc[0]))))
    values: np.ndarray = rows["predicted_value"].to_numpy()
    return Basis(customers, rows, explained_by(model, customers, values, name))


def reason_tables(
    company: Company, prepared: Preparation, as_of: date, basis: Basis, outlook: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Says why a company's customers are predicted as they are, and who is alike.

    Args:
        company: Whose they are.
        prepared: Its customer-days.
        as_of: Their last day.
        basis: See `explained_basis`.
        outlook: Rows of ml.customer_outlook.

    Returns:
        The rows of each table of schema ml, by its name; of drift_metrics those of kind shap.
    """
    import numpy as np

    from ml.explain.contributions import (
        as_of_rows,
        importances,
        interactions,
        summary_points,
    )
    from ml.explain.drivers import by_driver
    from ml.explain.words import reasons
    from ml.monitoring.behaviour import contribution_samples
    from ml.monitoring.drift import drift_rows
    from ml.segments.clusters import cluster_customers
    from ml.segments.migration import migrations

    clusters = cluster_customers(
        basis.customers,
        basis.predicted["predicted_value"].to_numpy(),
        basis.predicted["churn_probability"].to_numpy(),
        company.base_currency,
    )
    tables = {
        "segment_migrations": migrations(read_frame(_SEGMENTS, [company.id])),
        "customer_clusters": clusters.members,
        "cluster_profiles": clusters.profiles.assign(currency=company.base_currency),
    }
    explained = basis.explained
    if explained is None:
        tables |= dict.fromkeys(
            ("feature_importances", "feature_contributions", "feature_interactions",
             "customer_reasons"),
            _nothing(),
        )  # fmt: skip
        tables["drift_metrics"] = drift_rows("shap", {})
    else:
        sample = explained.sample()
        contributions = explained.contributions(sample)
        told = np.flatnonzero(
            (basis.predicted["value_percentile"] >= TOP_PERCENTILE)
            | _at_risk(basis.predicted, outlook)
        )
        tables |= {
            "feature_importances": importances(
                contributions,
                basis.predicted["customer_stage"].to_numpy()[sample].tolist(),
                explained,
            ),
            "feature_contributions": summary_points(contributions, explained, sample),
            "feature_interactions": interactions(explained),
            "customer_reasons": reasons(
                explained.contributions(told),
                basis.customers.iloc[told],
                basis.customers,
                _money(company),
                explained.is_surrogate,
            ),
            "drift_metrics": drift_rows(
                "shap",
                contribution_samples(
                    prepared, as_of, lambda customers: by_driver(explained.of(customers))
                ),
            ),
        }
    return {name: as_of_rows(frame, company.id, as_of) for name, frame in tables.items()}


def _at_risk(predicted: pd.DataFrame, outlook: pd.DataFrame) -> np.ndarray:
    churn = predicted["churn_probability"].to_numpy()
    risk = outlook.set_index("customer_id")["churn_risk"].reindex(predicted["customer_id"])
    found: np.ndarray = (
        predicted["is_repeat_buyer"].to_numpy(dtype=bool)
        & (churn < _GONE)
        & ((churn >= _AT_RISK) | (risk == _HIGH).to_numpy())
    )
    return found


def explain(settings: Settings, company_id: str, customer_id: str) -> list[str]:
    """Says why the value of any customer is predicted as it is.

    Args:
        settings: Those of the installation.
        company_id: The company.
        customer_id: As in marts.dim_customers.

    Returns:
        Lines for people.

    Raises:
        ExplainError: The customer isn't known, hasn't paid for anything, or nothing can be told.
        CompaniesFileError: The company isn't in companies.yml, or that has a mistake.
        EmbeddedServerError, ConnectionFailedError: The warehouse can't be used.
    """
    import numpy as np

    from ml.explain.words import reasons
    from ml.models.preparation import Preparation
    from ml.registry.champion import load_champion
    from orchestration.environment import mlflow_tracking
    from orchestration.resources.customer_days import CustomerDays

    company = _company(settings, company_id)
    days = CustomerDays().read(company_id)
    predicted = read_predicted(company_id, days.as_of)
    if customer_id not in set(predicted["customer_id"]):
        raise ExplainError(
            f"Company {company_id} has no customer {customer_id} with a prediction of "
            f"{days.as_of}: look for the id in marts.dim_customers, or run clv run {company_id}."
        )
    basis = explained_basis(
        Preparation(days.daily),
        days.as_of,
        predicted,
        lambda: load_champion(mlflow_tracking(settings), company_id).candidate,
    )
    (place,) = np.nonzero(basis.customers["customer_id"].to_numpy() == customer_id)
    if not len(place):
        raise ExplainError(f"{customer_id} has not paid for anything yet: nothing is predicted.")
    if basis.explained is None:
        raise ExplainError(
            f"Company {company_id} has too few customers, or all are predicted alike: there is "
            "nothing to tell them apart by."
        )
    money = _money(company)
    own = basis.predicted.iloc[place[0]]
    told = reasons(
        basis.explained.contributions(place),
        basis.customers.iloc[place],
        basis.customers,
        money,
        basis.explained.is_surrogate,
    )
    through = (
        f"{own['model_name']}, through a surrogate"
        + ("" if basis.explained.fidelity is None else f" (R² {basis.explained.fidelity:.3f})")
        if basis.explained.is_surrogate
        else str(own["model_name"])
    )
    return [
        f"{customer_id}: {money(own['predicted_value'])} expected in {own['horizon_months']} "
        f"months, {own['churn_probability']:.0%} likely to order nothing.",
        *(f"{row.rank}. {row.reason}" for row in told.itertuples()),
        f"Explained: {through}.",
    ]


def _money(company: Company) -> Any:
    from ml.explain.words import Money

    return Money(company.base_currency, minor_units().get(company.base_currency, 2))


def _nothing() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame()


def _company(settings: Settings, company_id: str) -> Company:
    from warehouse.companies import CompaniesFileError

    companies = load_companies(settings.companies_file)
    if company_id not in companies:
        raise CompaniesFileError(
            f"{company_id} is not in {settings.companies_file}, which has: {', '.join(companies)}."
        )
    return companies[company_id]
