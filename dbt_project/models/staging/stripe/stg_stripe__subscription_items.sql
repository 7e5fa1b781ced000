with source as (
    select * from {{ landed('raw_stripe', 'subscription_items') }}
)

select
    company_id,
    id as subscription_item_id,
    created_at,
    subscription_id,
    price_id,
    product_id,
    quantity,
    current_period_start,
    current_period_end,
    discounts
from source
