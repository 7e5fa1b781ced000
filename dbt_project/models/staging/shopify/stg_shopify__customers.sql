with source as (
    select * from {{ landed('raw_shopify', 'customers') }}
)

select
    company_id,
    id as customer_id,
    created_at,
    updated_at,
    {{ hash_email('email') }} as email_hash,
    email_marketing_state,
    state,
    locale,
    country,
    province,
    orders_count,
    amount_spent,
    currency,
    tags
from source
