with source as (
    select * from {{ landed('raw_stripe', 'charges') }}
)

select
    company_id,
    id as charge_id,
    created_at,
    coalesce(livemode, true) as is_live,
    status,
    coalesce(paid, status = 'succeeded') as is_paid,
    captured as is_captured,
    refunded as is_refunded,
    disputed as is_disputed,
    upper(currency) as currency,
    amount,
    coalesce(amount_captured, case when status = 'succeeded' then amount else 0 end)
        as amount_captured,
    amount_refunded,
    customer_id,
    payment_intent_id,
    balance_transaction_id,
    failure_code,
    nullif(trim(email), '') as email,
    {{ hash_email('email') }} as email_hash,
    country,
    {{ json_text('metadata', 'order_key') }} as noted_order_key,
    {{ json_text('metadata', 'order_id') }} as noted_order_id,
    {{ json_text('metadata', 'order_transaction_id') }} as noted_order_transaction_id
from source
