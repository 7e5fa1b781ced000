with order_lines as (
    select * from {{ ref('int_order_lines_converted') }}
    where exchange_rate is not null
),

companies as (
    select * from {{ ref('stg_files__companies') }}
),

orders as (
    select
        company_id,
        order_id,
        min(customer_id) as customer_id,
        min(source) as source,
        coalesce(
            min(order_date) filter (where net_revenue >= 0), min(order_date)
        ) as order_date,
        min(ordered_at) filter (where net_revenue >= 0) as first_timed_at,
        min(channel) as channel,
        min(country) as country,
        bool_or(net_revenue >= 0) as is_purchase,
        count(*) as order_lines,
        min(currency) as currency,
        -- A refund has a rate of its own.
        coalesce(
            min(exchange_rate) filter (where refunded = 0), min(exchange_rate)
        ) as exchange_rate,
        {{ money('sum(gross_revenue)') }} as gross_revenue,
        {{ money('sum(discount)') }} as discount,
        {{ money('sum(refunded)') }} as refunded,
        {{ money('sum(net_revenue)') }} as net_revenue,
        {{ money('sum(gross_margin)') }} as gross_margin,
        {{ money('sum(gross_revenue_base)') }} as gross_revenue_base,
        {{ money('sum(discount_base)') }} as discount_base,
        {{ money('sum(refunded_base)') }} as refunded_base,
        {{ money('sum(net_revenue_base)') }} as net_revenue_base,
        {{ money('sum(gross_margin_base)') }} as gross_margin_base,
        max(order_date) filter (where refunded > 0) as last_refund_date
    from order_lines
    group by company_id, order_id
),

timed as (
    select
        orders.*,
        coalesce(
            orders.first_timed_at,
            {{ local_midnight('orders.order_date', 'companies.timezone') }}
        ) as ordered_at
    from orders
    inner join companies on orders.company_id = companies.company_id
)

select
    company_id,
    order_id,
    customer_id,
    source,
    ordered_at,
    order_date,
    channel,
    country,
    is_purchase,
    order_lines,
    currency,
    exchange_rate,
    order_date as rate_date,
    gross_revenue,
    discount,
    refunded,
    net_revenue,
    gross_margin,
    gross_revenue_base,
    discount_base,
    refunded_base,
    net_revenue_base,
    gross_margin_base,
    case
        when gross_revenue > 0 and refunded >= gross_revenue - discount then last_refund_date
    end as fully_refunded_on,
    case
        when is_purchase and customer_id is not null
            then row_number() over (
                partition by company_id, customer_id, is_purchase
                order by order_date, ordered_at, order_id
            )
    end as customer_order_number
from timed
