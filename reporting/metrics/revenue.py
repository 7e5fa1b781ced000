"""What was sold: by period, by month, and what is forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from reporting.metrics.scope import Row, Scope, ask, ask_if_there

if TYPE_CHECKING:
    from psycopg import Connection

# Refunds count on their order's day, as everywhere in fct_orders; one of an unknown purchase on its
# own.
_PERIOD = """
    with customers as (
        select
            customer_id,
            sum(net_revenue_base) as net_revenue,
            count(*) filter (where status = 'completed') as orders,
            count(*) filter (where customer_order_number = 1) as new_customers,
            sum(net_revenue_base) filter (where customer_order_number > 1) as returning_revenue
        from marts.fct_orders
        where
            company_id = %(company)s
            and status in ('completed', 'refund')
            and order_date between %(start)s and %(end)s{only}
        group by customer_id
    )

    select
        coalesce(sum(net_revenue), 0) as net_revenue,
        coalesce(sum(orders), 0)::bigint as orders,
        count(customer_id) filter (where orders > 0) as buyers,
        coalesce(sum(new_customers), 0)::bigint as new_customers,
        coalesce(sum(returning_revenue), 0) as returning_revenue,
        sum(net_revenue) / nullif(sum(orders), 0) as average_order_value
    from customers
"""

_MONTHLY = """
    select
        date_trunc('month', order_date)::date as month,
        coalesce(sum(net_revenue_base) filter (where customer_order_number = 1), 0) as new_revenue,
        coalesce(sum(net_revenue_base) filter (where customer_order_number > 1), 0)
            as returning_revenue,
        coalesce(sum(net_revenue_base) filter (where customer_order_number is null), 0)
            as unattributed_revenue,
        count(*) filter (where customer_order_number = 1) as new_orders,
        count(*) filter (where customer_order_number > 1) as returning_orders
    from marts.fct_orders
    where
        company_id = %(company)s
        and status in ('completed', 'refund')
        and (%(start)s::date is null or order_date >= %(start)s)
        and (%(end)s::date is null or order_date <= %(end)s){only}
    group by 1
    order by 1
"""

#: Lines of what moved most.
MOVERS_SHOWN = 10

_MOVERS = """
    with sums as (
        select
            coalesce(orders.channel, 'unknown') as channel,
            coalesce(customers.country, 'unknown') as country,
            orders.order_date >= %(start)s as is_now,
            sum(orders.net_revenue_base) as revenue
        from marts.fct_orders as orders
        left join marts.dim_customers as customers
            on
                customers.company_id = orders.company_id
                and customers.customer_id = orders.customer_id
        where
            orders.company_id = %(company)s
            and orders.status in ('completed', 'refund')
            and orders.order_date between %(before_start)s and %(end)s{only}
        group by 1, 2, 3
    ),

    compared as (
        select
            case when grouping(channel) = 0 then 'channel' else 'country' end as dimension,
            coalesce(channel, country) as name,
            coalesce(sum(revenue) filter (where is_now), 0) as now,
            coalesce(sum(revenue) filter (where not is_now), 0) as then
        from sums
        group by grouping sets ((channel), (country))
    )

    select
        dimension, name, now, compared.then, now - compared.then as difference
    from compared
    where now <> compared.then
    order by abs(now - compared.then) desc, dimension, name
    limit %(most)s
"""

_FORECAST = """
    select month, currency, actual, forecast, lower, upper, seasonal_naive, is_complete
    from reporting.revenue_forecast
    where company_id = %(company)s and cohort = 'all'
    order by month
"""

_FORECAST_SCORES = """
    select model, horizon_months, mae, mape, coverage, windows
    from ml.forecast_scores
    where
        company_id = %(company)s
        and calculation_date = (
            select max(calculation_date) from ml.forecast_scores where company_id = %(company)s
        )
    order by horizon_months, model
"""


def period(connection: Connection[Any], scope: Scope) -> Row:
    """Returns the sales of the scope's period.

    Returns:
        net_revenue, orders, buyers, new_customers, returning_revenue (of second and later orders),
        average_order_value (None without an order).
    """
    (row,) = ask(
        connection, scope, sql.SQL(_PERIOD).format(only=scope.only("fct_orders.customer_id"))
    )
    return row


def monthly(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns net revenue by month: of first orders, of later ones, and of nobody in particular."""
    return ask(
        connection, scope, sql.SQL(_MONTHLY).format(only=scope.only("fct_orders.customer_id"))
    )


def movers(connection: Connection[Any], scope: Scope, before: Scope) -> list[Row]:
    """Returns where net revenue moved most between two periods that follow each other.

    Returns:
        dimension (channel of the order, or country of the customer), name, now, then, difference;
        none where the earlier period has no day.
    """
    if before.start == scope.start:
        return []
    query = sql.SQL(_MOVERS).format(only=scope.only("orders.customer_id"))
    return ask(connection, scope, query, before_start=before.start, most=MOVERS_SHOWN)


def forecast(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns actual and forecast revenue by month; none before the first forecast."""
    return ask_if_there(connection, scope, "reporting.revenue_forecast", _FORECAST)


def forecast_scores(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns how well past forecasts did, beside last year's month."""
    return ask_if_there(connection, scope, "ml.forecast_scores", _FORECAST_SCORES)
