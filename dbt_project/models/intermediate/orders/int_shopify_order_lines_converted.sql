{{ config(materialized='replaced_view') }}

{% set sides = ['', '_presentment'] %}
{% set of_orders = [
    'taxes_included', 'customer_id', 'email_hash', 'source', 'ordered_at', 'order_date', 'channel',
    'country', 'timezone', 'margin_rate', 'currency', 'base_currency', 'base_side', 'exchange_rate'
] %}

with orders {{ as_computed_each_time() }} (
    select * from {{ ref('int_shopify_orders_classified') }}
    where status = 'completed'
),

order_lines as (
    select * from {{ ref('stg_shopify__order_lines') }}
),

refunds as (
    select * from {{ ref('stg_shopify__refunds') }}
),

-- The shop keeps no history of costs: today's is taken for every piece ever sold.
unit_costs as (
    select
        company_id,
        variant_id,
        unit_cost,
        unit_cost_currency
    from {{ ref('stg_shopify__variants') }}
    where unit_cost is not null
),

-- The allocations hold the discounts on the whole order too, which the line's own total leaves out.
discounts as (
    select
        company_id,
        order_line_id,
        sum(amount) as amount,
        sum(amount_presentment) as amount_presentment
    from {{ ref('stg_shopify__order_line_discounts') }}
    group by company_id, order_line_id
),

-- A gift card is money paid ahead: it is revenue when it is spent, and nothing when it is sold.
sold {{ as_computed_each_time() }} (
    select
        order_lines.company_id,
        order_lines.order_line_id,
        order_lines.order_id,
        order_lines.product_id,
        order_lines.title as product,
        order_lines.quantity,
        order_lines.is_gift_card,
        {%- for column in of_orders %}
            orders.{{ column }},
        {%- endfor %}
        case
            when unit_costs.unit_cost_currency = orders.base_currency
                then unit_costs.unit_cost
        end as unit_cost_base,
        {%- for side in sides %}
            case
                when order_lines.is_gift_card then 0
                else order_lines.{{ 'original_total' ~ side }}
            end as {{ 'price' ~ side }},
            case
                when order_lines.is_gift_card then 0
                else
                    order_lines.{{ 'original_total' ~ side }}
                    - coalesce(discounts.{{ 'amount' ~ side }}, 0)
            end as {{ 'paid' ~ side }},
            case
                when orders.taxes_included and not order_lines.is_gift_card
                    then order_lines.{{ 'tax' ~ side }}
                else 0
            end as {{ 'tax_in_price' ~ side }}
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from order_lines
    inner join orders
        on
            order_lines.company_id = orders.company_id
            and order_lines.order_id = orders.order_id
    left join discounts
        on
            order_lines.company_id = discounts.company_id
            and order_lines.order_line_id = discounts.order_line_id
    left join unit_costs
        on
            order_lines.company_id = unit_costs.company_id
            and order_lines.variant_id = unit_costs.variant_id
),

-- Of a price that includes tax, list price and discount carry the same share of it.
purchases {{ as_computed_each_time() }} (
    select
        company_id,
        order_line_id,
        order_id,
        {%- for column in of_orders %}
            {{ column }},
        {%- endfor %}
        cast(null as text) as refund_id,
        product_id,
        product,
        quantity,
        {%- for side in sides %}
            coalesce(
                round(
                    {{ 'price' ~ side }} * ({{ 'paid' ~ side }} - {{ 'tax_in_price' ~ side }})
                    / nullif({{ 'paid' ~ side }}, 0),
                    4
                ),
                {{ 'price' ~ side }}
            ) as {{ 'gross_revenue' ~ side }},
            {{ 'paid' ~ side }} - {{ 'tax_in_price' ~ side }} as {{ 'net_revenue' ~ side }},
            cast(0 as numeric) as {{ 'refunded' ~ side }},
        {%- endfor %}
        unit_cost_base * quantity as cost_base
    from sold
),

refunded_orders as (
    select
        company_id,
        order_id
    from refunds
    union
    select
        company_id,
        order_id
    from {{ ref('stg_shopify__refund_lines') }}
),

sold_of_refunded as (
    select sold.*
    from sold
    inner join refunded_orders
        on
            sold.company_id = refunded_orders.company_id
            and sold.order_id = refunded_orders.order_id
),

