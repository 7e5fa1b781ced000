with companies as (
    select * from {{ ref('dim_companies') }}
),

customers as (
    select * from {{ ref('int_customers_acquired') }}
),

spent as (
    select
        spend.company_id,
        spend.channel,
        {{ month_start('spend.spend_date') }} as month_start,
        sum(
            case
                when spend.currency = companies.base_currency then spend.amount
                else spend.amount * rates.exchange_rate
            end
        ) as spend_base,
        count(*) filter (
            where spend.currency <> companies.base_currency and rates.exchange_rate is null
        ) as unconverted
    from {{ ref('stg_files__marketing_spend') }} as spend
    inner join companies on spend.company_id = companies.company_id
    left join {{ ref('int_exchange_rates_crossed') }} as rates
        on
            spend.currency = rates.currency
            and spend.spend_date = rates.rate_date
            and companies.base_currency = rates.base_currency
    group by spend.company_id, spend.channel, {{ month_start('spend.spend_date') }}
),

acquired as (
    select
        company_id,
        channel,
        acquired_month as month_start,
        count(*) as new_customers
    from customers
    group by company_id, channel, acquired_month
),

-- What the month's new customers have brought since, month by month.
brought as (
    select
        customers.company_id,
        customers.channel,
        customers.acquired_month as month_start,
        {{ months_between('customers.acquired_month', month_start('days.order_date')) }}
            as months_since,
        sum(days.net_revenue_base) as revenue,
        sum(days.margin_base) as margin
    from customers
    inner join {{ ref('int_customer_days_summed') }} as days
        on
            customers.company_id = days.company_id
            and customers.customer_id = days.customer_id
    group by
        customers.company_id, customers.channel, customers.acquired_month,
        {{ months_between('customers.acquired_month', month_start('days.order_date')) }}
),

cumulated as (
    select
        brought.*,
        sum(brought.margin) over (
            partition by brought.company_id, brought.channel, brought.month_start
            order by brought.months_since
        ) as margin_so_far
    from brought
),

lifetimes as (
    select
        cumulated.company_id,
        cumulated.channel,
        cumulated.month_start,
        sum(cumulated.revenue) as revenue,
        sum(cumulated.margin) as margin,
        min(cumulated.months_since) filter (
            where cumulated.margin_so_far >= spent.spend_base
        ) as payback_months
    from cumulated
    left join spent
        on
            cumulated.company_id = spent.company_id
            and cumulated.channel = spent.channel
            and cumulated.month_start = spent.month_start
            and spent.unconverted = 0
    group by cumulated.company_id, cumulated.channel, cumulated.month_start
),

cells as (
    select
        company_id,
        channel,
        month_start
    from spent
    union
    select
        company_id,
        channel,
        month_start
    from acquired
)

-- Spend that has no rate makes a month's cost unknown, never smaller. A channel that nobody spent
-- on cost nothing that is known.
select
    cells.company_id,
    cells.channel,
    cells.month_start as month,
    cast(coalesce(acquired.new_customers, 0) as integer) as new_customers,
    {{ money('case when spent.unconverted = 0 then spent.spend_base end') }} as spend_base,
    {{ money(
        'case when spent.unconverted = 0 then spent.spend_base end'
        ~ ' / nullif(acquired.new_customers, 0)'
    ) }} as customer_acquisition_cost_base,
    {{ money('coalesce(lifetimes.revenue, 0)') }} as revenue_base,
    {{ money('coalesce(lifetimes.margin, 0)') }} as margin_base,
    cast(
        lifetimes.margin
        / nullif(case when spent.unconverted = 0 then spent.spend_base end, 0) as double precision
    ) as ltv_to_cac,
    lifetimes.payback_months
from cells
left join spent
    on
        cells.company_id = spent.company_id
        and cells.channel = spent.channel
        and cells.month_start = spent.month_start
left join acquired
    on
        cells.company_id = acquired.company_id
        and cells.channel = acquired.channel
        and cells.month_start = acquired.month_start
left join lifetimes
    on
        cells.company_id = lifetimes.company_id
        and cells.channel = lifetimes.channel
        and cells.month_start = lifetimes.month_start
