{{ config(severity='warn') }}

-- Duties and what else the API adds to a price are not landed, so this is a warning. A gift card is
-- paid for and no revenue.
select
    classified.company_id,
    classified.order_id,
    classified.total_price,
    orders.gross_revenue - orders.discount + orders.tax + orders.shipping + classified.tip as parts
from {{ ref('int_shopify_orders_classified') }} as classified
inner join {{ ref('fct_orders') }} as orders
    on
        classified.company_id = orders.company_id
        and classified.order_id = orders.order_id
        and classified.source = orders.source
where
    orders.order_lines > 0
    and not exists (
        select 1
        from {{ ref('stg_shopify__order_lines') }} as order_lines
        where
            order_lines.company_id = classified.company_id
            and order_lines.order_id = classified.order_id
            and order_lines.is_gift_card
    )
    and classified.total_price
    <> orders.gross_revenue - orders.discount + orders.tax + orders.shipping + classified.tip
