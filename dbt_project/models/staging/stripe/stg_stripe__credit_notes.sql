with source as (
    select * from {{ landed('raw_stripe', 'credit_notes') }}
)

select
    company_id,
    id as credit_note_id,
    created_at,
    livemode as is_live,
    number,
    status,
    type,
    reason,
    invoice_id,
    customer_id,
    currency,
    amount,
    subtotal,
    total,
    pre_payment_amount,
    post_payment_amount,
    out_of_band_amount,
    refunds_minor,
    effective_at,
    voided_at
from source
