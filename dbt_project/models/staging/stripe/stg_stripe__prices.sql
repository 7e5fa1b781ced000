with source as (
    select * from {{ landed('raw_stripe', 'prices') }}
)

select
    company_id,
    id as price_id,
    created_at,
    livemode as is_live,
    product_id,
    active as is_active,
    nickname,
    type,
    billing_scheme,
    upper(currency) as currency,
    unit_amount,
    unit_amount_decimal,
    interval,
    interval_count,
    usage_type
from source
