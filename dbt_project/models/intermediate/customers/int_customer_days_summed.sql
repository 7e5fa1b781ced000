with order_lines as (
    select * from {{ ref('int_order_lines_converted') }}
    where exchange_rate is not null and customer_id is not null
),

orders as (
    select * from {{ ref('int_orders_assembled') }}
    where is_purchase and customer_id is not null
),

first_product_days as (
    select
        company_id,
        customer_id,
        product,
        min(order_date) as order_date
    from order_lines
    where product is not null and net_revenue >= 0
    group by company_id, customer_id, product
),

new_products as (
    select
        company_id,
        customer_id,
        order_date,
        count(*) as new_products
    from first_product_days
    group by company_id, customer_id, order_date
),

-- Money on the day it moved: a refund on its own date, so that a cut by date never leaks.
line_days as (
    select
        company_id,
        customer_id,
        order_date,
        {{ money('sum(gross_revenue_base)') }} as gross_revenue_base,
        {{ money('sum(discount_base)') }} as discount_base,
        {{ money('sum(refunded_base)') }} as refunded_base,
        {{ money('sum(net_revenue_base)') }} as net_revenue_base,
        {{ money('sum(contribution_margin_base)') }} as margin_base
    from order_lines
    group by company_id, customer_id, order_date
),

order_days as (
    select
        company_id,
        customer_id,
        order_date,
        count(*) as orders,
        case
            when bool_and(fully_refunded_on is not null or gross_revenue = 0)
                then max(fully_refunded_on)
        end as fully_refunded_on,
        {{ days_between(
            'lag(order_date) over (partition by company_id, customer_id order by order_date)',
            'order_date'
        ) }} as days_since_previous_order
    from orders
    group by company_id, customer_id, order_date
)

select
    line_days.company_id,
    line_days.customer_id,
    line_days.order_date,
    cast(coalesce(order_days.orders, 0) as integer) as orders,
    line_days.gross_revenue_base,
    line_days.discount_base,
    line_days.refunded_base,
    line_days.net_revenue_base,
    line_days.margin_base,
    order_days.fully_refunded_on,
    order_days.days_since_previous_order,
    cast(coalesce(new_products.new_products, 0) as integer) as new_products
from line_days
left join order_days
    on
        line_days.company_id = order_days.company_id
        and line_days.customer_id = order_days.customer_id
        and line_days.order_date = order_days.order_date
left join new_products
    on
        line_days.company_id = new_products.company_id
        and line_days.customer_id = new_products.customer_id
        and line_days.order_date = new_products.order_date
