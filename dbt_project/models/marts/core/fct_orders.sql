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

-- A file carries neither tax nor shipping nor fees. Orders that were tested, cancelled, never paid
-- or left without a line have a status and no money, so that no sum over orders counts them by
-- mistake. What the payment cost stays spent.
joined as (
    select
        counted.order_id is not null as is_counted,
        {%- for column in [
            'company_id', 'order_id', 'source'
        ] %}
            coalesce(counted.{{ column }}, charged.{{ column }}) as {{ column }},
        {%- endfor %}
        {%- for column in [
            'customer_id', 'ordered_at', 'order_date', 'channel', 'country', 'currency',
            'exchange_rate', 'rate_date'
        ] %}
            case
                when counted.order_id is null then charged.{{ column }} else counted.{{ column }}
            end
                as {{ column }},
        {%- endfor %}
        case
            when counted.order_id is null then charged.status
            when counted.is_purchase then 'completed'
            else 'refund'
        end as status,
        counted.customer_order_number,
        coalesce(counted.order_lines, 0) as order_lines,
        counted.fully_refunded_on is not null as is_fully_refunded,
        {%- for amount in ['tax', 'shipping', 'tax_base', 'shipping_base'] %}
            case when counted.order_id is not null then charged.{{ amount }} end as {{ amount }},
        {%- endfor %}
        coalesce(charged.fees, {{ no_money }}) as fees,
        coalesce(charged.fees_base, {{ no_money }}) as fees_base,
        {%- for amount in [
            'gross_revenue', 'discount', 'refunded', 'net_revenue', 'gross_margin',
            'gross_revenue_base', 'discount_base', 'refunded_base', 'net_revenue_base',
            'gross_margin_base'
        ] %}
            coalesce(counted.{{ amount }}, {{ no_money }}) as {{ amount }}
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from counted
    full join charged
        on
            counted.company_id = charged.company_id
            and counted.order_id = charged.order_id
            and counted.source = charged.source
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
    is_fully_refunded,
    currency,
    exchange_rate,
    rate_date,
    gross_revenue,
    discount,
    cast(coalesce(tax, 0) as numeric(18, 4)) as tax,
    cast(coalesce(shipping, 0) as numeric(18, 4)) as shipping,
    refunded,
    fees,
    net_revenue,
    cast(net_revenue - gross_margin as numeric(18, 4)) as cost,
    cast(gross_margin - fees as numeric(18, 4)) as contribution_margin,
    gross_revenue_base,
    discount_base,
    cast(coalesce(tax_base, 0) as numeric(18, 4)) as tax_base,
    cast(coalesce(shipping_base, 0) as numeric(18, 4)) as shipping_base,
    refunded_base,
    fees_base,
    net_revenue_base,
    cast(net_revenue_base - gross_margin_base as numeric(18, 4)) as cost_base,
    cast(gross_margin_base - fees_base as numeric(18, 4)) as contribution_margin_base
from joined
