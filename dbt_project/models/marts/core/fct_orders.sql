{%- set no_money = 'cast(0 as numeric(18, 4))' %}

with counted as (
    select * from {{ ref('int_orders_assembled') }}
),

classified as (
    select * from {{ ref('int_orders_classified') }}
    where exchange_rate is not null
),

fees as (
    select
        company_id,
        order_source as source,
        order_id,
        sum(fee_base) as fees_base
    from {{ ref('int_payment_fees_converted') }}
    where order_id is not null
    group by company_id, order_source, order_id
),

charged as (
    select
        classified.*,
        coalesce(fees.fees_base, {{ no_money }}) as fees_base,
        {{ money('coalesce(fees.fees_base, 0) / classified.exchange_rate') }} as fees
    from classified
    left join fees
        on
            classified.company_id = fees.company_id
            and classified.order_id = fees.order_id
            and classified.source = fees.source
),

-- A file carries neither tax nor shipping nor fees.
completed as (
    select
        counted.*,
        case when counted.is_purchase then 'completed' else 'refund' end as status,
        coalesce(charged.tax, {{ no_money }}) as tax,
        coalesce(charged.shipping, {{ no_money }}) as shipping,
        coalesce(charged.fees, {{ no_money }}) as fees,
        coalesce(charged.tax_base, {{ no_money }}) as tax_base,
        coalesce(charged.shipping_base, {{ no_money }}) as shipping_base,
        coalesce(charged.fees_base, {{ no_money }}) as fees_base
    from counted
    left join charged
        on
            counted.company_id = charged.company_id
            and counted.order_id = charged.order_id
            and counted.source = charged.source
),

-- Orders that were tested, cancelled, never paid or left without a line: they have a status and
-- no money, so that no sum over orders counts them by mistake. What the payment cost stays spent.
uncounted as (
    select charged.*
    from charged
    left join counted
        on
            charged.company_id = counted.company_id
            and charged.order_id = counted.order_id
            and charged.source = counted.source
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
    {{ money('net_revenue - gross_margin') }} as cost,
    {{ money('gross_margin - fees') }} as contribution_margin,
    gross_revenue_base,
    discount_base,
    tax_base,
    shipping_base,
    refunded_base,
    fees_base,
    net_revenue_base,
    {{ money('net_revenue_base - gross_margin_base') }} as cost_base,
    {{ money('gross_margin_base - fees_base') }} as contribution_margin_base
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
    {{ money('-fees') }} as contribution_margin,
    {{ no_money }} as gross_revenue_base,
    {{ no_money }} as discount_base,
    {{ no_money }} as tax_base,
    {{ no_money }} as shipping_base,
    {{ no_money }} as refunded_base,
    fees_base,
    {{ no_money }} as net_revenue_base,
    {{ no_money }} as cost_base,
    {{ money('-fees_base') }} as contribution_margin_base
from uncounted
