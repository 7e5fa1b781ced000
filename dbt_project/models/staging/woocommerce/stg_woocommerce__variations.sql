with source as (
    select * from {{ landed('raw_woocommerce', 'variations') }}
)

select
    company_id,
    id as variation_id,
    product_id,
    name,
    status,
    sku,
    price,
    regular_price,
    sale_price,
    nullif(unit_cost, 0) as unit_cost,
    created_at,
    modified_at
from source
