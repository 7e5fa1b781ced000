{%- set no_money = 'cast(0 as numeric(18, 4))' %}

with counted as (
    select * from {{ ref('int_orders_assembled') }}
),

classified as (
    select * from {{ ref('int_orders_classified') }}
    where exchange_rate is not null
),

-- A file carries neither tax nor shipping nor fees.
completed as (
    select
        counted.*,
        case when counted.is_purchase then 'completed' else 'refund' end as status,
        coalesce(classified.tax, {{ no_money }}) as tax,
        coalesce(classified.shipping, {{ no_money }}) as shipping,
        coalesce(classified.fees, {{ no_money }}) as fees,
        coalesce(classified.tax_base, {{ no_money }}) as tax_base,
        coalesce(classified.shipping_base, {{ no_money }}) as shipping_base,
        coalesce(classified.fees_base, {{ no_money }}) as fees_base
    from counted
    left join classified
        on
            counted.company_id = classified.company_id
            and counted.order_id = classified.order_id
            and counted.source = classified.source
),

-- Orders that were tested, cancelled, never paid or left without a line: they have a status and
-- no money, so that no sum over orders counts them by mistake. What the payment cost stays spent.
uncounted as (
    select classified.*
    from classified
    left join counted
        on
            classified.company_id = counted.company_id
            and classified.order_id = counted.order_id
            and classified.source = counted.source
    where counted.order_id is null
)

select
    company_id,
    order_id,
    customer_id,
    ordered_at,
    order_date,
    source,
    channel,
    country,
    status,
    cast(customer_order_number as integer) as customer_order_number,
    cast(order_lines as integer) as order_lines,
    fully_refunded_on is not null as is_fully_refunded,
    currency,
    exchange_rate,
    rate_date,
    gross_revenue,
    discount,
    tax,
    shipping,
    refunded,
    fees,
    net_revenue,
    {{ money('net_revenue - contribution_margin') }} as cost,
    contribution_margin,
    gross_revenue_base,
    discount_base,
    tax_base,
    shipping_base,
    refunded_base,
    fees_base,
    net_revenue_base,
    {{ money('net_revenue_base - contribution_margin_base') }} as cost_base,
    contribution_margin_base
from completed
union all
select
    company_id,
    order_id,
    customer_id,
    ordered_at,
    order_date,
    source,
    channel,
    country,
    status,
    null as customer_order_number,
    0 as order_lines,
    false as is_fully_refunded,
    currency,
    exchange_rate,
    rate_date,
    {{ no_money }} as gross_revenue,
    {{ no_money }} as discount,
    {{ no_money }} as tax,
    {{ no_money }} as shipping,
    {{ no_money }} as refunded,
    fees,
    {{ no_money }} as net_revenue,
    {{ no_money }} as cost,
    {{ no_money }} as contribution_margin,
    {{ no_money }} as gross_revenue_base,
    {{ no_money }} as discount_base,
    {{ no_money }} as tax_base,
    {{ no_money }} as shipping_base,
    {{ no_money }} as refunded_base,
    fees_base,
    {{ no_money }} as net_revenue_base,
    {{ no_money }} as cost_base,
    {{ no_money }} as contribution_margin_base
from uncounted
