with source as (
    select * from {{ source('raw_files', 'companies') }}
)

select
    company_id,
    name,
    upper(base_currency) as base_currency,
    timezone,
    cast(margin_rate as numeric) as margin_rate,
    cast(discount_rate as numeric) as discount_rate,
    cast(horizons_months as jsonb) as horizons_months,
    cast(churn_window_days as integer) as churn_window_days,
    cast(target_payback_months as integer) as target_payback_months
from source
