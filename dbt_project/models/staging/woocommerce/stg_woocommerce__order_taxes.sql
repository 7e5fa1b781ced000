with source as (
    select * from {{ landed('raw_woocommerce', 'order_taxes') }}
)

select
    company_id,
    id as order_tax_id,
    order_id,
    currency,
    rate_id,
    rate_code,
    label,
    rate_percent,
    compound as is_compound,
    tax_total,
    shipping_tax_total
from source
