with source as (
    select * from {{ landed('raw_shopify', 'refund_lines') }}
)

select
    company_id,
    id as refund_line_id,
    order_id,
    refund_id,
    position,
    order_line_id,
    coalesce(quantity, 0) as quantity,
    restock_type,
    coalesce(restocked, false) as is_restocked,
    currency,
    presentment_currency,
    price,
    price_presentment,
    coalesce(subtotal, 0) as subtotal,
    coalesce(subtotal_presentment, subtotal, 0) as subtotal_presentment,
    coalesce(total_tax, 0) as total_tax,
    coalesce(total_tax_presentment, total_tax, 0) as total_tax_presentment
from source
