with order_lines as (
    select
        company_id,
        order_id,
        customer_id,
        coalesce(product_id, product) as product_key,
        product,
        quantity,
        gross_revenue_base,
        discount_base,
        refunded_base,
        net_revenue_base,
        gross_margin_base
    from {{ ref('fct_order_lines') }}
    where coalesce(product_id, product) is not null
),

customers as (
    select * from {{ ref('customer_360') }}
),

sold as (
    select
        company_id,
        product_key,
        max(product) as product,
        count(distinct order_id) filter (where gross_revenue_base > 0) as orders,
        count(distinct customer_id) filter (where gross_revenue_base > 0) as buyers,
        sum(quantity) as quantity,
        sum(gross_revenue_base) as gross_revenue,
        sum(discount_base) as discount,
        sum(refunded_base) as refunded,
        sum(net_revenue_base) as net_revenue,
        sum(gross_margin_base) as gross_margin
    from order_lines
    group by company_id, product_key
),

-- Whoever came with a product: it was in the first order, which may have held others.
first_buyers as (
    select distinct
        order_lines.company_id,
        order_lines.product_key,
        orders.customer_id
    from order_lines
    inner join {{ ref('fct_orders') }} as orders
        on
            order_lines.company_id = orders.company_id
            and order_lines.order_id = orders.order_id
            and orders.customer_order_number = 1
    where order_lines.gross_revenue_base > 0
),

brought as (
    select
        first_buyers.company_id,
        first_buyers.product_key,
        count(*) as new_customers,
        count(*) filter (where customers.orders > 1) as repeat_customers,
        avg(customers.value_to_date) as value_to_date,
        avg(customers.margin_to_date) as margin_to_date,
        avg(customers.predicted_net_12m) as predicted_net_12m,
        avg(customers.value_to_date + customers.predicted_net_12m) as ltv
    from first_buyers
    inner join customers
        on
            first_buyers.company_id = customers.company_id
            and first_buyers.customer_id = customers.customer_id
    group by first_buyers.company_id, first_buyers.product_key
)

select
    sold.company_id,
    sold.product_key,
    sold.product,
    companies.base_currency as currency,
    cast(sold.orders as integer) as orders,
    cast(sold.buyers as integer) as buyers,
    cast(sold.quantity as numeric(18, 4)) as quantity,
    {{ money('sold.gross_revenue') }} as gross_revenue_to_date,
    {{ money('sold.discount') }} as discount_to_date,
    {{ money('sold.refunded') }} as refunded_to_date,
    {{ money('sold.net_revenue') }} as net_revenue_to_date,
    {{ money('sold.gross_margin') }} as gross_margin_to_date,
    cast(coalesce(brought.new_customers, 0) as integer) as new_customers,
    cast(coalesce(brought.repeat_customers, 0) as integer) as repeat_customers,
    {{ money('brought.value_to_date') }} as value_to_date_per_new_customer,
    {{ money('brought.margin_to_date') }} as margin_to_date_per_new_customer,
    {{ money('brought.predicted_net_12m') }} as predicted_net_12m_per_new_customer,
    {{ money('brought.ltv') }} as ltv_per_new_customer
from sold
inner join {{ ref('dim_companies') }} as companies on sold.company_id = companies.company_id
left join brought
    on
        sold.company_id = brought.company_id
        and sold.product_key = brought.product_key
