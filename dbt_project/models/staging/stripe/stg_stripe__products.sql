with source as (
    select * from {{ landed('raw_stripe', 'products') }}
)

select
    company_id,
    id as product_id,
    created_at,
    updated_at,
    livemode as is_live,
    name,
    active as is_active,
    type,
    default_price_id
from source
