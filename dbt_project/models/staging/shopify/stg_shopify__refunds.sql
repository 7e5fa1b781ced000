with source as (
    select * from {{ landed('raw_shopify', 'refunds') }}
)

select
    company_id,
    id as refund_id,
    order_id,
    created_at,
    coalesce(processed_at, created_at) as processed_at,
    updated_at,
    currency,
    presentment_currency,
    coalesce(total_refunded, 0) as total_refunded,
    coalesce(total_refunded_presentment, total_refunded, 0) as total_refunded_presentment,
    {{ json_length('transaction_ids') }} as payments_back
from source
