select
    company_id,
    customer_id,
    order_date,
    orders,
    gross_revenue_base,
    net_revenue_base,
    margin_base,
    fully_refunded_on is not null as is_fully_refunded
from {{ ref('int_customer_days_summed') }}
