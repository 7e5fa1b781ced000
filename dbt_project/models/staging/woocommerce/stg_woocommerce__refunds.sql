with source as (
    select * from {{ landed('raw_woocommerce', 'refunds') }}
)

select
    company_id,
    id as refund_id,
    order_id,
    upper(currency) as currency,
    created_at,
    coalesce(amount, 0) as amount,
    reason,
    refunded_by,
    refunded_payment as is_paid_back
from source
