{{ config(materialized='replaced_view') }}

{%- set columns = [
    'company_id', 'order_id', 'customer_id', 'email_hash', 'source', 'status', 'ordered_at',
    'order_date', 'channel', 'country', 'timezone', 'margin_rate', 'shop_currency', 'currency',
    'base_currency', 'exchange_rate', 'rate_date', 'total_price', 'tax'
] %}

with orders as (
    select
        {{ columns | join(', ') }},
        shipping,
        tax_base,
        shipping_base,
        tip
    from {{ ref('int_shopify_orders_classified') }}
    union all
    select
        {{ columns | join(', ') }},
        shipping,
        {{ money('tax * exchange_rate') }} as tax_base,
        {{ money('shipping * exchange_rate') }} as shipping_base,
        0 as tip
    from {{ ref('int_woocommerce_orders_classified') }}
    union all
    select
        {{ columns | join(', ') }},
        0 as shipping,
        {{ money('tax * exchange_rate') }} as tax_base,
        0 as shipping_base,
        0 as tip
    from {{ ref('int_stripe_orders_classified') }}
    union all
    select
        {{ columns | join(', ') }},
        0 as shipping,
        {{ money('tax * exchange_rate') }} as tax_base,
        0 as shipping_base,
        tip
    from {{ ref('int_square_orders_classified') }}
)

select
    orders.company_id,
    orders.order_id,
    coalesce(accounts.customer_id, orders.customer_id) as customer_id,
    orders.email_hash,
    orders.source,
    orders.status,
    orders.ordered_at,
    orders.order_date,
    orders.channel,
    orders.country,
    orders.timezone,
    orders.margin_rate,
    orders.shop_currency,
    orders.currency,
    orders.base_currency,
    orders.exchange_rate,
    orders.rate_date,
    {{ money('orders.total_price') }} as total_price,
    {{ money('orders.tip') }} as tip,
    {{ money('orders.tax') }} as tax,
    {{ money('orders.shipping') }} as shipping,
    {{ money('orders.tax_base') }} as tax_base,
    {{ money('orders.shipping_base') }} as shipping_base
from orders
left join {{ ref('int_accounts_resolved') }} as accounts
    on
        orders.company_id = accounts.company_id
        and orders.customer_id = accounts.account_id