-- Pieces that came back and can be sold again bring their cost back.
returned as (
    select
        refund_lines.company_id,
        'refund-' || refund_lines.refund_id || '-' || refund_lines.position as order_line_id,
        sold.order_id,
        {%- for column in of_orders %}
            sold.{{ column }},
        {%- endfor %}
        refund_lines.refund_id,
        sold.product_id,
        sold.product,
        -refund_lines.quantity as quantity,
        {%- for side in sides %}
            case
                when sold.is_gift_card then 0
                when sold.taxes_included
                    then
                        refund_lines.{{ 'subtotal' ~ side }}
                        - refund_lines.{{ 'total_tax' ~ side }}
                else refund_lines.{{ 'subtotal' ~ side }}
            end as {{ 'refunded' ~ side }},
            case
                when sold.taxes_included then refund_lines.{{ 'subtotal' ~ side }}
                else refund_lines.{{ 'subtotal' ~ side }} + refund_lines.{{ 'total_tax' ~ side }}
            end as {{ 'due' ~ side }},
        {%- endfor %}
        case
            when refund_lines.is_restocked then -sold.unit_cost_base * refund_lines.quantity
            else sold.unit_cost_base * 0
        end as cost_base
    from {{ ref('stg_shopify__refund_lines') }} as refund_lines
    inner join sold_of_refunded as sold
        on
            refund_lines.company_id = sold.company_id
            and refund_lines.order_line_id = sold.order_line_id
),

returned_totals as (
    select
        company_id,
        refund_id,
        {%- for side in sides %}
            sum({{ 'refunded' ~ side }}) as {{ 'refunded' ~ side }},
            sum({{ 'due' ~ side }}) as {{ 'due' ~ side }}
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from returned
    group by company_id, refund_id
),

order_goods as (
    select
        company_id,
        order_id,
        {%- for side in sides %}
            sum({{ 'paid' ~ side }} - {{ 'tax_in_price' ~ side }}) as {{ 'goods' ~ side }}
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from sold_of_refunded
    group by company_id, order_id
),

-- What was paid back beside the pieces, or less than they are worth. Pieces that were taken off
-- before they were paid count without any payment; on an order that was paid in full, the money
-- for them was kept, or comes back with a refund of its own.
beside as (
    select
        refunds.company_id,
        refunds.refund_id,
        refunds.order_id,
        refunds.processed_at,
        {%- for side in sides %}
            order_goods.{{ 'goods' ~ side }},
            coalesce(returned_totals.{{ 'refunded' ~ side }}, 0) as {{ 'pieces' ~ side }},
            case
                when refunds.payments_back > 0 or not orders.is_short_paid
                    then
                        refunds.{{ 'total_refunded' ~ side }}
                        - coalesce(returned_totals.{{ 'due' ~ side }}, 0)
                else 0
            end as {{ 'amount' ~ side }},
            orders.{{ 'refunded_shipping' ~ side }} + coalesce(
                round(
                    orders.{{ 'tax_on_shipping' ~ side }} * orders.{{ 'refunded_shipping' ~ side }}
                    / nullif(orders.{{ 'charged_shipping' ~ side }}, 0),
                    2
                ), 0
            ) as {{ 'shipping' ~ side }}
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from refunds
    inner join orders
        on refunds.company_id = orders.company_id and refunds.order_id = orders.order_id
    inner join order_goods
        on
            refunds.company_id = order_goods.company_id
            and refunds.order_id = order_goods.order_id
    left join returned_totals
        on
            refunds.company_id = returned_totals.company_id
            and refunds.refund_id = returned_totals.refund_id
),

running as (
    select
        *,
        {%- for side in sides %}
            coalesce(sum(greatest({{ 'amount' ~ side }}, 0)) over earlier_refunds, 0)
                as {{ 'amount_before' ~ side }}
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from beside
    window
        earlier_refunds as (
            partition by company_id, order_id
            order by processed_at, refund_id
            rows between unbounded preceding and 1 preceding
        )
),

-- The API tells what an order got back for shipping, not in which refund: the first take it.
goods_back as (
    select
        *,
        {%- for side in sides %}
            {{ 'pieces' ~ side }} + greatest(
                {{ 'amount' ~ side }} - greatest(
                    least(
                        {{ 'amount' ~ side }},
                        {{ 'shipping' ~ side }} - {{ 'amount_before' ~ side }}
                    ),
                    0
                ),
                -{{ 'pieces' ~ side }}
            ) as {{ 'value' ~ side }}
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from running
),

summed as (
    select
        *,
        {%- for side in sides %}
            sum({{ 'value' ~ side }}) over so_far as {{ 'value_so_far' ~ side }}
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from goods_back
    window so_far as (partition by company_id, order_id order by processed_at, refund_id)
),

