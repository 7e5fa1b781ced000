with customers as (
    select
        *,
        net_revenue_base / nullif(orders, 0) as average_order_value
    from {{ ref('dim_customers') }}
),

companies as (
    select
        companies.*,
        currencies.minor_units
    from {{ ref('dim_companies') }} as companies
    left join {{ ref('currencies') }} as currencies
        on companies.base_currency = currencies.currency_code
),

rfm as (
    select * from {{ ref('customer_rfm') }}
),

predictions as (
    select * from {{ ref('int_clv_predictions_pivoted') }}
),

insights as (
    select * from {{ ref('int_customer_insights_joined') }}
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

features as (
    select
        features.company_id,
        features.customer_id,
        features.distinct_products
    from {{ ref('customer_features') }} as features
    inner join companies
        on
            features.company_id = companies.company_id
            and features.as_of_date = companies.as_of_date
),

-- Where most of a segment's customers were a quarter later. A day's own migrations alone: what an
-- earlier run left of another day says nothing of today.
next_segments as (
    select
        migrations.company_id,
        migrations.segment_from,
        migrations.segment_to
    from {{ source('ml', 'segment_migrations') }} as migrations
    inner join companies
        on
            migrations.company_id = companies.company_id
            and migrations.calculation_date = companies.as_of_date
    where migrations.is_most_likely
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
        end as value_percentile,
        case
            when predicted_value_12m is not null
                then cast(rank() over (predicted order by predicted_value_12m desc) as integer)
        end as value_rank
    from predictions
    window predicted as (partition by company_id, predicted_value_12m is null)
),

assembled as (
    select
        customers.*,
        customers.net_revenue_base as value_to_date,
        100 * percent_rank() over (
            partition by customers.company_id order by customers.net_revenue_base
        ) as spent_percentile,
        companies.base_currency as currency,
        companies.minor_units,
        order_days.order_days,
        typical_orders.order_value as typical_order_value,
        features.distinct_products,
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
        ranked.predicted_value_12m_lower_95,
        ranked.predicted_value_12m_upper_95,
        ranked.predicted_net_12m,
        ranked.predicted_margin_12m,
        ranked.predicted_discounted_12m,
        ranked.p_active_12m,
        ranked.churn_probability_12m,
        ranked.confidence_12m,
        ranked.value_percentile,
        ranked.value_rank,
        ranked.eligibility,
        ranked.model_name,
        ranked.model_version,
        insights.expected_next_order_date,
        insights.days_overdue,
        insights.churn_risk,
        insights.best_intervention_date,
        insights.intervention_reason,
        insights.cluster,
        insights.cluster_label,
        insights.reason_1,
        insights.reason_2,
        insights.reason_3,
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
    left join features
        on
            customers.company_id = features.company_id
            and customers.customer_id = features.customer_id
    left join rfm
        on
            customers.company_id = rfm.company_id
            and customers.customer_id = rfm.customer_id
    left join ranked
        on
            customers.company_id = ranked.company_id
            and customers.customer_id = ranked.customer_id
    left join insights
        on
            customers.company_id = insights.company_id
            and customers.customer_id = insights.customer_id
),

judged as (
    select
        *,
        {{ is_at_risk('assembled') }} as is_at_risk,
        {{ upsell_rule('assembled') }} as upsell_rule
    from assembled
),

explained as (
    select
        *,
        {{ upsell_reason('judged') }} as upsell_reason,
        {{ next_best_action('judged') }} as next_best_action
    from judged
)

select
    explained.company_id,
    explained.customer_id,
    explained.email_hash,
    explained.acquisition_channel,
    explained.country,
    explained.as_of_date,
    explained.first_order_date,
    explained.last_order_date,
    explained.tenure_days,
    explained.recency_days,
    explained.orders,
    explained.currency,
    explained.gross_revenue_base as gross_revenue_to_date,
    explained.value_to_date,
    explained.margin_base as margin_to_date,
    {{ money('explained.average_order_value') }} as average_order_value,
    explained.calculation_date,
    explained.expected_orders_12m,
    explained.predicted_value_3m,
    explained.predicted_value_6m,
    explained.predicted_value_12m,
    explained.predicted_value_12m_lower,
    explained.predicted_value_12m_upper,
    explained.predicted_value_12m_lower_95,
    explained.predicted_value_12m_upper_95,
    explained.predicted_net_12m,
    explained.predicted_margin_12m,
    explained.predicted_discounted_12m,
    explained.p_active_12m,
    explained.churn_probability_12m,
    explained.confidence_12m,
    explained.expected_next_order_date,
    explained.days_overdue,
    explained.churn_risk,
    explained.is_at_risk,
    explained.best_intervention_date,
    explained.intervention_reason,
    explained.value_rank,
    explained.value_percentile,
    {{ value_tier('explained.value_percentile') }} as value_tier,
    explained.r_score,
    explained.f_score,
    explained.m_score,
    explained.rfm_segment,
    explained.customer_stage,
    explained.status_segment,
    explained.business_segment,
    strategies.strategy,
    next_segments.segment_to as predicted_next_segment,
    explained.cluster,
    explained.cluster_label,
    explained.next_best_action,
    {{ next_best_action_reason('explained') }} as next_best_action_reason,
    explained.upsell_rule is not null as is_upsell_candidate,
    explained.upsell_reason,
    explained.reason_1,
    explained.reason_2,
    explained.reason_3,
    explained.eligibility,
    explained.model_name,
    explained.model_version
from explained
left join strategies on explained.business_segment = strategies.business_segment
left join next_segments
    on
        explained.company_id = next_segments.company_id
        and explained.business_segment = next_segments.segment_from
