"""Customers by the month of their first order: what they brought and who came back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from reporting.metrics.scope import Row, Scope, ask, ask_if_there

if TYPE_CHECKING:
    from psycopg import Connection

#: More cohorts than these can't be told apart on a page.
COHORTS_SHOWN = 24

_COHORTS = """
    select
        cohort_month,
        months_since,
        cohort_size,
        is_right_censored,
        retention,
        cumulative_revenue_per_customer,
        cumulative_margin_per_customer
    from marts.cohort_retention
    where
        company_id = %(company)s
        and dimension = %(dimension)s
        and dimension_value = %(value)s
        and cohort_month in (
            select cohort_month from marts.cohort_retention
            where
                company_id = %(company)s
                and dimension = %(dimension)s
                and dimension_value = %(value)s
            group by cohort_month
            order by cohort_month desc
            limit %(most)s
        )
    order by cohort_month, months_since
"""

_PREDICTED = """
    select cohort_month, months_since, net_revenue_per_customer, margin_per_customer, lower, upper
    from reporting.cohort_ltv
    where company_id = %(company)s and not is_observed
    order by cohort_month, months_since
"""

#: Days within which a second order is looked for.
REPEAT_DAYS = (30, 60, 90, 180, 365)

# Whoever came too lately to have had the time doesn't count, or young shops would look disloyal.
_REPEAT = """
    with customers as (
        select
            customer_id,
            min(order_date) filter (where customer_order_number = 1) as first_day,
            min(order_date) filter (where customer_order_number = 2) as second_day
        from marts.fct_orders
        where
            company_id = %(company)s
            and customer_order_number in (1, 2){only}
        group by customer_id
    )

    select
        days,
        count(*) filter (where first_day + days <= as_of_date) as customers,
        count(*) filter (where first_day + days <= as_of_date and second_day <= first_day + days)
            as returned
    from customers
    cross join unnest(%(days)s::integer[]) as days
    cross join (
        select as_of_date from marts.dim_companies where company_id = %(company)s
    ) as company
    group by days
    order by days
"""


def cohorts(
    connection: Connection[Any], scope: Scope, dimension: str = "all", value: str = "all"
) -> list[Row]:
    """Returns the latest cohorts of a company, a row for each month of their life.

    Args:
        connection: As in `ask`.
        scope: Only its company counts: cohorts are cut by one dimension at a time.
        dimension: What marts.cohort_retention is cut by.
        value: Which part of it.

    Returns:
        cohort_month, months_since, cohort_size, is_right_censored (the month isn't over),
        retention, cumulative net revenue and margin per customer.
    """
    return ask(connection, scope, _COHORTS, dimension=dimension, value=value, most=COHORTS_SHOWN)


def predicted_cohorts(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns what cohorts are expected to have brought by later months; none until predicted."""
    return ask_if_there(connection, scope, "reporting.cohort_ltv", _PREDICTED)


def repeat_rates(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns how many ordered a second time within so many days of the first.

    Returns:
        days, customers (whose first order is so long ago), returned (those of them).
    """
    return ask(
        connection,
        scope,
        sql.SQL(_REPEAT).format(only=scope.only("fct_orders.customer_id")),
        days=list(REPEAT_DAYS),
    )
