with source as (
    select * from {{ landed('raw_woocommerce', 'order_shipping') }}
)

select
    company_id,
    id as order_shipping_id,
    order_id,
    currency,
    method_id,
    method_title,
    instance_id,
    total,
    total_tax
from source
