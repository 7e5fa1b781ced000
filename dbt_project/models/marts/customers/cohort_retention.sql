with customers as (
    select * from {{ ref('int_customer_cohorts_unpivoted') }}
),

company_months as (
    select * from {{ ref('int_company_months_spined') }}
),

cohorts as (
    select
        company_id,
        cohort_month,
        dimension,
        dimension_value,
        count(*) as cohort_size,
        row_number() over (
            order by company_id, cohort_month, dimension, dimension_value
        ) as cohort
    from customers
    group by company_id, cohort_month, dimension, dimension_value
),

-- Grouping many rows by one number costs a fraction of grouping them by four columns.
members as (
    select
        customers.company_id,
        customers.customer_id,
        cohorts.cohort
    from customers
    inner join cohorts
        on
            customers.company_id = cohorts.company_id
            and customers.cohort_month = cohorts.cohort_month
            and customers.dimension = cohorts.dimension
            and customers.dimension_value = cohorts.dimension_value
),

cells as (
    select
        cohorts.company_id,
        cohorts.cohort_month,
        cohorts.dimension,
        cohorts.dimension_value,
        cohorts.cohort_size,
        cohorts.cohort,
        company_months.month_start,
        {{ months_between('cohorts.cohort_month', 'company_months.month_start') }}
            as months_since,
        not company_months.is_over as is_right_censored
    from cohorts
    inner join company_months
        on
            cohorts.company_id = company_months.company_id
            and cohorts.cohort_month <= company_months.month_start
),

customer_months as (
    select
        company_id,
        customer_id,
        {{ month_start('order_date') }} as month_start,
        bool_or(status = 'completed') as is_active,
        sum(net_revenue_base) as revenue,
        sum(contribution_margin_base) as margin
    from {{ ref('fct_orders') }}
    where customer_id is not null
    group by company_id, customer_id, {{ month_start('order_date') }}
),

-- Whoever buys in a month had not left in any month before it.
last_months as (
    select
        company_id,
        customer_id,
        max(month_start) as last_month
    from customer_months
    where is_active
    group by company_id, customer_id
),

activity as (
    select
        members.cohort,
        customer_months.month_start,
        count(*) filter (where customer_months.is_active) as active_customers,
        sum(customer_months.revenue) as revenue,
        sum(customer_months.margin) as margin
    from members
    inner join customer_months
        on
            members.company_id = customer_months.company_id
            and members.customer_id = customer_months.customer_id
    group by members.cohort, customer_months.month_start
),

departures as (
    select
        members.cohort,
        last_months.last_month as month_start,
        count(*) as last_seen
    from members
    inner join last_months
        on
            members.company_id = last_months.company_id
            and members.customer_id = last_months.customer_id
    group by members.cohort, last_months.last_month
),

filled as (
    select
        cells.*,
        coalesce(activity.active_customers, 0) as active_customers,
        coalesce(activity.revenue, 0) as revenue,
        coalesce(activity.margin, 0) as margin,
        coalesce(departures.last_seen, 0) as last_seen
    from cells
    left join activity
        on cells.cohort = activity.cohort and cells.month_start = activity.month_start
    left join departures
        on cells.cohort = departures.cohort and cells.month_start = departures.month_start
),

cumulated as (
    select
        *,
        sum(revenue) over cohort_so_far as cumulative_revenue,
        sum(margin) over cohort_so_far as cumulative_margin,
        sum(last_seen) over cohort_from_here as retained_customers
    from filled
    window
        cohort_so_far as (partition by cohort order by months_since),
        cohort_from_here as (partition by cohort order by months_since desc)
)

-- What a month that is still running has seen so far is not its result: null, never a low figure.
select
    company_id,
    cohort_month,
    dimension,
    dimension_value,
    months_since,
    cast(cohort_size as integer) as cohort_size,
    is_right_censored,
    case when not is_right_censored then cast(active_customers as integer) end
        as active_customers,
    case
        when not is_right_censored then active_customers / cast(cohort_size as double precision)
    end as retention,
    case when not is_right_censored then cast(retained_customers as integer) end
        as retained_customers,
    case
        when not is_right_censored then retained_customers / cast(cohort_size as double precision)
    end as retention_on_or_after,
    {{ money('case when not is_right_censored then revenue end') }} as revenue,
    {{ money('case when not is_right_censored then margin end') }} as margin,
    {{ money('case when not is_right_censored then cumulative_revenue / cohort_size end') }}
        as cumulative_revenue_per_customer,
    {{ money('case when not is_right_censored then cumulative_margin / cohort_size end') }}
        as cumulative_margin_per_customer
from cumulated
