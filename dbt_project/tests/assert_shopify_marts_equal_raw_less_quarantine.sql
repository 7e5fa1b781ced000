-- Counts and adds up what landed in another way than the models do: order by order, from the shop's
-- own totals where it has them.
with held as (
    select company_id from {{ ref('stg_quarantine__held_companies') }}
),

companies as (
    select company_id from {{ ref('stg_files__companies') }}
    where company_id not in (select held.company_id from held)
),

landed_orders as (
    select
        orders.company_id,
        orders.order_id,
        coalesce(orders.presentment_currency, 'none') as currency,
        not orders.is_test
        and orders.cancelled_at is null
        and orders.financial_status in ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED') as is_counted
    from {{ ref('stg_shopify__orders') }} as orders
    inner join companies on orders.company_id = companies.company_id
    where not exists (
        select 1
        from {{ ref('stg_shopify__deletions') }} as deletions
        where
            deletions.company_id = orders.company_id
            and deletions.entity = 'orders'
            and deletions.entity_id = orders.order_id
    )
),

landed_goods as (
    select
        order_lines.company_id,
        order_lines.order_id,
        sum(
            order_lines.original_total_presentment - case
                when orders.taxes_included then order_lines.tax_presentment else 0
            end
        ) as amount
    from {{ ref('stg_shopify__order_lines') }} as order_lines
    inner join {{ ref('stg_shopify__orders') }} as orders
        on
            order_lines.company_id = orders.company_id
            and order_lines.order_id = orders.order_id
    where not order_lines.is_gift_card
    group by order_lines.company_id, order_lines.order_id
),

landed_discounts as (
    select
        discounts.company_id,
        discounts.order_id,
        sum(discounts.amount_presentment) as amount
    from {{ ref('stg_shopify__order_line_discounts') }} as discounts
    inner join {{ ref('stg_shopify__order_lines') }} as order_lines
        on
            discounts.company_id = order_lines.company_id
            and discounts.order_line_id = order_lines.order_line_id
    where not order_lines.is_gift_card
    group by discounts.company_id, discounts.order_id
),

landed as (
    select
        landed_orders.company_id,
        landed_orders.currency,
        count(*) as orders,
        coalesce(sum(
            coalesce(landed_goods.amount, 0) - coalesce(landed_discounts.amount, 0)
        ) filter (where landed_orders.is_counted), 0) as amount
    from landed_orders
    left join landed_goods
        on
            landed_orders.company_id = landed_goods.company_id
            and landed_orders.order_id = landed_goods.order_id
    left join landed_discounts
        on
            landed_orders.company_id = landed_discounts.company_id
            and landed_orders.order_id = landed_discounts.order_id
    group by landed_orders.company_id, landed_orders.currency
),

accounted_rows as (
    select
        company_id,
        currency,
        1 as orders,
        gross_revenue - discount as amount
    from {{ ref('fct_orders') }}
    where source = 'shopify'
    union all
    select
        company_id,
        currency,
        1 as orders,
        0 as amount
    from {{ ref('orders_without_rate') }}
    where source = 'shopify'
    union all
    -- A line in quarantine shows its net alone; what came back is no part of what was bought.
    select
        company_id,
        currency,
        0 as orders,
        amount
    from {{ ref('order_lines_without_rate') }}
    where source = 'shopify' and order_line_id not like 'refund-%'
),

accounted as (
    select
        company_id,
        coalesce(currency, 'none') as currency,
        sum(orders) as orders,
        sum(amount) as amount
    from accounted_rows
    where company_id not in (select held.company_id from held)
    group by company_id, coalesce(currency, 'none')
)

select
    coalesce(landed.company_id, accounted.company_id) as company_id,
    coalesce(landed.currency, accounted.currency) as currency,
    landed.orders as landed_orders,
    accounted.orders as accounted_orders,
    landed.amount as landed_amount,
    accounted.amount as accounted_amount
from landed
full outer join accounted
    on landed.company_id = accounted.company_id and landed.currency = accounted.currency
where
    landed.orders is distinct from accounted.orders
    or landed.amount is distinct from accounted.amount
