"""What winning customers cost and what they bring, by where they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from reporting.metrics.scope import Row, Scope, ask, ask_if_there

if TYPE_CHECKING:
    from psycopg import Connection

# A month with spend and without customers counts: its money is gone all the same.
_CHANNELS = """
    select
        channel,
        sum(new_customers) as new_customers,
        sum(spend_base) as spend,
        sum(new_customers) filter (where spend_base is not null) as customers_with_spend,
        sum(margin_base) filter (where spend_base is not null) as margin,
        sum(spend_base) / nullif(
            sum(new_customers) filter (where spend_base is not null), 0
        ) as cac,
        sum(margin_base) filter (where spend_base is not null) / nullif(
            sum(new_customers) filter (where spend_base is not null), 0
        ) as ltv,
        sum(margin_base) filter (where spend_base is not null)
        / nullif(sum(spend_base), 0) as ltv_to_cac,
        count(*) filter (where spend_base > 0 and new_customers > 0) as months,
        count(payback_months) filter (where spend_base > 0 and new_customers > 0)
            as months_paid_back,
        percentile_disc(0.5) within group (order by payback_months) as median_payback_months
    from marts.channel_performance
    where
        company_id = %(company)s
        and (%(start)s::date is null or month >= date_trunc('month', %(start)s::date))
        and (%(end)s::date is null or month <= %(end)s)
    group by channel
    order by sum(new_customers) desc, channel
"""

_TARGETS = """
    select
        channel, new_customers, cac, ltv, ltv_to_cac, payback_months, target_payback_months,
        allowable_cac
    from reporting.channel_targets
    where company_id = %(company)s
    order by new_customers desc, channel
"""

_BY_CHANNEL = """
    select
        coalesce(acquisition_channel, 'unknown') as name,
        count(*) as customers,
        avg(value_to_date) as value_to_date,
        avg(predicted_net_12m) as predicted_net_12m,
        avg(value_to_date + predicted_net_12m) as ltv
    from reporting.customer_360
    where company_id = %(company)s and predicted_net_12m is not null{only}
    group by 1
    order by customers desc, name
"""

_BY_DISCOUNT = """
    select
        case when first_orders.discount_base > 0 then 'with a discount' else 'at full price' end
            as name,
        count(*) as customers,
        avg(customers.value_to_date) as value_to_date,
        avg(customers.predicted_net_12m) as predicted_net_12m,
        avg(customers.value_to_date + customers.predicted_net_12m) as ltv
    from reporting.customer_360 as customers
    inner join marts.fct_orders as first_orders
        on
            first_orders.company_id = customers.company_id
            and first_orders.customer_id = customers.customer_id
            and first_orders.customer_order_number = 1
    where
        customers.company_id = %(company)s
        and first_orders.company_id = %(company)s
        and customers.predicted_net_12m is not null{only}
    group by 1
    order by customers desc, name
"""

#: Products beyond these brought too few customers to be read.
PRODUCTS_SHOWN = 15

_BY_PRODUCT = """
    select
        coalesce(product, product_key) as name,
        new_customers as customers,
        value_to_date_per_new_customer as value_to_date,
        predicted_net_12m_per_new_customer as predicted_net_12m,
        ltv_per_new_customer as ltv
    from reporting.product_ltv
    where company_id = %(company)s and new_customers > 0 and ltv_per_new_customer is not null
    order by new_customers desc, product_key
    limit %(most)s
"""

# As reporting.product_ltv says it of all customers: a product brought whoever had it in the first
# order.
_BY_PRODUCT_OF_SOME = """
    with brought as (
        select distinct
            first_orders.customer_id,
            coalesce(lines.product_id, lines.product) as product_key
        from marts.fct_orders as first_orders
        inner join marts.fct_order_lines as lines
            on
                lines.company_id = first_orders.company_id
                and lines.order_id = first_orders.order_id
        where
            first_orders.company_id = %(company)s
            and lines.company_id = %(company)s
            and first_orders.customer_order_number = 1
            and lines.gross_revenue_base > 0
            and coalesce(lines.product_id, lines.product) is not null{only}
    )

    select
        coalesce(max(products.product), brought.product_key) as name,
        count(*) as customers,
        avg(customers.value_to_date) as value_to_date,
        avg(customers.predicted_net_12m) as predicted_net_12m,
        avg(customers.value_to_date + customers.predicted_net_12m) as ltv
    from brought
    inner join reporting.customer_360 as customers
        on
            customers.company_id = %(company)s
            and customers.customer_id = brought.customer_id
    left join reporting.product_ltv as products
        on
            products.company_id = %(company)s
            and products.product_key = brought.product_key
    group by brought.product_key
    having avg(customers.value_to_date + customers.predicted_net_12m) is not null
    order by customers desc, brought.product_key
    limit %(most)s
"""


def channels(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns cost and return of each channel over the months of the scope's period.

    Args:
        connection: As in `ask`.
        scope: Its company and period count: spend is known by the channel it was spent on alone.

    Returns:
        channel, new_customers; of the months with known spend: spend, customers_with_spend,
        margin, cac, ltv (contribution margin to date per customer), ltv_to_cac; months that had
        spend and new customers, those of them that have paid back, and their median payback.
    """
    return ask(connection, scope, _CHANNELS)


def channel_targets(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns what a new customer of each channel may cost; none until calculated."""
    return ask_if_there(connection, scope, "reporting.channel_targets", _TARGETS)


def ltv_by_channel(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns customers and mean lifetime value by the channel of the first order.

    Returns:
        name, customers, value_to_date, predicted_net_12m, ltv (their sum), means per customer.
    """
    return ask(
        connection, scope, sql.SQL(_BY_CHANNEL).format(only=scope.only("customer_360.customer_id"))
    )


def ltv_by_discount(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns the same by whether the first order had a discount."""
    return ask(
        connection, scope, sql.SQL(_BY_DISCOUNT).format(only=scope.only("customers.customer_id"))
    )


def ltv_by_product(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns the same by product of the first order, those that brought most customers."""
    query = (
        sql.SQL(_BY_PRODUCT_OF_SOME).format(only=scope.only("first_orders.customer_id"))
        if scope.is_filtered
        else _BY_PRODUCT
    )
    return ask_if_there(connection, scope, "reporting.product_ltv", query, most=PRODUCTS_SHOWN)
