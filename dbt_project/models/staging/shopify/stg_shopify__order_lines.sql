with source as (
    select * from {{ landed('raw_shopify', 'order_lines') }}
)

select
    company_id,
    id as order_line_id,
    order_id,
    product_id,
    variant_id,
    name,
    title,
    variant_title,
    sku,
    vendor,
    quantity,
    current_quantity,
    is_gift_card,
    currency,
    presentment_currency,
    unit_price,
    unit_price_presentment,
    original_total,
    original_total_presentment,
    discounted_total,
    discounted_total_presentment,
    total_discount,
    total_discount_presentment,
    {{ money(json_sum('tax_lines', ['priceSet', 'shopMoney', 'amount'])) }} as tax,
    {{ money(json_sum('tax_lines', ['priceSet', 'presentmentMoney', 'amount'])) }}
        as tax_presentment
from source
