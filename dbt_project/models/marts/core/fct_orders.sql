with orders as (
    select
        *,
        -- A file carries neither of these; the columns are every source's.
        cast(0 as numeric(18, 4)) as not_in_files
    from {{ ref('int_orders_assembled') }}
)

select
    company_id,
    order_id,
    customer_id,
    ordered_at,
    order_date,
    source,
    channel,
    country,
    case when is_purchase then 'completed' else 'refund' end as status,
    cast(customer_order_number as integer) as customer_order_number,
    cast(order_lines as integer) as order_lines,
    fully_refunded_on is not null as is_fully_refunded,
    currency,
    exchange_rate,
    rate_date,
    gross_revenue,
    discount,
    not_in_files as tax,
    not_in_files as shipping,
    refunded,
    not_in_files as fees,
    net_revenue,
    net_revenue - contribution_margin as cost,
    contribution_margin,
    gross_revenue_base,
    discount_base,
    not_in_files as tax_base,
    not_in_files as shipping_base,
    refunded_base,
    not_in_files as fees_base,
    net_revenue_base,
    net_revenue_base - contribution_margin_base as cost_base,
    contribution_margin_base
from orders
