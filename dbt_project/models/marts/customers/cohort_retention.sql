with customers as (
    select
        company_id,
        customer_id,
        {{ month_start('first_order_date') }} as cohort_month
    from {{ ref('dim_customers') }}
    where first_order_date is not null
),

company_months as (
    select * from {{ ref('int_company_months_spined') }}
),

cohorts as (
    select
        company_id,
        cohort_month,
        count(*) as cohort_size
    from customers
    group by company_id, cohort_month
),

cells as (
    select
        cohorts.company_id,
        cohorts.cohort_month,
        cohorts.cohort_size,
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

activity as (
    select
        orders.company_id,
        customers.cohort_month,
        {{ month_start('orders.order_date') }} as month_start,
        count(distinct orders.customer_id) filter (
            where orders.status = 'completed'
        ) as active_customers,
        sum(orders.net_revenue_base) as revenue,
        sum(orders.contribution_margin_base) as margin
    from {{ ref('fct_orders') }} as orders
    inner join customers
        on
            orders.company_id = customers.company_id
            and orders.customer_id = customers.customer_id
    group by orders.company_id, customers.cohort_month, {{ month_start('orders.order_date') }}
),

filled as (
    select
        cells.*,
        coalesce(activity.active_customers, 0) as active_customers,
        coalesce(activity.revenue, 0) as revenue,
        coalesce(activity.margin, 0) as margin
    from cells
    left join activity
        on
            cells.company_id = activity.company_id
            and cells.cohort_month = activity.cohort_month
            and cells.month_start = activity.month_start
),

cumulated as (
    select
        *,
        sum(revenue) over cohort_so_far as cumulative_revenue,
        sum(margin) over cohort_so_far as cumulative_margin
    from filled
    window cohort_so_far as (partition by company_id, cohort_month order by months_since)
)

-- What a month that is still running has seen so far is not its result: null, never a low figure.
select
    company_id,
    cohort_month,
    'all' as dimension,
    'all' as dimension_value,
    months_since,
    cast(cohort_size as integer) as cohort_size,
    is_right_censored,
    case when not is_right_censored then cast(active_customers as integer) end
        as active_customers,
    case
        when not is_right_censored then active_customers / cast(cohort_size as double precision)
    end as retention,
    {{ money('case when not is_right_censored then revenue end') }} as revenue,
    {{ money('case when not is_right_censored then margin end') }} as margin,
    {{ money('case when not is_right_censored then cumulative_revenue / cohort_size end') }}
        as cumulative_revenue_per_customer,
    {{ money('case when not is_right_censored then cumulative_margin / cohort_size end') }}
        as cumulative_margin_per_customer
from cumulated
