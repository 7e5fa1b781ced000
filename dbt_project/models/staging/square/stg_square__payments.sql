with source as (
    select * from {{ landed('raw_square', 'payments') }}
)

select
    company_id,
    id as payment_id,
    created_at,
    updated_at,
    status,
    location_id,
    currency,
    amount,
    tip,
    total,
    app_fee,
    approved,
    refunded,
    source_type,
    order_id,
    customer_id,
    reference_id,
    nullif(trim(buyer_email), '') as email,
    {{ hash_email('buyer_email') }} as email_hash,
    receipt_number
from source
