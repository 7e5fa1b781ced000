with source as (
    select * from {{ landed('raw_shopify', 'variants') }}
)

select
    company_id,
    id as variant_id,
    product_id,
    title,
    sku,
    barcode,
    position,
    price,
    compare_at_price,
    currency,
    taxable as is_taxable,
    inventory_item_id,
    unit_cost,
    unit_cost_currency,
    created_at,
    updated_at
from source
