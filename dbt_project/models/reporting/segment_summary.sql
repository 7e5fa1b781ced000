{%- set segmentations = [
    ('business', 'business_segment', 'strategy'),
    ('rfm', 'rfm_segment', 'rfm_strategy'),
    ('tier', 'value_tier', 'cast(null as text)'),
    ('stage', 'customer_stage', 'cast(null as text)'),
    ('status', 'status_segment', 'cast(null as text)'),
    ('cluster', 'cluster_label', 'cluster_strategy')
] %}

with customers as (
    select
        customers.*,
        rfm_segments.strategy as rfm_strategy,
        clusters.suggested_action as cluster_strategy
    from {{ ref('customer_360') }} as customers
    left join {{ ref('rfm_segments') }} as rfm_segments
        on customers.rfm_segment = rfm_segments.rfm_segment
    left join {{ source('ml', 'cluster_profiles') }} as clusters
        on
            customers.company_id = clusters.company_id
            and customers.calculation_date = clusters.calculation_date
            and customers.cluster = clusters.cluster
),

companies as (
    select
        company_id,
        count(*) as customers
    from customers
    group by company_id
),

members as (
    {%- for segmentation, segment, strategy in segmentations %}
        select
            company_id,
            '{{ segmentation }}' as segmentation,
            {{ segment }} as segment,
            currency,
            orders,
            value_to_date,
            predicted_value_12m,
            churn_probability_12m,
            {{ strategy }} as strategy
        from customers
        where {{ segment }} is not null
        {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    members.company_id,
    members.segmentation,
    members.segment,
    cast(count(*) as integer) as customers,
    cast(count(*) as double precision) / companies.customers as share_of_customers,
    members.currency,
    {{ money('sum(members.value_to_date)') }} as value_to_date,
    {{ money('sum(members.predicted_value_12m)') }} as predicted_value_12m,
    {{ money('avg(members.value_to_date)') }} as average_value_to_date,
    {{ money('avg(members.predicted_value_12m)') }} as average_predicted_value_12m,
    {{ money('sum(members.value_to_date) / nullif(sum(members.orders), 0)') }}
        as average_order_value,
    -- Sums of whole numbers are exact in any order; a mean of doubles is not.
    cast(
        avg(cast(members.churn_probability_12m as numeric)) as double precision
    ) as churn_probability_12m,
    min(members.strategy) as strategy
from members
inner join companies on members.company_id = companies.company_id
group by
    members.company_id,
    members.segmentation,
    members.segment,
    members.currency,
    companies.customers
