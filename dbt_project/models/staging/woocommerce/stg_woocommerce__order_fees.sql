with source as (
    select * from {{ landed('raw_woocommerce', 'order_fees') }}
)

select
    company_id,
    id as order_fee_id,
    order_id,
    currency,
    name,
    tax_class,
    coalesce(total, 0) as total,
    total_tax
from source
