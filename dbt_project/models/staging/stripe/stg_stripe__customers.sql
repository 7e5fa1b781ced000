with source as (
    select * from {{ landed('raw_stripe', 'customers') }}
)

select
    company_id,
    id as customer_id,
    created_at,
    livemode as is_live,
    nullif(trim(email), '') as email,
    {{ hash_email('email') }} as email_hash,
    nullif(trim(phone), '') as phone,
    country,
    currency,
    delinquent as is_delinquent
from source
