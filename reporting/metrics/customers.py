"""Customers in groups, in order of their value or risk, and one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from psycopg import sql

from reporting.metrics.scope import Row, Scope, ask, ask_if_there
from warehouse.connection import exists

if TYPE_CHECKING:
    from psycopg import Connection

#: Ways to group customers: title, column of reporting.customer_360.
SEGMENTATIONS: dict[str, tuple[str, LiteralString]] = {
    "business": ("Business segments", "business_segment"),
    "rfm": ("RFM segments", "rfm_segment"),
    "tier": ("Value tiers", "value_tier"),
    "stage": ("Stages", "customer_stage"),
    "status": ("Status", "status_segment"),
    "cluster": ("Clusters", "cluster_label"),
}

_SEGMENTS = """
    select
        coalesce({column}::text, 'none') as segment,
        count(*) as customers,
        count(*)::double precision / sum(count(*)) over () as share_of_customers,
        sum(value_to_date) as value_to_date,
        sum(predicted_value_12m) as predicted_value_12m,
        avg(value_to_date) as average_value_to_date,
        avg(predicted_value_12m) as average_predicted_value_12m,
        sum(value_to_date) / nullif(sum(orders), 0) as average_order_value,
        avg(churn_probability_12m) as churn_probability_12m,
        {strategy} as strategy
    from reporting.customer_360
    where company_id = %(company)s{only}
    group by 1
    order by predicted_value_12m desc nulls last, segment
"""

#: Bars of the distribution up to the 99th percentile.
BARS = 40

# total_clv may be negative where more was given back than paid; the first bar begins there.
_DISTRIBUTION = """
    with customers as (
        select total_clv::double precision as total_clv
        from reporting.clv_calculations
        where
            company_id = %(company)s
            and calculation_date = (
                select max(calculation_date) from reporting.clv_calculations
                where company_id = %(company)s
            ){only}
    ),

    summed as (
        select
            least(0, min(total_clv)) as lowest,
            percentile_cont(array[0.5, 0.99]) within group (order by total_clv) as points,
            avg(total_clv) as mean,
            max(total_clv) as highest,
            count(*) as customers
        from customers
    ),

    bounds as (
        select
            lowest,
            points[2] as p99,
            points[1] as median,
            mean,
            highest,
            customers,
            greatest((points[2] - lowest) / %(bars)s, 1e-9) as width
        from summed
    ),

    counted as (
        select
            least(floor((total_clv - lowest) / width)::integer + 1, %(bars)s) as bar,
            count(*) as in_bar
        from customers cross join bounds
        where total_clv <= p99
        group by 1
    )

    select
        bounds.*,
        bar,
        lowest + (bar - 1) * width as from_value,
        lowest + bar * width as to_value,
        coalesce(in_bar, 0) as in_bar,
        customers - sum(coalesce(in_bar, 0)) over () as clipped
    from bounds
    cross join generate_series(1, %(bars)s) as bar
    left join counted using (bar)
    order by bar
"""

_AT_RISK = """
    select {columns}
    from reporting.at_risk_customers
    where company_id = %(company)s{only}
    order by risk_rank, customer_id
    limit %(most)s
"""

_AT_RISK_COLUMNS: tuple[LiteralString, ...] = (
    "risk_rank",
    "customer_id",
    "value_at_risk",
    "value_to_date",
    "predicted_value_12m",
    "churn_probability_12m",
    "churn_risk",
    "last_order_date",
    "expected_next_order_date",
    "days_overdue",
    "best_intervention_date",
    "business_segment",
    "next_best_action",
    "reason_1",
)

_AT_RISK_TOTAL = """
    select count(*) as customers, sum(value_at_risk) as value_at_risk
    from reporting.at_risk_customers
    where company_id = %(company)s{only}
"""

_ACTIONS = """
    select
        coalesce(next_best_action, 'none') as next_best_action,
        count(*) as customers,
        sum(value_at_risk) as value_at_risk
    from reporting.at_risk_customers
    where company_id = %(company)s{only}
    group by 1
    order by value_at_risk desc nulls last, 1
