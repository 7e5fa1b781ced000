with source as (
    select * from {{ landed('raw_shopify', 'refunds') }}
)

select
    company_id,
    id as refund_id,
    order_id,
    created_at,
    processed_at,
    updated_at,
    currency,
    presentment_currency,
    total_refunded,
    total_refunded_presentment,
    {{ json_length('transaction_ids') }} as payments_back
from source
