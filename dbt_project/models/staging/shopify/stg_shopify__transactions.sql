with source as (
    select * from {{ landed('raw_shopify', 'transactions') }}
)

select
    company_id,
    id as transaction_id,
    order_id,
    parent_id,
    upper(kind) as kind,
    upper(status) as status,
    coalesce(test, false) as is_test,
    gateway,
    created_at,
    processed_at,
    error_code,
    payment_id,
    is_manual,
    upper(currency) as currency,
    upper(coalesce(presentment_currency, currency)) as presentment_currency,
    amount,
    coalesce(amount_presentment, amount) as amount_presentment,
    settlement_currency,
    settlement_rate
from source
