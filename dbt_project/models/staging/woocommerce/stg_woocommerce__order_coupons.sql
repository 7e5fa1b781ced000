with source as (
    select * from {{ landed('raw_woocommerce', 'order_coupons') }}
)

select
    company_id,
    id as order_coupon_id,
    order_id,
    currency,
    code,
    discount,
    discount_tax,
    discount_type,
    free_shipping as is_free_shipping
from source
