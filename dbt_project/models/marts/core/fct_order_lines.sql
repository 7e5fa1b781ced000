select
    company_id,
    order_line_id,
    order_id,
    customer_id,
    source,
    order_date,
    product_id,
    product,
    quantity,
    currency,
    exchange_rate,
    rate_date,
    gross_revenue,
    discount,
    refunded,
    net_revenue,
    gross_revenue_base,
    discount_base,
    refunded_base,
    net_revenue_base,
    gross_margin_base
from {{ ref('int_order_lines_converted') }}
where exchange_rate is not null
