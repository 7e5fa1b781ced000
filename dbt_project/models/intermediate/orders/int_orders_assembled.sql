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
        {{ money('sum(gross_margin_base)') }} as gross_margin_base
    from order_lines
    group by company_id, order_id
),

refunds_so_far as (
    select
        company_id,
        order_id,
        order_date,
        sum(sum(refunded)) over (
            partition by company_id, order_id order by order_date
        ) as refunded
    from order_lines
    where refunded <> 0
    group by company_id, order_id, order_date
),

-- The first day, so that what comes back later changes nothing of what was known before.
full_refunds as (
    select
        orders.company_id,
        orders.order_id,
        min(refunds_so_far.order_date) as refund_date
    from orders
    inner join refunds_so_far
        on
            orders.company_id = refunds_so_far.company_id
            and orders.order_id = refunds_so_far.order_id
            and orders.gross_revenue - orders.discount <= refunds_so_far.refunded
    where orders.gross_revenue > 0
    group by orders.company_id, orders.order_id
),

timed as (
    select
        orders.*,
        full_refunds.refund_date as fully_refunded_on,
        coalesce(
            orders.first_timed_at,
            {{ local_midnight('orders.order_date', 'companies.timezone') }}
        ) as ordered_at
    from orders
    inner join companies on orders.company_id = companies.company_id
    left join full_refunds
        on
            orders.company_id = full_refunds.company_id
            and orders.order_id = full_refunds.order_id
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
    fully_refunded_on,
    case
        when is_purchase and customer_id is not null
            then row_number() over (
                partition by company_id, customer_id, is_purchase
                order by order_date, ordered_at, order_id
            )
    end as customer_order_number
from timed
