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
    upper(currency) as currency,
    coalesce(amount, 0) as amount,
    coalesce(fee, 0) as fee,
    net,
    exchange_rate
from source
