with source as (
    select * from {{ landed('raw_square', 'payment_fees') }}
)

select
    company_id,
    payment_id,
    position,
    type,
    effective_at,
    currency,
    amount
from source
