with companies as (
    select * from {{ ref('dim_companies') }}
),

customers as (
    select * from {{ ref('int_customers_acquired') }}
),

predictions as (
    select * from {{ ref('int_clv_predictions_pivoted') }}
),

months as (
    select * from {{ ref('int_company_months_spined') }}
),

spent as (
    select
        company_id,
        channel,
        sum(spend_base) as spend,
        sum(new_customers) as bought_customers
    from {{ ref('channel_performance') }}
    where spend_base is not null
    group by company_id, channel
),

-- Of each customer only months of life that are over, so that nobody's missing months count as 0.
lived as (
    select
        customers.company_id,
        customers.channel,
        {{ months_between('customers.acquired_month', 'months.month_start') }} as months_since,
        count(*) as customers
    from customers
    inner join months
        on
            customers.company_id = months.company_id
            and customers.acquired_month <= months.month_start
            and months.is_over
    group by
        customers.company_id, customers.channel,
        {{ months_between('customers.acquired_month', 'months.month_start') }}
),

earned as (
    select
        customers.company_id,
        customers.channel,
        {{ months_between('customers.acquired_month', month_start('days.order_date')) }}
            as months_since,
        sum(days.margin_base) as margin
    from customers
    inner join {{ ref('int_customer_days_summed') }} as days
        on
            customers.company_id = days.company_id
            and customers.customer_id = days.customer_id
    inner join months
        on
            customers.company_id = months.company_id
            and {{ month_start('days.order_date') }} = months.month_start
            and months.is_over
    group by
        customers.company_id, customers.channel,
        {{ months_between('customers.acquired_month', month_start('days.order_date')) }}
),

curves as (
    select
        lived.company_id,
        lived.channel,
        lived.months_since,
        lived.customers,
        sum(coalesce(earned.margin, 0) / lived.customers) over (
            partition by lived.company_id, lived.channel
            order by lived.months_since
        ) as margin_so_far
    from lived
    left join earned
        on
            lived.company_id = earned.company_id
            and lived.channel = earned.channel
            and lived.months_since = earned.months_since
),

to_date as (
    select
        company_id,
        customer_id,
        sum(margin_base) as margin
    from {{ ref('int_customer_days_summed') }}
    group by company_id, customer_id
),

values_by_channel as (
    select
        customers.company_id,
        customers.channel,
        count(*) as new_customers,
        avg(to_date.margin + predictions.predicted_margin_12m) as ltv
    from customers
    left join to_date
        on
            customers.company_id = to_date.company_id
            and customers.customer_id = to_date.customer_id
    left join predictions
        on
            customers.company_id = predictions.company_id
            and customers.customer_id = predictions.customer_id
    group by customers.company_id, customers.channel
),

channels as (
    select
        company_id,
        channel
    from values_by_channel
    union
    select
        company_id,
        channel
    from spent
),

targets as (
    select
        channels.company_id,
        channels.channel,
        companies.base_currency as currency,
        companies.target_payback_months,
        coalesce(values_by_channel.new_customers, 0) as new_customers,
        spent.spend / nullif(spent.bought_customers, 0) as cac,
        values_by_channel.ltv,
        at_target.margin_so_far as allowable_cac
    from channels
    inner join companies on channels.company_id = companies.company_id
    left join values_by_channel
        on
            channels.company_id = values_by_channel.company_id
            and channels.channel = values_by_channel.channel
    left join spent
        on
            channels.company_id = spent.company_id
            and channels.channel = spent.channel
    left join curves as at_target
        on
            channels.company_id = at_target.company_id
            and channels.channel = at_target.channel
            and companies.target_payback_months = at_target.months_since
            -- Fewer customers say little of a channel.
            and at_target.customers >= 20
)

select
    targets.company_id,
    targets.channel,
    targets.currency,
    cast(targets.new_customers as integer) as new_customers,
    {{ money('targets.cac') }} as cac,
    {{ money('targets.ltv') }} as ltv,
    cast(targets.ltv / nullif(targets.cac, 0) as double precision) as ltv_to_cac,
    min(curves.months_since) filter (where curves.margin_so_far >= targets.cac)
        as payback_months,
    cast(targets.target_payback_months as integer) as target_payback_months,
    {{ money('targets.allowable_cac') }} as allowable_cac
from targets
left join curves
    on
        targets.company_id = curves.company_id
        and targets.channel = curves.channel
group by
    targets.company_id, targets.channel, targets.currency, targets.new_customers, targets.cac,
    targets.ltv, targets.target_payback_months, targets.allowable_cac
