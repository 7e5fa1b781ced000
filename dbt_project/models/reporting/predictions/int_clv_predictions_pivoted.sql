-- The newest of each company by the index: earlier ones are never read.
with newest as (
    select
        companies.company_id,
        (
            select max(calculated.calculation_date)
            from {{ source('ml', 'clv_predictions') }} as calculated
            where calculated.company_id = companies.company_id
        ) as calculation_date
    from {{ ref('dim_companies') }} as companies
),

predictions as (
    select calculated.*
    from newest
    inner join {{ source('ml', 'clv_predictions') }} as calculated
        on
            newest.company_id = calculated.company_id
            and newest.calculation_date = calculated.calculation_date
)

select
    company_id,
    customer_id,
    calculation_date,
    min(currency) as currency,
    min(eligibility) as eligibility,
    min(model_name) as model_name,
    min(model_version) as model_version,
    {%- for months in (3, 6, 12) %}
        max(expected_orders) filter (where horizon_months = {{ months }})
            as expected_orders_{{ months }}m,
        max(predicted_value) filter (where horizon_months = {{ months }})
            as predicted_value_{{ months }}m,
    {%- endfor %}
    max(predicted_net) filter (where horizon_months = 12) as predicted_net_12m,
    max(predicted_margin) filter (where horizon_months = 12) as predicted_margin_12m,
    max(predicted_discounted) filter (where horizon_months = 12) as predicted_discounted_12m,
    max(lower) filter (where horizon_months = 12) as predicted_value_12m_lower,
    max(upper) filter (where horizon_months = 12) as predicted_value_12m_upper,
    max(lower_95) filter (where horizon_months = 12) as predicted_value_12m_lower_95,
    max(upper_95) filter (where horizon_months = 12) as predicted_value_12m_upper_95,
    max(p_active) filter (where horizon_months = 12) as p_active_12m,
    max(confidence) filter (where horizon_months = 12) as confidence_12m,
    max(churn_probability) filter (where horizon_months = 12) as churn_probability_12m
from predictions
group by company_id, customer_id, calculation_date
