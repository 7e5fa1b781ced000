"""The few numbers that say what a company's customers are worth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from psycopg.rows import class_row, dict_row

from warehouse.connection import connect

TOP_SHARE = 0.1

_VALUE = """
    with ranked as (
        select
            predicted_value,
            row_number() over (order by predicted_value desc, customer_id) as position,
            count(*) over () as customers
        from ml.clv_predictions
        where
            company_id = %(company)s
            and horizon_months = 12
            and calculation_date = (
                select max(calculation_date) from ml.clv_predictions where company_id = %(company)s
            )
    )
    select
        (select name from marts.dim_companies where company_id = %(company)s) as company,
        (select base_currency from marts.dim_companies where company_id = %(company)s) as currency,
        (select as_of_date from marts.dim_companies where company_id = %(company)s) as as_of_date,
        (select count(*) from marts.dim_customers where company_id = %(company)s) as customers,
        (
            select count(*) from marts.fct_orders
            where company_id = %(company)s and status = 'completed'
        ) as orders,
        (
            select coalesce(sum(net_revenue_base), 0) from marts.fct_orders
            where company_id = %(company)s and status = 'completed'
        ) as revenue,
        (
            select count(*) from quarantine.rejected_rows where company_id = %(company)s
        ) as quarantined,
        coalesce(sum(predicted_value), 0) as predicted_value,
        coalesce(
            sum(predicted_value) filter (where position <= ceil(customers * %(top)s::numeric)), 0
        ) as top_value
    from ranked
"""

_SCORES = """
    select model, is_champion, horizon, cutoff, mae, spearman, normalised_gini, decile_mape
    from ml.clv_model_scores
    where
        company_id = %(company)s
        and segment = 'all'
        and (is_champion or model = 'naive')
        -- The half year, or what is nearest to it, at its latest cutoff.
        and (horizon_days, cutoff) = (
            select horizon_days, cutoff from ml.clv_model_scores
            where company_id = %(company)s and segment = 'all'
            order by abs(horizon_days - 183), horizon_days, cutoff desc
            limit 1
        )
    order by is_champion desc
"""


@dataclass(frozen=True)
class Value:
    """What the customers are worth; money in `currency`.

    Attributes:
        company: Name of the company.
        currency: Its base currency.
        as_of_date: Last day that the data cover.
        customers: Customers with an order.
        orders: Their orders.
        revenue: Net revenue to date.
        quarantined: Rows of the sources that couldn't be read.
        predicted_value: Gross revenue predicted for the 12 months after as_of_date.
        top_value: Part of it that the best tenth of the customers brings.
    """

    company: str
    currency: str
    as_of_date: date
    customers: int
    orders: int
    revenue: Decimal
    quarantined: int
    predicted_value: Decimal
    top_value: Decimal

    @property
    def top_share(self) -> float:
        """Share of the predicted value in the best tenth of the customers, 0 to 1."""
        return float(self.top_value / self.predicted_value) if self.predicted_value else 0.0


@dataclass(frozen=True)
class Score:
    """How well one model predicted the spend that was held back.

    Attributes:
        model: Name of the model.
        is_champion: Whether it makes the predictions.
        horizon: Length of the holdout, such as "26w".
        cutoff: Last day the model was shown.
        mae: Mean absolute error a customer, in the company's currency.
        spearman: Rank correlation with what was spent.
        normalised_gini: 1 would be the perfect order of customers.
        decile_mape: Mean error of the ten deciles' means, as a share.
    """

    model: str
    is_champion: bool
    horizon: str
    cutoff: date
    mae: float
    spearman: float
    normalised_gini: float
    decile_mape: float


@dataclass(frozen=True)
class Summary:
    """The value of a company's customers and the accuracy behind it.

    Attributes:
        value: What they are worth.
        champion: Score of the model that predicts; None where too few customers forbid a contest.
        naive: Score of the baseline, likewise.
    """

    value: Value
    champion: Score | None
    naive: Score | None


def summarise(company_id: str) -> Summary:
    """Reads the summary of a company.

    Args:
        company_id: Its id in companies.yml.

    Returns:
        The summary.

    Raises:
        LookupError: The company has no predictions yet.
    """
    parameters = {"company": company_id, "top": TOP_SHARE}
    with connect() as connection:
        value = (
            connection.cursor(row_factory=class_row(Value)).execute(_VALUE, parameters).fetchone()
        )
        scores = [
            Score(**row)
            for row in connection.cursor(row_factory=dict_row).execute(_SCORES, parameters)
        ]
    champion = next((score for score in scores if score.is_champion), None)
    naive = next((score for score in scores if score.model == "naive"), None)
    if value is None:
        raise LookupError(f"Company {company_id} has no predictions yet.")
    return Summary(value, champion, naive)
