with source as (
    select * from {{ landed('raw_square', 'refunds') }}
)

select
    company_id,
    id as refund_id,
    created_at,
    updated_at,
    status,
    location_id,
    payment_id,
    currency,
    amount,
    app_fee,
    order_id
from source
