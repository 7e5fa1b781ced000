with customers as (
    select
        *,
        -- What a year is worth if there is any order in it, times the chance that there is none. A
        -- chance below one in twenty of an order is counted as that: the mean beyond says nothing.
        {{ money(
            'predicted_value_12m * cast(churn_probability_12m as numeric)' ~
            ' / greatest(cast(p_active_12m as numeric), 0.05)'
        ) }} as value_at_risk
    from {{ ref('customer_360') }}
    where is_at_risk
)

select
    company_id,
    customer_id,
    cast(
        row_number() over (
            partition by company_id
            order by value_at_risk desc, value_to_date desc, customer_id asc
        ) as integer
    ) as risk_rank,
    currency,
    value_to_date,
    predicted_value_12m,
    value_at_risk,
    churn_probability_12m,
    churn_risk,
    days_overdue,
    last_order_date,
    expected_next_order_date,
    best_intervention_date,
    business_segment,
    next_best_action,
    reason_1
from customers
