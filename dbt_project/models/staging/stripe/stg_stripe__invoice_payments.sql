with source as (
    select * from {{ landed('raw_stripe', 'invoice_payments') }}
)

select
    company_id,
    id as invoice_payment_id,
    created_at,
    livemode as is_live,
    invoice_id,
    status,
    currency,
    amount_requested,
    amount_paid,
    is_default,
    payment_type,
    payment_intent_id,
    charge_id,
    paid_at,
    canceled_at
from source
