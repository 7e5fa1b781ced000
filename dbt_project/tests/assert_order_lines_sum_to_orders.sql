with order_lines as (
    select
        company_id,
        order_id,
        count(*) as order_lines,
        sum(net_revenue) as net_revenue,
        sum(net_revenue_base) as net_revenue_base
    from {{ ref('fct_order_lines') }}
    group by company_id, order_id
)

select
    orders.company_id,
    orders.order_id
from {{ ref('fct_orders') }} as orders
full outer join order_lines
    on orders.company_id = order_lines.company_id and orders.order_id = order_lines.order_id
where
    orders.order_lines is distinct from coalesce(order_lines.order_lines, 0)
    or orders.net_revenue is distinct from coalesce(order_lines.net_revenue, 0)
    or orders.net_revenue_base is distinct from coalesce(order_lines.net_revenue_base, 0)
