with customers as (
    select * from {{ ref('int_customers_summarised') }}
),

companies as (
    select * from {{ ref('dim_companies') }}
),

dated as (
    select
        customers.*,
        companies.as_of_date,
        {{ days_between('customers.first_order_date', 'companies.as_of_date') }} as tenure_days,
        {{ days_between('customers.last_order_date', 'companies.as_of_date') }} as recency_days
    from customers
    inner join companies on customers.company_id = companies.company_id
)

select
    company_id,
    customer_id,
    email_hash,
    sources,
    acquisition_channel,
    country,
    as_of_date,
    first_order_date,
    last_order_date,
    tenure_days,
    recency_days,
    {{ customer_stage('tenure_days') }} as customer_stage,
    {{ status_segment('recency_days') }} as status_segment,
    orders,
    gross_revenue_base,
    refunded_base,
    net_revenue_base,
    margin_base
from dated
