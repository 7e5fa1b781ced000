with monthly as (
    select
        company_id,
        sum(fees_base - unmatched_fees_base) as fees_base
    from {{ ref('payment_fees_monthly') }}
    group by company_id
),

orders as (
    select
        company_id,
        sum(fees_base) as fees_base
    from {{ ref('fct_orders') }}
    group by company_id
)

select
    coalesce(monthly.company_id, orders.company_id) as company_id,
    monthly.fees_base as monthly_fees,
    orders.fees_base as fees_of_orders
from monthly
full outer join orders on monthly.company_id = orders.company_id
where coalesce(monthly.fees_base, 0) <> coalesce(orders.fees_base, 0)
