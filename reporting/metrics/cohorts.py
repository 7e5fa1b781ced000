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
        and dimension = 'all'
        and cohort_month in (
            select cohort_month from marts.cohort_retention
            where company_id = %(company)s and dimension = 'all'
            group by cohort_month
            order by cohort_month desc
            limit %(most)s
        )
    order by cohort_month, months_since
"""

# What marts.cohort_retention says of all, said of some: any choice of customers has its cohorts.
_CHOSEN_COHORTS = """
    with customers as (
        select
            chosen.customer_id,
            date_trunc('month', chosen.first_order_date)::date as cohort_month
        from marts.dim_customers as chosen
        where
            chosen.company_id = %(company)s
            and chosen.first_order_date is not null{chosen}
    ),

    cohorts as (
        select cohort_month, count(*)::integer as cohort_size
        from customers
        group by cohort_month
        order by cohort_month desc
        limit %(most)s
    ),

    customer_months as (
        select
            customers.cohort_month,
            orders.customer_id,
            date_trunc('month', orders.order_date)::date as month,
            bool_or(orders.status = 'completed') as is_active,
            sum(orders.net_revenue_base) as revenue,
            sum(orders.contribution_margin_base) as margin
        from marts.fct_orders as orders
        inner join customers using (customer_id)
        inner join cohorts using (cohort_month)
        where orders.company_id = %(company)s
        group by 1, 2, 3
    ),

    months as (
        select
            cohort_month,
            month,
            count(*) filter (where is_active) as active_customers,
            sum(revenue) as revenue,
            sum(margin) as margin
        from customer_months
        group by cohort_month, month
    ),

    cells as (
        select
            cohorts.cohort_month,
            cohorts.cohort_size,
            calendar.month::date as month,
            (calendar.month + interval '1 month - 1 day')::date > company.as_of_date
                as is_right_censored
        from cohorts
        cross join (
            select as_of_date from marts.dim_companies where company_id = %(company)s
        ) as company
        cross join lateral generate_series(
            cohorts.cohort_month::timestamp, company.as_of_date::timestamp, interval '1 month'
        ) as calendar (month)
    ),

    cumulated as (
        select
            *,
            sum(coalesce(revenue, 0)) over so_far / cohort_size as revenue_per_customer,
            sum(coalesce(margin, 0)) over so_far / cohort_size as margin_per_customer
        from cells
        left join months using (cohort_month, month)
        window so_far as (partition by cohort_month order by month)
    )

    select
        cohort_month,
        (
            12 * (extract(year from month) - extract(year from cohort_month))
            + extract(month from month) - extract(month from cohort_month)
        )::integer as months_since,
        cohort_size,
        is_right_censored,
        case
            when not is_right_censored
                then coalesce(active_customers, 0) / cohort_size::double precision
        end as retention,
        case when not is_right_censored then round(revenue_per_customer, 4) end
            as cumulative_revenue_per_customer,
        case when not is_right_censored then round(margin_per_customer, 4) end
            as cumulative_margin_per_customer
    from cumulated
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
            -- How many of the times have passed since, and which is the first to hold the return.
            width_bucket(company.as_of_date - chosen.first_order_date, %(days)s::integer[])
                as passed,
            width_bucket(second.order_date - chosen.first_order_date - 1, %(days)s::integer[]) + 1
                as within,
            count(*) as customers
        from marts.dim_customers as chosen
        cross join (
            select as_of_date from marts.dim_companies where company_id = %(company)s
        ) as company
        left join marts.fct_orders as second
            on
                second.company_id = %(company)s
                and second.customer_id = chosen.customer_id
                and second.customer_order_number = 2
        where
            chosen.company_id = %(company)s
            and chosen.first_order_date is not null{chosen}
        group by 1, 2
    )

    select
        days,
        coalesce(sum(customers) filter (where passed >= place), 0)::bigint as customers,
        coalesce(sum(customers) filter (where passed >= place and within <= place), 0)::bigint
            as returned
    from unnest(%(days)s::integer[]) with ordinality as times (days, place)
    cross join customers
    group by days
    order by days
"""


def cohorts(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns the latest cohorts of the scope's customers, a row for each month of their life.

    Args:
        connection: As in `ask`.
        scope: Its period doesn't count.

    Returns:
        cohort_month, months_since, cohort_size, is_right_censored (the month isn't over),
        retention, cumulative net revenue and margin per customer.
    """
    if not scope.is_filtered:
        return ask(connection, scope, _COHORTS, most=COHORTS_SHOWN)
    query = sql.SQL(_CHOSEN_COHORTS).format(chosen=scope.chosen)
    return ask(connection, scope, query, most=COHORTS_SHOWN)


def predicted_cohorts(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns what cohorts of all are expected to have brought later; none until predicted."""
    return ask_if_there(connection, scope, "reporting.cohort_ltv", _PREDICTED)


def repeat_rates(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns how many ordered a second time within so many days of the first.

    Returns:
        days, customers (whose first order is so long ago), returned (those of them).
    """
    return ask(
        connection,
        scope,
        sql.SQL(_REPEAT).format(chosen=scope.chosen),
        days=list(REPEAT_DAYS),
    )
