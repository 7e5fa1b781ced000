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
    amount,
    amount_presentment
from source
