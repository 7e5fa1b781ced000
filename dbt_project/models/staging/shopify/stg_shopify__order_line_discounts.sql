with source as (
    select * from {{ landed('raw_shopify', 'order_line_discounts') }}
)

select
    company_id,
    order_id,
    order_line_id,
    application_index,
    type,
    code,
    title,
    target_type,
    target_selection,
    currency,
    presentment_currency,
    coalesce(amount, 0) as amount,
    coalesce(amount_presentment, amount, 0) as amount_presentment
from source
