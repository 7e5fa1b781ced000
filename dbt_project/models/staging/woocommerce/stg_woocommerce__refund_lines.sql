with source as (
    select * from {{ landed('raw_woocommerce', 'refund_lines') }}
)

select
    company_id,
    id as refund_line_id,
    refund_id,
    order_id,
    currency,
    type,
    order_item_id,
    product_id,
    variation_id,
    name,
    sku,
    quantity,
    coalesce(total, 0) as total,
    total_tax
from source
