with source as (
    select * from {{ landed('raw_stripe', 'credit_note_lines') }}
)

select
    company_id,
    id as credit_note_line_id,
    credit_note_id,
    invoice_line_id,
    type,
    currency,
    amount,
    discount_amount,
    quantity
from source