-- An amount without pieces may hold tax: goods never bring back more than was paid for them.
adjustments as (
    select
        company_id,
        order_id,
        refund_id,
        {%- for side in sides %}
            least({{ 'value_so_far' ~ side }}, {{ 'goods' ~ side }})
            - least({{ 'value_so_far' ~ side }} - {{ 'value' ~ side }}, {{ 'goods' ~ side }})
            - {{ 'pieces' ~ side }} as {{ 'refunded' ~ side }}
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from summed
),

all_lines as (
    select
        company_id,
        order_line_id,
        order_id,
        {%- for column in of_orders %}
            {{ column }},
        {%- endfor %}
        refund_id,
        product_id,
        product,
        quantity,
        {%- for side in sides %}
            {{ 'gross_revenue' ~ side }},
            {{ 'gross_revenue' ~ side }} - {{ 'net_revenue' ~ side }} as {{ 'discount' ~ side }},
            {{ 'refunded' ~ side }},
        {%- endfor %}
        cost_base
    from purchases
    union all
    select
        company_id,
        order_line_id,
        order_id,
        {%- for column in of_orders %}
            {{ column }},
        {%- endfor %}
        refund_id,
        product_id,
        product,
        quantity,
        {%- for side in sides %}
            0 as {{ 'gross_revenue' ~ side }},
            0 as {{ 'discount' ~ side }},
            {{ 'refunded' ~ side }},
        {%- endfor %}
        cost_base
    from returned
    union all
    -- Money alone costs nothing but itself.
    select
        adjustments.company_id,
        'refund-' || adjustments.refund_id as order_line_id,
        adjustments.order_id,
        {%- for column in of_orders %}
            orders.{{ column }},
        {%- endfor %}
        adjustments.refund_id,
        null as product_id,
        null as product,
        null as quantity,
        {%- for side in sides %}
            0 as {{ 'gross_revenue' ~ side }},
            0 as {{ 'discount' ~ side }},
            adjustments.{{ 'refunded' ~ side }},
        {%- endfor %}
        0 as cost_base
    from adjustments
    inner join orders
        on
            adjustments.company_id = orders.company_id
            and adjustments.order_id = orders.order_id
    where adjustments.refunded <> 0 or adjustments.refunded_presentment <> 0
),

-- A refund has its own day, and the rate of its own money.
dated as (
    select
        all_lines.*,
        coalesce(refunds.processed_at, all_lines.ordered_at) as moved_at,
        case
            when refunds.refund_id is null then all_lines.order_date
            else {{ local_date('refunds.processed_at', 'all_lines.timezone') }}
        end as moved_on,
        case
            when all_lines.base_side = 'shop' and all_lines.exchange_rate is not null
                then coalesce(
                    nullif(refunds.total_refunded, 0)
                    / nullif(refunds.total_refunded_presentment, 0),
                    all_lines.exchange_rate
                )
            else all_lines.exchange_rate
        end as rate_of_money
    from all_lines
    left join refunds
        on all_lines.company_id = refunds.company_id and all_lines.refund_id = refunds.refund_id
),

converted as (
    select
        *,
        gross_revenue_presentment - discount_presentment - refunded_presentment
            as net_revenue_presentment,
        gross_revenue - discount - refunded as net_revenue
    from dated
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
    moved_at as ordered_at,
    moved_on as order_date,
    channel,
    country,
    product_id,
    product,
    cast(quantity as numeric(18, 4)) as quantity,
    currency,
    base_currency,
    rate_of_money as exchange_rate,
    case when rate_of_money is not null then moved_on end as rate_date,
    {{ money('gross_revenue_presentment') }} as gross_revenue,
    {{ money('discount_presentment') }} as discount,
    {{ money('refunded_presentment') }} as refunded,
    {{ money('net_revenue_presentment') }} as net_revenue,
    {{ money(
        'coalesce(net_revenue_presentment - cost_base / rate_of_money,'
        ~ ' net_revenue_presentment * margin_rate)'
    ) }} as gross_margin,
    {{ money(in_base('gross_revenue')) }} as gross_revenue_base,
    {{ money(in_base('discount')) }} as discount_base,
    {{ money(in_base('refunded')) }} as refunded_base,
    -- Of the rounded parts, so that they add up where a rate was used.
    cast(
        {{ money(in_base('gross_revenue')) }}
        - {{ money(in_base('discount')) }}
        - {{ money(in_base('refunded')) }} as numeric(18, 4)
    ) as net_revenue_base,
    {{ money(
        'coalesce(' ~ in_base('net_revenue') ~ ' - cost_base, '
        ~ in_base('net_revenue') ~ ' * margin_rate)'
    ) }} as gross_margin_base
from converted
