-- A company that knows nothing of a dimension has no rows of it, and products beyond the commonest
-- count together, so that cohorts grow with the months and not with the catalogue.
with customers as (
    select
        company_id,
        customer_id,
        {{ month_start('first_order_date') }} as cohort_month,
        acquisition_channel,
        country
    from {{ ref('dim_customers') }}
    where first_order_date is not null
),

first_orders as (
    select
        company_id,
        customer_id,
        order_id,
        case when discount > 0 then 'discounted' else 'full price' end as first_discount
    from {{ ref('fct_orders') }}
    where customer_order_number = 1
),

first_lines as (
    select
        order_lines.company_id,
        first_orders.customer_id,
        order_lines.product,
        row_number() over (
            partition by order_lines.company_id, first_orders.customer_id
            order by order_lines.gross_revenue_base desc, order_lines.product asc
        ) as place
    from {{ ref('fct_order_lines') }} as order_lines
    inner join first_orders
        on
            order_lines.company_id = first_orders.company_id
            and order_lines.order_id = first_orders.order_id
    where order_lines.product is not null and order_lines.refunded = 0
),

product_ranks as (
    select
        company_id,
        product,
        row_number() over (partition by company_id order by count(*) desc, product asc) as place
    from first_lines
    where place = 1
    group by company_id, product
),

first_products as (
    select
        first_lines.company_id,
        first_lines.customer_id,
        case when product_ranks.place <= 20 then first_lines.product else 'other' end
            as first_product
    from first_lines
    inner join product_ranks
        on
            first_lines.company_id = product_ranks.company_id
            and first_lines.product = product_ranks.product
    where first_lines.place = 1
),

described as (
    select
        customers.*,
        first_products.first_product,
        first_orders.first_discount,
        bool_or(customers.acquisition_channel is not null) over company as has_channel,
        bool_or(customers.country is not null) over company as has_country,
        bool_or(first_products.first_product is not null) over company as has_first_product,
        bool_or(first_orders.first_discount = 'discounted') over company as has_first_discount
    from customers
    left join first_orders
        on
            customers.company_id = first_orders.company_id
            and customers.customer_id = first_orders.customer_id
    left join first_products
        on
            customers.company_id = first_products.company_id
            and customers.customer_id = first_products.customer_id
    window company as (partition by customers.company_id)
)

select
    company_id,
    customer_id,
    cohort_month,
    'all' as dimension,
    'all' as dimension_value
from described
{%- for dimension, column in [
    ('channel', 'acquisition_channel'),
    ('country', 'country'),
    ('first_product', 'first_product'),
    ('first_discount', 'first_discount')
] %}
    union all
    select
        company_id,
        customer_id,
        cohort_month,
        '{{ dimension }}' as dimension,
        coalesce({{ column }}, 'unknown') as dimension_value
    from described
    where has_{{ dimension }}
{%- endfor %}
