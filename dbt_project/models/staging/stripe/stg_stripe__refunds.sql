with source as (
    select * from {{ landed('raw_stripe', 'refunds') }}
)

select
    company_id,
    id as refund_id,
    created_at,
    status,
    upper(currency) as currency,
    amount,
    charge_id,
    payment_intent_id,
    balance_transaction_id,
    failure_balance_transaction_id,
    failure_reason,
    reason
from source
