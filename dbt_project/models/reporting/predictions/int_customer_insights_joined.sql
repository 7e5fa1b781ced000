with predictions as (
    select
        company_id,
        customer_id,
        calculation_date
    from {{ ref('int_clv_predictions_pivoted') }}
),

reasons as (
    select
        company_id,
        customer_id,
        calculation_date,
        {%- for rank in (1, 2, 3) %}
            max(reason) filter (where rank = {{ rank }}) as reason_{{ rank }}
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ source('ml', 'customer_reasons') }}
    group by company_id, customer_id, calculation_date
)

-- What is told of another day than the prediction's is left out.
select
    predictions.company_id,
    predictions.customer_id,
    outlook.expected_next_order_date,
    outlook.days_overdue,
    outlook.churn_risk,
    outlook.best_intervention_date,
    outlook.intervention_reason,
    clusters.cluster,
    clusters.label as cluster_label,
    reasons.reason_1,
    reasons.reason_2,
    reasons.reason_3
from predictions
left join {{ source('ml', 'customer_outlook') }} as outlook
    on
        predictions.company_id = outlook.company_id
        and predictions.customer_id = outlook.customer_id
        and predictions.calculation_date = outlook.calculation_date
left join {{ source('ml', 'customer_clusters') }} as clusters
    on
        predictions.company_id = clusters.company_id
        and predictions.customer_id = clusters.customer_id
        and predictions.calculation_date = clusters.calculation_date
left join reasons
    on
        predictions.company_id = reasons.company_id
        and predictions.customer_id = reasons.customer_id
        and predictions.calculation_date = reasons.calculation_date
