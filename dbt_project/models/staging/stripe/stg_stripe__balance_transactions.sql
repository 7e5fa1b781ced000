with source as (
    select * from {{ landed('raw_stripe', 'balance_transactions') }}
)

select
    company_id,
    id as balance_transaction_id,
    created_at,
    available_on,
    status,
    type,
    reporting_category,
    source_id,
    currency,
    amount,
    fee,
    net,
    exchange_rate
from source
