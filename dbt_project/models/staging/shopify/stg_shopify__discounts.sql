with source as (
    select * from {{ landed('raw_shopify', 'discounts') }}
)

select
    company_id,
    id as discount_id,
    type,
    title,
    status,
    starts_at,
    ends_at,
    created_at,
    updated_at,
    classes,
    usage_limit,
    usage_count,
    codes_count
from source
