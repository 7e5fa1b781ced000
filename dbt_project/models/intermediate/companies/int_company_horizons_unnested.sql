with companies as (
    select * from {{ ref('stg_files__companies') }}
),

horizons as (
    select
        companies.company_id,
        cast(horizon.months as integer) as horizon_months
    from companies
    cross join lateral {{ json_elements('companies.horizons_months') }} as horizon (months)
)

-- A month of a horizon is a twelfth of 365.25 days, whatever the calendar month.
select
    company_id,
    horizon_months,
    cast(round(30.4375 * horizon_months) as integer) as horizon_days
from horizons
