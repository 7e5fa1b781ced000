with source as (
    select * from {{ landed('raw_woocommerce', 'order_lines') }}
)

select
    company_id,
    id as order_line_id,
    order_id,
    currency,
    product_id,
    variation_id,
    name,
    sku,
    quantity,
    tax_class,
    coalesce(subtotal, total, 0) as subtotal,
    coalesce(total, subtotal, 0) as total,
    total_tax
from source
