with companies as (
    select
        company_id,
        as_of_date
    from {{ ref('dim_companies') }}
),

-- The two days that are compared: today, and the month end that lies nearest to a quarter before.
dates as (
    select
        companies.company_id,
        companies.as_of_date,
        max(months.month_end) as from_date
    from companies
    inner join {{ ref('int_company_months_spined') }} as months
        on
            companies.company_id = months.company_id
            and {{ days_between('months.month_end', 'companies.as_of_date') }} >= 77
    group by companies.company_id, companies.as_of_date
),

snapshots as (
    select
        features.company_id,
        features.customer_id,
        features.as_of_date,
        dates.from_date,
        features.customer_stage,
        features.status_segment,
        -- Of order days it only matters whether there is more than one.
        features.is_repeat_buyer + 1 as order_days,
        features.net_revenue_sum / features.orders as average_order_value
    from {{ ref('customer_features') }} as features
    inner join dates
        on
            features.company_id = dates.company_id
            and (
                features.as_of_date = dates.from_date
                or features.as_of_date = dates.as_of_date
            )
),

typical_orders as (
    select
        company_id,
        as_of_date,
        percentile_cont(0.5) within group (order by average_order_value) as order_value
    from snapshots
    group by company_id, as_of_date
),

segments as (
    select
        snapshots.company_id,
        snapshots.customer_id,
        snapshots.as_of_date,
        snapshots.from_date,
        {{ business_segment(
            'snapshots.customer_stage',
            'snapshots.status_segment',
            'snapshots.order_days',
            'snapshots.average_order_value',
            'typical_orders.order_value'
        ) }} as business_segment
    from snapshots
    inner join typical_orders
        on
            snapshots.company_id = typical_orders.company_id
            and snapshots.as_of_date = typical_orders.as_of_date
)

select
    earlier.company_id,
    earlier.customer_id,
    earlier.from_date,
    today.as_of_date,
    earlier.business_segment as segment_from,
    today.business_segment as segment_to
from segments as earlier
inner join segments as today
    on
        earlier.company_id = today.company_id
        and earlier.customer_id = today.customer_id
        and earlier.as_of_date = earlier.from_date
        and today.as_of_date > today.from_date
