with order_lines {{ as_computed_each_time() }} (
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

customers as (
    select distinct
        company_id,
        customer_id
    from order_lines
),

-- Whoever bought something bears what payment cost, of orders that don't count too.
movements as (
    select
        company_id,
        customer_id,
        order_date,
        gross_revenue_base,
        discount_base,
        refunded_base,
        net_revenue_base,
        gross_margin_base as margin_base
    from order_lines
    union all
    select
        fees.company_id,
        fees.customer_id,
        fees.fee_date as order_date,
        0 as gross_revenue_base,
        0 as discount_base,
        0 as refunded_base,
        0 as net_revenue_base,
        -coalesce(fees.fee_base, 0) as margin_base
    from {{ ref('int_payment_fees_converted') }} as fees
    inner join customers
        on fees.company_id = customers.company_id and fees.customer_id = customers.customer_id
),

-- Money on the day it moved: a refund and a fee on their own dates, so that a cut by date never
-- leaks.
days as (
    select
        company_id,
        customer_id,
        order_date,
        {{ money('sum(gross_revenue_base)') }} as gross_revenue_base,
        {{ money('sum(discount_base)') }} as discount_base,
        {{ money('sum(refunded_base)') }} as refunded_base,
        {{ money('sum(net_revenue_base)') }} as net_revenue_base,
        {{ money('sum(margin_base)') }} as margin_base
    from movements
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
    days.company_id,
    days.customer_id,
    days.order_date,
    cast(coalesce(order_days.orders, 0) as integer) as orders,
    days.gross_revenue_base,
    days.discount_base,
    days.refunded_base,
    days.net_revenue_base,
    days.margin_base,
    order_days.fully_refunded_on,
    order_days.days_since_previous_order,
    cast(coalesce(new_products.new_products, 0) as integer) as new_products
from days
left join order_days
    on
        days.company_id = order_days.company_id
        and days.customer_id = order_days.customer_id
        and days.order_date = order_days.order_date
left join new_products
    on
        days.company_id = new_products.company_id
        and days.customer_id = new_products.customer_id
        and days.order_date = new_products.order_date
