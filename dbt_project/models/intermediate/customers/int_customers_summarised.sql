with order_lines as (
    select * from {{ ref('int_order_lines_converted') }}
    where exchange_rate is not null and customer_id is not null
),

orders as (
    select * from {{ ref('int_orders_assembled') }}
),

identities as (
    select
        company_id,
        customer_id,
        min(email_hash) as email_hash,
        string_agg(distinct source, ', ' order by source) as sources
    from order_lines
    group by company_id, customer_id
),

fees as (
    select
        company_id,
        customer_id,
        sum(fee_base) as fees_base
    from {{ ref('int_payment_fees_converted') }}
    where customer_id is not null
    group by company_id, customer_id
),

histories as (
    select
        company_id,
        customer_id,
        min(order_date) filter (where is_purchase) as first_order_date,
        max(order_date) filter (where is_purchase) as last_order_date,
        cast(count(*) filter (where is_purchase) as integer) as orders,
        cast(count(distinct order_date) filter (where is_purchase) as integer) as order_days,
        {{ money('sum(gross_revenue_base)') }} as gross_revenue_base,
        {{ money('sum(refunded_base)') }} as refunded_base,
        {{ money('sum(net_revenue_base)') }} as net_revenue_base,
        {{ money('sum(gross_margin_base)') }} as gross_margin_base,
        max(channel) filter (where customer_order_number = 1) as acquisition_channel,
        max(country) filter (where customer_order_number = 1) as country,
        max(gross_revenue_base) filter (where customer_order_number = 1) as first_order_value
    from orders
    group by company_id, customer_id
)

select
    identities.company_id,
    identities.customer_id,
    identities.email_hash,
    identities.sources,
    histories.first_order_date,
    histories.last_order_date,
    histories.orders,
    histories.order_days,
    histories.gross_revenue_base,
    histories.refunded_base,
    histories.net_revenue_base,
    {{ money('histories.gross_margin_base - coalesce(fees.fees_base, 0)') }} as margin_base,
    histories.acquisition_channel,
    histories.country,
    histories.first_order_value
from identities
inner join histories
    on
        identities.company_id = histories.company_id
        and identities.customer_id = histories.customer_id
left join fees
    on
        identities.company_id = fees.company_id
        and identities.customer_id = fees.customer_id
