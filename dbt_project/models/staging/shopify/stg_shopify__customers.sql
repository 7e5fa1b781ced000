with source as (
    select * from {{ landed('raw_shopify', 'customers') }}
)

select
    company_id,
    id as customer_id,
    created_at,
    updated_at,
    nullif(trim(email), '') as email,
    {{ hash_email('email') }} as email_hash,
    nullif(trim(first_name), '') as first_name,
    nullif(trim(last_name), '') as last_name,
    nullif(trim(phone), '') as phone,
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
