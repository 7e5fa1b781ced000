with source as (
    select * from {{ landed('raw_stripe', 'disputes') }}
)

select
    company_id,
    id as dispute_id,
    created_at,
    livemode as is_live,
    status,
    reason,
    currency,
    amount,
    charge_id,
    payment_intent_id,
    evidence_due_by
from source