"""

#: What a list of customers can be put in order of.
ORDERS: dict[str, LiteralString] = {
    "predicted": "predicted_value_12m desc nulls last",
    "value": "value_to_date desc",
    "recent": "last_order_date desc nulls last",
    "churn": "churn_probability_12m desc nulls last",
}

_LIST = """
    select
        customer_id,
        acquisition_channel,
        country,
        first_order_date,
        last_order_date,
        orders,
        value_to_date,
        predicted_value_12m,
        predicted_value_12m_lower,
        predicted_value_12m_upper,
        churn_probability_12m,
        value_tier,
        rfm_segment,
        business_segment
    from reporting.customer_360
    where company_id = %(company)s{only}{found}
    order by {order}, customer_id
    limit %(most)s offset %(skip)s
"""

_FOUND = " and starts_with(lower(customer_id), lower(%(search)s))"


def segments(connection: Connection[Any], scope: Scope, segmentation: str) -> list[Row]:
    """Returns the segments of one way to group customers, the most valuable first.

    Args:
        connection: As in `ask`.
        scope: Its period doesn't count.
        segmentation: One of `SEGMENTATIONS`.

    Returns:
        segment, customers, share_of_customers, sums and means of value_to_date and
        predicted_value_12m, average_order_value, churn_probability_12m, strategy (of business
        segments, else None). Nothing where the column isn't there yet.
    """
    column = SEGMENTATIONS[segmentation][1]
    if column not in columns_of(connection, "reporting.customer_360"):
        return []
    strategy: LiteralString = "max(strategy)" if segmentation == "business" else "null::text"
    found = ask(
        connection,
        scope,
        sql.SQL(_SEGMENTS).format(
            column=sql.Identifier(column),
            strategy=sql.SQL(strategy),
            only=scope.only("customer_360.customer_id"),
        ),
    )
    return [] if [row["segment"] for row in found] == ["none"] else found


def columns_of(connection: Connection[Any], table: LiteralString) -> set[str]:
    """Returns the columns that a table has in this version of the warehouse."""
    return {
        name
        for (name,) in connection.execute(
            "select attname from pg_attribute"
            " where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped",
            (table,),
        )
    }


def distribution(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns how lifetime value (net revenue to date and predicted) spreads over customers.

    Returns:
        `BARS` rows of equal width from the lowest value, or 0, to the 99th percentile: from_value,
        to_value, in_bar; each with customers, mean, median, p99, highest and clipped (customers
        above the 99th percentile, who are in no bar). None without customers.
    """
    rows = ask(
        connection,
        scope,
        sql.SQL(_DISTRIBUTION).format(only=scope.only("clv_calculations.customer_id")),
        bars=BARS,
    )
    return rows if rows and rows[0]["customers"] else []


def at_risk(connection: Connection[Any], scope: Scope, most: int | None = None) -> list[Row]:
    """Returns the customers whose value is most at risk first; none until calculated."""
    there = columns_of(connection, "reporting.at_risk_customers")
    columns = [name for name in _AT_RISK_COLUMNS if name in there]
    if not columns:
        return []
    return ask(
        connection,
        scope,
        sql.SQL(_AT_RISK).format(
            columns=sql.SQL(", ").join(sql.Identifier(name) for name in columns),
            only=scope.only("at_risk_customers.customer_id"),
        ),
        most=most,
    )


def at_risk_total(connection: Connection[Any], scope: Scope) -> Row | None:
    """Returns how many are at risk and with what value; None until calculated."""
    if not exists(connection, sql.Identifier("reporting", "at_risk_customers")):
        return None
    only = scope.only("at_risk_customers.customer_id")
    (row,) = ask(connection, scope, sql.SQL(_AT_RISK_TOTAL).format(only=only))
    return row


