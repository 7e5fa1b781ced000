with source as (
    select * from {{ landed('raw_woocommerce', 'products') }}
)

select
    company_id,
    id as product_id,
    name,
    type,
    status,
    sku,
    price,
    regular_price,
    sale_price,
    nullif(unit_cost, 0) as unit_cost,
    created_at,
    modified_at,
    categories
from source
