with orders as (
    select * from {{ ref('int_orders_classified') }}
    where exchange_rate is null
),

currencies as (
    select * from {{ ref('currencies') }}
)

select
    orders.company_id,
    orders.order_id,
    orders.source,
    orders.customer_id,
    orders.status,
    orders.order_date,
    orders.total_price,
    orders.currency,
    orders.shop_currency,
    orders.base_currency,
    case
        when orders.currency is null then 'no currency'
        when orders.order_date is null then 'no date'
        when currencies.currency_code is null then 'unknown currency ' || orders.currency
        else
            'no exchange rate from ' || orders.currency
            || case
                when orders.shop_currency <> orders.currency then ' or ' || orders.shop_currency
                else ''
            end
            || ' to ' || orders.base_currency || ' on ' || orders.order_date
    end as reason
from orders
left join currencies on orders.currency = currencies.currency_code
