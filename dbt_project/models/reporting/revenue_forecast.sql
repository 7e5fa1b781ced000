with companies as (
    select * from {{ ref('dim_companies') }}
),

months as (
    select * from {{ ref('int_company_months_spined') }}
),

forecasts as (
    select * from {{ source('ml', 'revenue_forecasts') }}
),

-- Cohorts are those of the forecast: quarters of the first day with a positive amount.
first_days as (
    select
        company_id,
        customer_id,
        to_char(min(order_date), 'YYYY"-Q"Q') as cohort
    from {{ ref('customer_daily') }}
    where gross_revenue_base > 0
    group by company_id, customer_id
),

brought as (
    select
        days.company_id,
        {{ month_start('days.order_date') }} as month_start,
        first_days.cohort,
        sum(days.gross_revenue_base) as revenue
    from {{ ref('customer_daily') }} as days
    inner join first_days
        on days.company_id = first_days.company_id and days.customer_id = first_days.customer_id
    where days.gross_revenue_base > 0
    group by days.company_id, {{ month_start('days.order_date') }}, first_days.cohort
),

cohorts as (
    select
        company_id,
        cohort,
        min(month_start) as first_month
    from brought
    group by company_id, cohort
    union all
    select
        company_id,
        'all' as cohort,
        min(month_start) as first_month
    from months
    group by company_id
),

history as (
    select
        months.company_id,
        months.month_start,
        cohorts.cohort,
        months.is_over,
        coalesce(sum(brought.revenue), 0) as revenue
    from months
    inner join cohorts
        on
            months.company_id = cohorts.company_id
            and months.month_start >= cohorts.first_month
    left join brought
        on
            months.company_id = brought.company_id
            and months.month_start = brought.month_start
            and cohorts.cohort in ('all', brought.cohort)
    group by months.company_id, months.month_start, cohorts.cohort, months.is_over
)

select
    coalesce(history.company_id, forecasts.company_id) as company_id,
    coalesce(history.month_start, forecasts.month) as month,
    coalesce(history.cohort, forecasts.cohort) as cohort,
    companies.base_currency as currency,
    {{ money('history.revenue') }} as actual,
    forecasts.forecast,
    forecasts.lower,
    forecasts.upper,
    forecasts.seasonal_naive,
    coalesce(history.is_over, false) as is_complete
from history
full join forecasts
    on
        history.company_id = forecasts.company_id
        and history.month_start = forecasts.month
        and history.cohort = forecasts.cohort
inner join companies on coalesce(history.company_id, forecasts.company_id) = companies.company_id
