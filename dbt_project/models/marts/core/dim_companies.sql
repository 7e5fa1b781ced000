with companies as (
    select * from {{ ref('stg_files__companies') }}
),

bounds as (
    select * from {{ ref('int_companies_bounded') }}
)

select
    companies.company_id,
    companies.name,
    companies.base_currency,
    companies.timezone,
    companies.margin_rate,
    companies.discount_rate,
    companies.horizons_months,
    companies.churn_window_days,
    companies.target_payback_months,
    bounds.first_order_date,
    bounds.as_of_date
from companies
left join bounds on companies.company_id = bounds.company_id