def next_best_actions(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns for how many of those at risk each action is the next best."""
    return ask_if_there(
        connection,
        scope,
        "reporting.at_risk_customers",
        sql.SQL(_ACTIONS).format(only=scope.only("at_risk_customers.customer_id")),
    )


def customer_list(
    connection: Connection[Any],
    scope: Scope,
    order: str = "predicted",
    search: str = "",
    most: int | None = None,
    skip: int = 0,
) -> list[Row]:
    """Returns customers in order.

    Args:
        connection: As in `ask`.
        scope: Its period doesn't count.
        order: One of `ORDERS`.
        search: Beginning of the id; empty means all.
        most: How many; None is all.
        skip: How many of the first are left out.
    """
    return ask(
        connection,
        scope,
        sql.SQL(_LIST).format(
            only=scope.only("customer_360.customer_id"),
            found=sql.SQL(_FOUND if search else ""),
            order=sql.SQL(ORDERS[order]),
        ),
        search=search,
        most=most,
        skip=skip,
    )


def customer_count(connection: Connection[Any], scope: Scope, search: str = "") -> int:
    """Returns how many customers the list has."""
    query = (
        "select count(*) as customers from reporting.customer_360 where company_id = %(company)s"
    )
    (row,) = ask(
        connection,
        scope,
        sql.SQL(query) + scope.only("customer_360.customer_id") + sql.SQL(_FOUND if search else ""),
        search=search,
    )
    return int(row["customers"])


def customer(connection: Connection[Any], scope: Scope, customer_id: str) -> Row | None:
    """Returns all that reporting.customer_360 holds of a customer; None if there is none."""
    found = ask(
        connection,
        scope,
        "select * from reporting.customer_360"
        " where company_id = %(company)s and customer_id = %(customer)s",
        customer=customer_id,
    )
    return found[0] if found else None


def personal_data(connection: Connection[Any], scope: Scope, customer_id: str) -> Row | None:
    """Returns names and addresses of a customer; None for readers who may not see them."""
    found = ask(
        connection,
        scope,
        "select email, first_name, last_name, phone from marts.customer_pii"
        " where company_id = %(company)s and customer_id = %(customer)s",
        customer=customer_id,
    )
    return found[0] if found else None


def customer_orders(connection: Connection[Any], scope: Scope, customer_id: str) -> list[Row]:
    """Returns the orders of a customer, the newest first, those that don't count included."""
    return ask(
        connection,
        scope,
        """
        select
            order_id, order_date, ordered_at, source, channel, status, gross_revenue_base,
            discount_base, refunded_base, net_revenue_base, contribution_margin_base
        from marts.fct_orders
        where company_id = %(company)s and customer_id = %(customer)s
        order by order_date desc, ordered_at desc, order_id
        """,
        customer=customer_id,
    )


def customer_predictions(connection: Connection[Any], scope: Scope, customer_id: str) -> list[Row]:
    """Returns the latest prediction of a customer at each horizon."""
    return ask(
        connection,
        scope,
        """
        select
            horizon_months, expected_orders, predicted_value, predicted_net, predicted_margin,
            predicted_discounted, lower, upper, p_active, churn_probability, confidence,
            eligibility, model_name, model_version, calculation_date
        from ml.clv_predictions
        where
            company_id = %(company)s
            and customer_id = %(customer)s
            and calculation_date = (
                select max(calculation_date) from ml.clv_predictions
                where company_id = %(company)s and customer_id = %(customer)s
            )
        order by horizon_months
        """,
        customer=customer_id,
    )


def customer_reasons(connection: Connection[Any], scope: Scope, customer_id: str) -> list[Row]:
    """Returns the reasons behind a customer's prediction; none until explained."""
    return ask_if_there(
        connection,
        scope,
        "ml.customer_reasons",
        """
        select rank, feature, contribution, reason, is_surrogate
        from ml.customer_reasons
        where
            company_id = %(company)s
            and customer_id = %(customer)s
            and calculation_date = (
                select max(calculation_date) from ml.customer_reasons
                where company_id = %(company)s and customer_id = %(customer)s
            )
        order by rank
        """,
        customer=customer_id,
    )
