with source as (
    select * from {{ landed('raw_stripe', 'invoice_lines') }}
)

select
    company_id,
    id as invoice_line_id,
    invoice_id,
    livemode as is_live,
    upper(currency) as currency,
    coalesce(amount, 0) as amount,
    subtotal,
    coalesce(discount, 0) as discount,
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
