with source as (
    select * from {{ landed('raw_stripe', 'invoice_lines') }}
)

select
    company_id,
    id as invoice_line_id,
    invoice_id,
    livemode as is_live,
    currency,
    amount,
    subtotal,
    discount,
    quantity,
    description,
    price_id,
    product_id,
    unit_amount_decimal,
    subscription_id,
    subscription_item_id,
    proration as is_proration,
    period_start,
    period_end,
    discountable as is_discountable
from source
