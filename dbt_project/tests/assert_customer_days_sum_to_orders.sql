with days as (
    select
        company_id,
        customer_id,
        sum(orders) as orders,
        sum(gross_revenue_base) as gross_revenue,
        sum(net_revenue_base) as net_revenue,
        sum(margin_base) as margin
    from {{ ref('customer_daily') }}
    group by company_id, customer_id
),

-- What the payment of an order that doesn't count cost is a customer's, of whom another counts.
orders as (
    select
        company_id,
        customer_id,
        count(*) filter (where status = 'completed' and order_lines > 0) as orders,
        sum(gross_revenue_base) as gross_revenue,
        sum(net_revenue_base) as net_revenue,
        sum(contribution_margin_base) as margin
    from {{ ref('fct_orders') }}
    where customer_id is not null
    group by company_id, customer_id
    having max(order_lines) > 0
)

select
    days.company_id,
    days.customer_id
from days
full outer join orders
    on days.company_id = orders.company_id and days.customer_id = orders.customer_id
where
    days.orders is distinct from orders.orders
    or days.gross_revenue is distinct from orders.gross_revenue
    or days.net_revenue is distinct from orders.net_revenue
    or days.margin is distinct from orders.margin
