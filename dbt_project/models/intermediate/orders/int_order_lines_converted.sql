-- Here the sources meet: nobody downstream asks where a row came from.
with order_lines as (
    select * from {{ ref('int_files_order_lines_converted') }}
    union all
    select * from {{ ref('int_shopify_order_lines_converted') }}
)

select
    company_id,
    order_line_id,
    order_id,
    customer_id,
    email_hash,
    source,
    source_file,
    line_number,
    ordered_at,
    order_date,
    channel,
    country,
    product_id,
    product,
    quantity,
    currency,
    base_currency,
    exchange_rate,
    rate_date,
    gross_revenue,
    discount,
    refunded,
    net_revenue,
    contribution_margin,
    gross_revenue_base,
    discount_base,
    refunded_base,
    net_revenue_base,
    contribution_margin_base
from order_lines
