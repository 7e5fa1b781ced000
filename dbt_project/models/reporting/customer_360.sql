with customers as (
    select
        *,
        net_revenue_base / nullif(orders, 0) as average_order_value
    from {{ ref('dim_customers') }}
),

companies as (
    select * from {{ ref('dim_companies') }}
),

rfm as (
    select * from {{ ref('customer_rfm') }}
),

predictions as (
    select * from {{ ref('int_clv_predictions_pivoted') }}
),

strategies as (
    select * from {{ ref('business_segments') }}
),

order_days as (
    select
        company_id,
        customer_id,
        count(*) as order_days
    from {{ ref('customer_daily') }}
    where orders > 0
    group by company_id, customer_id
),

typical_orders as (
    select
        company_id,
        percentile_cont(0.5) within group (order by average_order_value) as order_value
    from customers
    group by company_id
),

-- Equal customers take their lowest place, so that a tier never holds more than it says.
ranked as (
    select
        *,
        case
            when predicted_value_12m is not null
                then
                    cast(100 as double precision)
                    * (rank() over (predicted order by predicted_value_12m) - 1)
                    / count(*) over predicted
        end as value_percentile
    from predictions
    window predicted as (partition by company_id, predicted_value_12m is null)
),

assembled as (
    select
        customers.*,
        companies.base_currency as currency,
        rfm.r_score,
        rfm.f_score,
        rfm.m_score,
        rfm.rfm_segment,
        ranked.calculation_date,
        ranked.expected_orders_12m,
        ranked.predicted_value_3m,
        ranked.predicted_value_6m,
        ranked.predicted_value_12m,
        ranked.predicted_value_12m_lower,
        ranked.predicted_value_12m_upper,
        ranked.predicted_net_12m,
        ranked.predicted_margin_12m,
        ranked.predicted_discounted_12m,
        ranked.churn_probability_12m,
        ranked.value_percentile,
        ranked.eligibility,
        ranked.model_name,
        ranked.model_version,
        {{ business_segment(
            'customers.customer_stage',
            'customers.status_segment',
            'order_days.order_days',
            'customers.average_order_value',
            'typical_orders.order_value'
        ) }} as business_segment
    from customers
    inner join companies on customers.company_id = companies.company_id
    left join typical_orders on customers.company_id = typical_orders.company_id
    left join order_days
        on
            customers.company_id = order_days.company_id
            and customers.customer_id = order_days.customer_id
    left join rfm
        on
            customers.company_id = rfm.company_id
            and customers.customer_id = rfm.customer_id
    left join ranked
        on
            customers.company_id = ranked.company_id
            and customers.customer_id = ranked.customer_id
)

select
    assembled.company_id,
    assembled.customer_id,
    assembled.email_hash,
    assembled.acquisition_channel,
    assembled.country,
    assembled.as_of_date,
    assembled.first_order_date,
    assembled.last_order_date,
    assembled.tenure_days,
    assembled.recency_days,
    assembled.orders,
    assembled.currency,
    assembled.gross_revenue_base as gross_revenue_to_date,
    assembled.net_revenue_base as value_to_date,
    assembled.margin_base as margin_to_date,
    {{ money('assembled.average_order_value') }} as average_order_value,
    assembled.calculation_date,
    assembled.expected_orders_12m,
    assembled.predicted_value_3m,
    assembled.predicted_value_6m,
    assembled.predicted_value_12m,
    assembled.predicted_value_12m_lower,
    assembled.predicted_value_12m_upper,
    assembled.predicted_net_12m,
    assembled.predicted_margin_12m,
    assembled.predicted_discounted_12m,
    assembled.churn_probability_12m,
    assembled.value_percentile,
    {{ value_tier('assembled.value_percentile') }} as value_tier,
    assembled.r_score,
    assembled.f_score,
    assembled.m_score,
    assembled.rfm_segment,
    assembled.customer_stage,
    assembled.status_segment,
    assembled.business_segment,
    strategies.strategy,
    assembled.eligibility,
    assembled.model_name,
    assembled.model_version
from assembled
left join strategies on assembled.business_segment = strategies.business_segment
