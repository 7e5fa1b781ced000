with source as (
    select * from {{ landed('raw_shopify', 'disputes') }}
)

select
    company_id,
    id as dispute_id,
    order_id,
    type,
    status,
    reason,
    network_reason_code,
    amount,
    currency,
    initiated_at,
    evidence_due_by,
    evidence_sent_on,
    finalized_on
from source
