with source as (
    select * from {{ landed('raw_woocommerce', 'customers') }}
)

select
    company_id,
    id as customer_id,
    created_at,
    modified_at,
    {{ hash_email('email') }} as email_hash,
    role,
    country,
    state,
    is_paying_customer
from source
