with source as (
    select * from {{ landed('raw_stripe', 'coupons') }}
)

select
    company_id,
    id as coupon_id,
    created_at,
    livemode as is_live,
    name,
    valid as is_valid,
    duration,
    duration_in_months,
    percent_off,
    amount_off,
    currency,
    redeem_by,
    max_redemptions,
    times_redeemed
from source
