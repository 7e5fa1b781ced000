{{ config(severity='warn') }}

select
    fees.company_id,
    fees.fee_id
from {{ ref('stg_shopify__transaction_fees') }} as fees
inner join {{ ref('int_shopify_orders_classified') }} as orders
    on fees.company_id = orders.company_id and fees.order_id = orders.order_id
where
    orders.exchange_rate is not null
    and fees.currency not in (orders.base_currency, orders.currency, orders.shop_currency)
