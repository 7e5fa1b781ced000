with source as (
    select * from {{ landed('raw_shopify', 'transactions') }}
)

select
    company_id,
    id as transaction_id,
    order_id,
    parent_id,
    kind,
    status,
    test as is_test,
    gateway,
    created_at,
    processed_at,
    error_code,
    payment_id,
    is_manual,
    currency,
    presentment_currency,
    amount,
    amount_presentment,
    settlement_currency,
    settlement_rate
from source
