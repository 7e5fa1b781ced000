with companies as (
    select * from {{ ref('int_companies_bounded') }}
),

months as (
    select
        companies.company_id,
        companies.as_of_date,
        cast(calendar.month_start as date) as month_start
    from companies
    cross join
        lateral {{ month_starts('companies.first_order_date', 'companies.as_of_date') }}
            as calendar (month_start)
)

select
    company_id,
    month_start,
    {{ month_end('month_start') }} as month_end,
    {{ month_end('month_start') }} <= as_of_date as is_over
from months
