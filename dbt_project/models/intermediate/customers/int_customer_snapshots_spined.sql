with customers as (
    select * from {{ ref('int_customers_summarised') }}
),

snapshot_dates as (
    select
        company_id,
        month_end as as_of_date
    from {{ ref('int_company_months_spined') }}
    where is_over
    union
    select
        company_id,
        as_of_date
    from {{ ref('int_companies_bounded') }}
)

select
    customers.company_id,
    customers.customer_id,
    snapshot_dates.as_of_date,
    customers.first_order_date
from customers
inner join snapshot_dates
    on
        customers.company_id = snapshot_dates.company_id
        and customers.first_order_date <= snapshot_dates.as_of_date
