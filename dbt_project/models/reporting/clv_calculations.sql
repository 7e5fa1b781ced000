with predictions as (
    select * from {{ ref('int_clv_predictions_pivoted') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

customer_days as (
    select * from {{ ref('customer_daily') }}
),

-- Cut at the calculation, not at today: predictions may be older than the marts.
histories as (
    select
        predictions.company_id,
        predictions.customer_id,
        coalesce(sum(customer_days.orders), 0) as orders,
        coalesce(sum(customer_days.net_revenue_base), 0) as historical_value,
        {{ days_between(
            'min(customer_days.order_date) filter (where customer_days.orders > 0)',
            'predictions.calculation_date'
        ) }} as tenure_days
    from predictions
    left join customer_days
        on
            predictions.company_id = customer_days.company_id
            and predictions.customer_id = customer_days.customer_id
            and predictions.calculation_date >= customer_days.order_date
    group by predictions.company_id, predictions.customer_id, predictions.calculation_date
),

components as (
    select
        predictions.company_id,
        predictions.customer_id,
        predictions.calculation_date,
        predictions.currency,
        histories.orders,
        {{ money('histories.historical_value') }} as historical_value,
        {{ money('histories.historical_value / nullif(histories.orders, 0)') }}
            as average_order_value,
        round(
            nullif(histories.orders, 0) * 365.25 / greatest(histories.tenure_days, 365.25), 6
        ) as purchase_frequency,
        round(
            cast(least(1 / nullif(predictions.churn_probability_12m, 0), 10) as numeric), 6
        ) as expected_lifespan_years,
        predictions.predicted_value_12m,
        predictions.predicted_net_12m,
        predictions.confidence_12m,
        predictions.churn_probability_12m,
        predictions.eligibility,
        predictions.model_name,
        predictions.model_version
    from predictions
    inner join histories
        on
            predictions.company_id = histories.company_id
            and predictions.customer_id = histories.customer_id
    inner join customers
        on
            predictions.company_id = customers.company_id
            and predictions.customer_id = customers.customer_id
)

select
    company_id,
    customer_id,
    calculation_date,
    currency,
    cast(orders as integer) as orders,
    average_order_value,
    cast(purchase_frequency as double precision) as purchase_frequency,
    cast(expected_lifespan_years as double precision) as expected_lifespan_years,
    {{ money('average_order_value * purchase_frequency * expected_lifespan_years') }}
        as traditional_clv,
    historical_value,
    cast(null as numeric(18, 4)) as acquisition_cost,
    predicted_value_12m as predicted_value,
    predicted_net_12m as predicted_net,
    {{ money('historical_value + predicted_net_12m') }} as total_clv,
    confidence_12m as prediction_confidence,
    churn_probability_12m as churn_probability,
    eligibility,
    model_name as calculation_method,
    model_version
from components
