"""What customers are worth in a handful of numbers, and how these moved."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from psycopg import sql

from reporting.metrics.scope import Row, Scope, ask

if TYPE_CHECKING:
    from psycopg import Connection

_NOW = """
    select
        count(*) as customers,
        avg(value_to_date) as mean_value_to_date,
        percentile_cont(0.5) within group (order by value_to_date::float8)
            as median_value_to_date,
        sum(value_to_date) as value_to_date,
        avg(predicted_value_12m) as mean_predicted_12m,
        percentile_cont(0.5) within group (order by predicted_value_12m::float8)
            as median_predicted_12m,
        sum(predicted_value_12m) as predicted_12m,
        avg(churn_probability_12m) as churn_probability_12m,
        max(calculation_date) as calculation_date
    from reporting.customer_360
    where company_id = %(company)s{only}
"""

# Snapshots stand at month ends, so this is the last one that was over before the period.
_THEN = """
    select
        max(as_of_date) as as_of_date,
        count(*) as customers,
        avg(net_revenue_sum) as mean_value_to_date,
        percentile_cont(0.5) within group (order by net_revenue_sum::float8)
            as median_value_to_date,
        sum(net_revenue_sum) as value_to_date
    from marts.customer_features
    where
        company_id = %(company)s
        and as_of_date = (
            select max(as_of_date) from marts.customer_features
            where company_id = %(company)s and as_of_date <= %(before)s
        ){only}
"""

_PREDICTED_THEN = """
    select
        max(calculation_date) as calculation_date,
        avg(predicted_value) as mean_predicted_12m,
        percentile_cont(0.5) within group (order by predicted_value::float8)
            as median_predicted_12m,
        sum(predicted_value) as predicted_12m,
        avg(churn_probability) as churn_probability_12m
    from ml.clv_predictions
    where
        company_id = %(company)s
        and horizon_months = 12
        and calculation_date = (
            select max(calculation_date) from ml.clv_predictions
            where company_id = %(company)s and calculation_date <= %(before)s
        ){only}
"""


def last_month_end(day: date) -> date:
    """Returns the last day of the month before a day's."""
    return day.replace(day=1) - timedelta(days=1)


def headline(connection: Connection[Any], scope: Scope, before: date) -> tuple[Row, Row, Row]:
    """Returns the value of customers today, and what is comparable with it of an earlier day.

    Args:
        connection: As in `ask`.
        scope: Its period doesn't count.
        before: What is compared stands at the last month end up to this day, predictions at the
            last calculation up to it.

    Returns:
        Today: customers, and mean, median and sum of value_to_date (net revenue) and of
        predicted_12m (gross revenue), churn_probability_12m, calculation_date. Then: the same of
        value_to_date, with as_of_date. Predicted then: the same of predicted_12m, with
        calculation_date. What is not known is None.
    """
    only = scope.only("customer_id")
    (now,) = ask(connection, scope, sql.SQL(_NOW).format(only=only))
    (then,) = ask(connection, scope, sql.SQL(_THEN).format(only=only), before=before)
    (predicted,) = ask(connection, scope, sql.SQL(_PREDICTED_THEN).format(only=only), before=before)
    return now, then, predicted
