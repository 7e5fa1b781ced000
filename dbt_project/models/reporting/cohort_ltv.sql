with companies as (
    select * from {{ ref('dim_companies') }}
),

observed as (
    select * from {{ ref('cohort_retention') }}
    where dimension = 'all' and not is_right_censored
),

sizes as (
    select distinct
        company_id,
        cohort_month,
        cohort_size
    from {{ ref('cohort_retention') }}
    where dimension = 'all'
),

-- How gross revenue turns into what is kept: the same for every customer of a company.
rates as (
    select
        company_id,
        sum(predicted_net_12m) / nullif(sum(predicted_value_12m), 0) as net_rate,
        sum(predicted_margin_12m) / nullif(sum(predicted_value_12m), 0) as margin_rate
    from {{ ref('int_clv_predictions_pivoted') }}
    group by company_id
),

latest as (
    select distinct on (company_id, cohort_month)
        company_id,
        cohort_month,
        months_since,
        cumulative_revenue_per_customer,
        cumulative_margin_per_customer
    from observed
    order by company_id asc, cohort_month asc, months_since desc
),

ahead as (
    select
        forecasts.company_id,
        forecasts.cohort_month,
        forecasts.month,
        {{ months_between('forecasts.cohort_month', 'forecasts.month') }} as months_since,
        sum(forecasts.forecast) over so_far as forecast,
        sum(forecasts.lower) over so_far as lower_end,
        sum(forecasts.upper) over so_far as upper_end
    from {{ source('ml', 'cohort_forecasts') }} as forecasts
    window so_far as (
        partition by forecasts.company_id, forecasts.cohort_month order by forecasts.month
    )
),

extended as (
    select
        ahead.company_id,
        ahead.cohort_month,
        ahead.months_since,
        sizes.cohort_size,
        coalesce(latest.cumulative_revenue_per_customer, 0) as revenue_before,
        coalesce(latest.cumulative_margin_per_customer, 0) as margin_before,
        rates.net_rate,
        rates.margin_rate,
        ahead.forecast / sizes.cohort_size as forecast,
        ahead.lower_end / sizes.cohort_size as lower_end,
        ahead.upper_end / sizes.cohort_size as upper_end
    from ahead
    inner join sizes
        on ahead.company_id = sizes.company_id and ahead.cohort_month = sizes.cohort_month
    inner join rates on ahead.company_id = rates.company_id
    left join latest
        on ahead.company_id = latest.company_id and ahead.cohort_month = latest.cohort_month
    where ahead.months_since > coalesce(latest.months_since, -1)
),

cells as (
    select
        company_id,
        cohort_month,
        months_since,
        cohort_size as customers,
        true as is_observed,
        cumulative_revenue_per_customer as net_revenue_per_customer,
        cumulative_margin_per_customer as margin_per_customer,
        null as lower_end,
        null as upper_end
    from observed
    union all
    select
        company_id,
        cohort_month,
        months_since,
        cohort_size as customers,
        false as is_observed,
        revenue_before + forecast * net_rate as net_revenue_per_customer,
        margin_before + forecast * margin_rate as margin_per_customer,
        revenue_before + lower_end * net_rate as lower_end,
        revenue_before + upper_end * net_rate as upper_end
    from extended
)

select
    cells.company_id,
    cells.cohort_month,
    cells.months_since,
    cast(cells.customers as integer) as customers,
    companies.base_currency as currency,
    cells.is_observed,
    {{ money('cells.net_revenue_per_customer') }} as net_revenue_per_customer,
    {{ money('cells.margin_per_customer') }} as margin_per_customer,
    {{ money('cells.lower_end') }} as lower,
    {{ money('cells.upper_end') }} as upper
from cells
inner join companies on cells.company_id = companies.company_id
