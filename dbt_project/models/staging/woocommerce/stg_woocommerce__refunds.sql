with source as (
    select * from {{ landed('raw_woocommerce', 'refunds') }}
)

select
    company_id,
    id as refund_id,
    order_id,
    currency,
    created_at,
    amount,
    reason,
    refunded_by,
    refunded_payment as is_paid_back
from source
