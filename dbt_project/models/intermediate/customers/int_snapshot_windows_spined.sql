-- Horizon 0 is the snapshot itself. The state is what rows of a window depend on besides customers.
with companies as (
    select * from {{ ref('int_companies_bounded') }}
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
    from companies
),

windows as (
    select
        snapshot_dates.company_id,
        snapshot_dates.as_of_date,
        horizons.horizon_months,
        {{ add_days('snapshot_dates.as_of_date', 'horizons.horizon_days') }} as window_end_date
    from snapshot_dates
    inner join {{ ref('int_company_horizons_unnested') }} as horizons
        on snapshot_dates.company_id = horizons.company_id
)

select
    company_id,
    as_of_date,
    0 as horizon_months,
    '' as state
from snapshot_dates
union all
select
    windows.company_id,
    windows.as_of_date,
    windows.horizon_months,
    windows.window_end_date
    || case when windows.window_end_date <= companies.as_of_date then ' over' else ' open' end
        as state
from windows
inner join companies on windows.company_id = companies.company_id
