with source as (
    select * from {{ landed('raw_stripe', 'subscriptions') }}
)

select
    company_id,
    id as subscription_id,
    created_at,
    coalesce(livemode, true) as is_live,
    status,
    customer_id,
    upper(currency) as currency,
    start_date,
    trial_start,
    trial_end,
    cancel_at_period_end as is_cancelled_at_period_end,
    cancel_at,
    canceled_at,
    ended_at,
    latest_invoice_id,
    collection_method,
    discounts
from source
