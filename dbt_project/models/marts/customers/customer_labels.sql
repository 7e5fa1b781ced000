{{ config(materialized='kept_table', days=['as_of_date', 'horizon_months']) }}

with snapshots as (
    select * from {{ ref('int_customer_snapshots_spined') }}
),

companies as (
    select * from {{ ref('dim_companies') }}
),

horizons as (
    select * from {{ ref('int_company_horizons_unnested') }}
),

customer_days as (
    select * from {{ ref('int_customer_days_summed') }}
),

ends {{ as_computed_each_time() }} (
    select
        snapshots.company_id,
        snapshots.customer_id,
        snapshots.as_of_date,
        horizons.horizon_months,
        companies.as_of_date as last_known_date,
        {{ add_days('snapshots.as_of_date', 'horizons.horizon_days') }} as window_end_date
    from snapshots
    inner join companies on snapshots.company_id = companies.company_id
    inner join horizons on snapshots.company_id = horizons.company_id
),

-- No purchase is 0 in a window that is over, and not known in one that is not.
windows as (
    select
        company_id,
        customer_id,
        as_of_date,
        horizon_months,
        window_end_date,
        window_end_date <= last_known_date as is_window_over,
        case when window_end_date <= last_known_date then 0 end as zero_if_over,
        row_number() over () as place
    from ({{ rows_to_build('ends', ['as_of_date', 'horizon_months']) }}) as to_build
),

purchases as (
    select
        windows.place,
        sum(customer_days.orders) as orders,
        sum(customer_days.gross_revenue_base) as gross_revenue_base,
        sum(customer_days.net_revenue_base) as net_revenue_base,
        sum(customer_days.margin_base) as margin_base
    from windows
    inner join customer_days
        on
            windows.company_id = customer_days.company_id
            and windows.customer_id = customer_days.customer_id
            and windows.as_of_date < customer_days.order_date
            and windows.window_end_date >= customer_days.order_date
    where windows.is_window_over
    group by windows.place
)

select
    windows.company_id,
    windows.customer_id,
    windows.as_of_date,
    windows.horizon_months,
    windows.window_end_date,
    windows.is_window_over,
    cast(coalesce(purchases.orders, windows.zero_if_over) as integer) as orders,
    cast(coalesce(purchases.gross_revenue_base, windows.zero_if_over) as numeric(18, 4))
        as gross_revenue_base,
    cast(coalesce(purchases.net_revenue_base, windows.zero_if_over) as numeric(18, 4))
        as net_revenue_base,
    cast(coalesce(purchases.margin_base, windows.zero_if_over) as numeric(18, 4)) as margin_base
from windows
left join purchases on windows.place = purchases.place
