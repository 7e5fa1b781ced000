{{ config(materialized='replaced_view') }}

with orders as (
    select * from {{ ref('int_woocommerce_orders_classified') }}
    where status = 'completed'
),

-- The site keeps no history of costs: today's is taken for every piece ever sold. It is in the
-- site's own currency, which the company's is taken to be.
goods as (
    select
        order_lines.company_id,
        order_lines.order_line_id as item_id,
        'woocommerce-' || order_lines.order_id as order_id,
        'woocommerce-' || order_lines.product_id as product_id,
        coalesce(products.name, order_lines.name) as product,
        order_lines.quantity,
        order_lines.subtotal as gross_revenue,
        order_lines.subtotal - order_lines.total as discount,
        order_lines.total as net_revenue,
        coalesce(variations.unit_cost, products.unit_cost) as unit_cost
    from {{ ref('stg_woocommerce__order_lines') }} as order_lines
    left join {{ ref('stg_woocommerce__products') }} as products
        on
            order_lines.company_id = products.company_id
            and order_lines.product_id = products.product_id
    left join {{ ref('stg_woocommerce__variations') }} as variations
        on
            order_lines.company_id = variations.company_id
            and order_lines.variation_id = variations.variation_id
),

-- A fee is sold too, such as wrapping; a negative one is a discount.
charges as (
    select
        company_id,
        order_fee_id as item_id,
        'woocommerce-' || order_id as order_id,
        cast(null as text) as product_id,
        name as product,
        cast(null as numeric) as quantity,
        greatest(total, 0) as gross_revenue,
        greatest(-total, 0) as discount,
        total as net_revenue,
        cast(null as numeric) as unit_cost
    from {{ ref('stg_woocommerce__order_fees') }}
),

sold as (
    select items.*
    from (
        select * from goods
        union all
        select * from charges
    ) as items
    inner join orders
        on items.company_id = orders.company_id and items.order_id = orders.order_id
),

order_goods as (
    select
        company_id,
        order_id,
        sum(net_revenue) as net_revenue
    from sold
    group by company_id, order_id
),

-- A price that was raised on an order shows as a negative discount: it is part of the price.
purchases as (
    select
        company_id,
        'woocommerce-' || item_id as order_line_id,
        order_id,
        cast(null as text) as refund_id,
        product_id,
        product,
        quantity,
        greatest(gross_revenue, net_revenue) as gross_revenue,
        greatest(gross_revenue, net_revenue) - net_revenue as discount,
        cast(0 as numeric) as refunded,
        unit_cost * quantity as cost_base
    from sold
),

refunds as (
    select
        refunds.*,
        'woocommerce-' || refunds.order_id as assigned_order_id
    from {{ ref('stg_woocommerce__refunds') }} as refunds
    left join {{ ref('stg_woocommerce__deletions') }} as gone
        on
            refunds.company_id = gone.company_id
            and refunds.refund_id = gone.entity_id
            and gone.entity = 'refunds'
    where gone.entity_id is null
),

-- The site doesn't say whether pieces went back on the shelf, so their cost stays spent.
returned as (
    select
        refund_lines.company_id,
        'woocommerce-' || refund_lines.refund_line_id as order_line_id,
        refunds.assigned_order_id as order_id,
        refund_lines.refund_id,
        case
            when refund_lines.product_id is not null
                then 'woocommerce-' || refund_lines.product_id
        end as product_id,
        refund_lines.name as product,
        refund_lines.quantity,
        case when refund_lines.type = 'shipping' then 0 else -refund_lines.total end as refunded,
        -refund_lines.total - coalesce(refund_lines.total_tax, 0) as due,
        refund_lines.type,
        sold.unit_cost * 0 as cost_base
    from {{ ref('stg_woocommerce__refund_lines') }} as refund_lines
    inner join refunds
        on
            refund_lines.company_id = refunds.company_id
            and refund_lines.refund_id = refunds.refund_id
    left join sold
        on
            refund_lines.company_id = sold.company_id
            and refund_lines.order_item_id = sold.item_id
),

returned_totals as (
    select
        company_id,
        refund_id,
        sum(refunded) as refunded,
        sum(due) as due
    from returned
    group by company_id, refund_id
),

-- What was paid back beside the pieces, or less than they are worth.
beside as (
    select
        refunds.company_id,
        refunds.refund_id,
        refunds.assigned_order_id as order_id,
        refunds.created_at,
        order_goods.net_revenue as goods,
        coalesce(returned_totals.refunded, 0) as pieces,
        coalesce(returned_totals.refunded, 0) + greatest(
            refunds.amount - coalesce(returned_totals.due, 0),
            -coalesce(returned_totals.refunded, 0)
        ) as goods_back
    from refunds
    inner join order_goods
        on
            refunds.company_id = order_goods.company_id
            and refunds.assigned_order_id = order_goods.order_id
    left join returned_totals
        on
            refunds.company_id = returned_totals.company_id
            and refunds.refund_id = returned_totals.refund_id
),

summed as (
    select
        *,
        sum(goods_back) over (
            partition by company_id, order_id order by created_at, refund_id
        ) as goods_back_so_far
    from beside
),

-- An amount without pieces may hold tax: goods never bring back more than was paid for them.
adjustments as (
    select
        company_id,
        order_id,
        refund_id,
        least(goods_back_so_far, goods) - least(goods_back_so_far - goods_back, goods) - pieces
            as refunded
    from summed
),

all_lines as (
    select * from purchases
    union all
    select
        returned.company_id,
        returned.order_line_id,
        returned.order_id,
        returned.refund_id,
        returned.product_id,
        returned.product,
        returned.quantity,
        0 as gross_revenue,
        0 as discount,
        returned.refunded,
        returned.cost_base
    from returned
    inner join orders
        on returned.company_id = orders.company_id and returned.order_id = orders.order_id
    where returned.type <> 'shipping'
    union all
    select
        company_id,
        'refund-woocommerce-' || refund_id as order_line_id,
        order_id,
        refund_id,
        null as product_id,
        null as product,
        null as quantity,
        0 as gross_revenue,
        0 as discount,
        refunded,
        0 as cost_base
    from adjustments
    where refunded <> 0
)

select
    all_lines.company_id,
    all_lines.order_line_id,
    all_lines.order_id,
    refunds.created_at as refunded_at,
    all_lines.product_id,
    all_lines.product,
    all_lines.quantity,
    all_lines.gross_revenue,
    all_lines.discount,
    all_lines.refunded,
    all_lines.cost_base
from all_lines
left join refunds
    on all_lines.company_id = refunds.company_id and all_lines.refund_id = refunds.refund_id
