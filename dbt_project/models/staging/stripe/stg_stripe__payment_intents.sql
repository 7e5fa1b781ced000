with source as (
    select * from {{ landed('raw_stripe', 'payment_intents') }}
)

select
    company_id,
    id as payment_intent_id,
    created_at,
    livemode as is_live,
    status,
    currency,
    amount,
    amount_received,
    amount_capturable,
    customer_id,
    latest_charge_id,
    canceled_at,
    cancellation_reason,
    {{ json_text('metadata', 'order_key') }} as noted_order_key,
    {{ json_text('metadata', 'order_id') }} as noted_order_id,
    {{ json_text('metadata', 'order_transaction_id') }} as noted_order_transaction_id
from source
