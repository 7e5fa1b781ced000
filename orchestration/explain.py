"""What the predictions of a company rest on: from its rows to the tables, and `clv explain`.

Belongs here: reading, writing, words of the command. Does not belong here: what is computed
(`ml/explain`, `ml/segments`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from warehouse.bulk import read_frame, replace_frame
from warehouse.companies import Company, load_companies
from warehouse.connection import connect
from warehouse.currencies import minor_units

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from ml.explain.contributions import Explained
    from ml.registry.tracking import Tracking
    from orchestration.resources.customer_days import CompanyDays
    from warehouse.settings import Settings

#: The horizon of customer_360, whose value is explained; a company without it has its longest one.
MONTHS = 12

# Who is at risk is the macro is_at_risk of customer_360; a dbt test compares.
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
    ),

    outlook as materialized (
        select customer_id, churn_risk
        from ml.customer_outlook
        where company_id = $1 and calculation_date = $2::date
    )

    select
        predictions.customer_id,
        predictions.predicted_value::double precision as predicted_value,
        predictions.churn_probability,
        predictions.model_name,
        predictions.horizon_months::bigint as horizon_months,
        features.customer_stage,
        (
            features.is_repeat_buyer = 1
            and predictions.churn_probability < 0.95
            and (predictions.churn_probability >= 0.5 or outlook.churn_risk = 'high')
        ) is true as is_at_risk,
        predictions.value_percentile
    from predictions
    -- Full joins are hashed or merged, whatever the planner expects: never row by row.
    full join features on predictions.customer_id = features.customer_id
    full join outlook on predictions.customer_id = outlook.customer_id
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


@dataclass(frozen=True)
class _Basis:
    """Customers with a paid order, and what is predicted of them, row by row the same."""

    customers: pd.DataFrame
    predicted: pd.DataFrame
    explained: Explained | None


def read_predicted(company_id: str, as_of: date) -> pd.DataFrame:
    """Returns what is predicted of each customer of a company, sorted by customer."""
    rows = read_frame(_PREDICTED, [company_id, as_of.isoformat(), MONTHS])
    predicted = rows[rows["customer_id"].notna()].reset_index(drop=True)
    return predicted.astype({"horizon_months": "int64"})


def reason_tables(
    company: Company, days: CompanyDays, predicted: pd.DataFrame, tracking: Tracking
) -> dict[str, pd.DataFrame]:
    """Explains the predictions of a company, and finds who is alike.

    Args:
        company: Whose they are.
        days: Its customer-days.
        predicted: See `read_predicted`.
        tracking: Where the champion is, for one that has trees of its own.

    Returns:
        The rows of each table of schema ml, by its name.
    """
    import numpy as np

    from ml.explain.contributions import as_of_rows, importances, interactions
    from ml.explain.words import reasons
    from ml.segments.clusters import cluster_customers
    from ml.segments.migration import migrations

    basis = _basis(days, predicted, tracking, company.id)
    tables = {
        "segment_migrations": as_of_rows(
            migrations(read_frame(_SEGMENTS, [company.id])), company.id, days.as_of
        )
    }
    clusters = cluster_customers(
        basis.customers,
        basis.predicted["predicted_value"].to_numpy(),
        basis.predicted["churn_probability"].to_numpy(),
        company.base_currency,
    )
    tables["customer_clusters"] = as_of_rows(clusters.members, company.id, days.as_of)
    tables["cluster_profiles"] = as_of_rows(clusters.profiles, company.id, days.as_of).assign(
        currency=company.base_currency
    )
    if basis.explained is None:
        return tables | {
            name: _nothing(company.id)
            for name in ("feature_importances", "feature_interactions", "customer_reasons")
        }
    sample = basis.explained.sample()
    told = np.flatnonzero(
        (basis.predicted["value_percentile"] >= TOP_PERCENTILE) | basis.predicted["is_at_risk"]
    )
    for name, frame in {
        "feature_importances": importances(
            basis.explained.contributions(sample),
            basis.predicted["customer_stage"].to_numpy()[sample].tolist(),
            basis.explained,
        ),
        "feature_interactions": interactions(basis.explained),
        "customer_reasons": reasons(
            basis.explained.contributions(told),
            basis.customers.iloc[told],
            basis.customers,
            _money(company),
            basis.explained.is_surrogate,
        ),
    }.items():
        tables[name] = as_of_rows(frame, company.id, days.as_of)
    return tables


def replace_tables(company_id: str, tables: Mapping[str, pd.DataFrame]) -> None:
    """Puts a company's rows in place of its earlier ones, all tables or none."""
    with connect() as connection, connection.transaction():
        for name, frame in tables.items():
            replace_frame(connection, f"ml.{name}", {"company_id": company_id}, frame)
        # Without statistics the joins of reporting are planned as if the tables were empty.
        connection.execute("analyze ml.customer_reasons, ml.customer_clusters")


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
    basis = _basis(days, predicted, mlflow_tracking(settings), company_id)
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


def _basis(
    days: CompanyDays, predicted: pd.DataFrame, tracking: Tracking, company_id: str
) -> _Basis:
    from ml.explain.contributions import explain as explained_by
    from ml.features.btyd import customer_features

    customers = customer_features(days.daily, days.as_of)
    rows = predicted.set_index("customer_id").loc[customers["customer_id"]].reset_index()
    if rows.empty:
        return _Basis(customers, rows, None)
    name = str(rows["model_name"].iloc[0])
    months = int(rows["horizon_months"].iloc[0])
    model = _model(tracking, company_id, months) if name.startswith("lightgbm_") else None
    values: np.ndarray = rows["predicted_value"].to_numpy()
    return _Basis(customers, rows, explained_by(model, customers, values, name))


def _model(tracking: Tracking, company_id: str, months: int) -> Any:
    """Returns the champion at a horizon: what has trees of its own is explained by these."""
    from ml.horizons import horizon_days, in_weeks
    from ml.models.by_horizon import ByHorizon
    from ml.registry.champion import load_champion

    candidate = load_champion(tracking, company_id).candidate
    if isinstance(candidate, ByHorizon):
        return candidate.champion_at(in_weeks(horizon_days(months)))
    return candidate


def _money(company: Company) -> Any:
    from ml.explain.words import Money

    return Money(company.base_currency, minor_units().get(company.base_currency, 2))


def _nothing(company_id: str) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"company_id": pd.Series([], dtype=str)})


def _company(settings: Settings, company_id: str) -> Company:
    from warehouse.companies import CompaniesFileError

    companies = load_companies(settings.companies_file)
    if company_id not in companies:
        raise CompaniesFileError(
            f"{company_id} is not in {settings.companies_file}, which has: {', '.join(companies)}."
        )
    return companies[company_id]
