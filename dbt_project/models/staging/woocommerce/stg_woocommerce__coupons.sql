with source as (
    select * from {{ landed('raw_woocommerce', 'coupons') }}
)

select
    company_id,
    id as coupon_id,
    code,
    status,
    discount_type,
    amount,
    free_shipping as is_free_shipping,
    created_at,
    modified_at,
    expires_at,
    usage_count,
    usage_limit,
    minimum_amount,
    maximum_amount
from source
