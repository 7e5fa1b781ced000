with source as (
    select * from {{ landed('raw_woocommerce', 'customers') }}
)

select
    company_id,
    id as customer_id,
    created_at,
    modified_at,
    nullif(trim(email), '') as email,
    {{ hash_email('email') }} as email_hash,
    nullif(trim(first_name), '') as first_name,
    nullif(trim(last_name), '') as last_name,
    role,
    country,
    state,
    is_paying_customer
from source
