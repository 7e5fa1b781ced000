with source as (
    select * from {{ landed('raw_shopify', 'transaction_fees') }}
)

select
    company_id,
    id as fee_id,
    order_id,
    transaction_id,
    type,
    amount,
    upper(currency) as currency,
    tax_amount,
    tax_currency,
    flat_fee,
    flat_fee_currency,
    rate
from source
