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
    quantity,
    restock_type,
    restocked as is_restocked,
    currency,
    presentment_currency,
    price,
    price_presentment,
    subtotal,
    subtotal_presentment,
    total_tax,
    total_tax_presentment
from source
