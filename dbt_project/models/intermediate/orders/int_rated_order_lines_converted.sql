{{ config(materialized='replaced_view') }}

{%- set columns = [
    'company_id', 'order_id', 'customer_id', 'email_hash', 'source', 'ordered_at', 'order_date',
    'channel', 'country', 'timezone', 'margin_rate', 'currency', 'base_currency', 'exchange_rate',
    'rate_date'
] %}

with orders as (
    select {{ columns | join(', ') }} from {{ ref('int_woocommerce_orders_classified') }}
    where status = 'completed'
    union all
    select {{ columns | join(', ') }} from {{ ref('int_stripe_orders_classified') }}
    where status = 'completed'
    union all
    select {{ columns | join(', ') }} from {{ ref('int_square_orders_classified') }}
    where status = 'completed'
),

order_lines as (
    select * from {{ ref('int_woocommerce_order_lines_signed') }}
    union all
    select * from {{ ref('int_stripe_order_lines_signed') }}
    union all
    select * from {{ ref('int_square_order_lines_signed') }}
),

-- A refund has its own day, and the rate of its order's day: what is given back in full nets to
-- nothing in every currency.
converted as (
    select
        orders.*,
        order_lines.order_line_id,
        order_lines.refunded_at,
        order_lines.product_id,
        order_lines.product,
        order_lines.quantity,
        order_lines.cost_base,
        {%- for amount in ['gross_revenue', 'discount', 'refunded'] %}
            {{ money('order_lines.' ~ amount) }} as {{ amount }},
            {{ money('order_lines.' ~ amount ~ ' * orders.exchange_rate') }}
                as {{ amount ~ '_base' }}
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from order_lines
    inner join orders
        on
            order_lines.company_id = orders.company_id
            and order_lines.order_id = orders.order_id
),

netted as (
    select
        *,
        cast(gross_revenue - discount - refunded as numeric(18, 4)) as net_revenue,
        cast(gross_revenue_base - discount_base - refunded_base as numeric(18, 4))
            as net_revenue_base
    from converted
)

select
    company_id,
    order_line_id,
    order_id,
    customer_id,
    email_hash,
    source,
    cast(null as text) as source_file,
    cast(null as bigint) as line_number,
    coalesce(refunded_at, ordered_at) as ordered_at,
    case
        when refunded_at is null then order_date
        else {{ local_date('refunded_at', 'timezone') }}
    end as order_date,
    channel,
    country,
    product_id,
    product,
    cast(quantity as numeric(18, 4)) as quantity,
    currency,
    base_currency,
    exchange_rate,
    rate_date,
    gross_revenue,
    discount,
    refunded,
    net_revenue,
    {{ money('coalesce(net_revenue - cost_base / exchange_rate, net_revenue * margin_rate)') }}
        as gross_margin,
    gross_revenue_base,
    discount_base,
    refunded_base,
    net_revenue_base,
    {{ money('coalesce(net_revenue_base - cost_base, net_revenue_base * margin_rate)') }}
        as gross_margin_base
from netted
