with source as (
    select * from {{ landed('raw_shopify', 'products') }}
)

select
    company_id,
    id as product_id,
    title,
    handle,
    vendor,
    product_type,
    category_id,
    category,
    status,
    is_gift_card,
    created_at,
    updated_at,
    published_at,
    tags
from source
