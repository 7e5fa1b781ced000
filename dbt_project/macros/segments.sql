{% macro customer_stage(tenure_days) -%}
    case
        when {{ tenure_days }} is null then null
        when {{ tenure_days }} <= 90 then 'New'
        when {{ tenure_days }} <= 180 then 'Growing'
        when {{ tenure_days }} <= 365 then 'Established'
        else 'Loyal'
    end
{%- endmacro %}

{% macro status_segment(recency_days) -%}
    case
        when {{ recency_days }} is null then null
        when {{ recency_days }} <= 30 then 'Active'
        when {{ recency_days }} <= 90 then 'Lagging'
        when {{ recency_days }} <= 180 then 'Dormant'
        else 'Churn-risk'
    end
{%- endmacro %}

{% macro quintile(partition_by, order_by) -%}
    cast(
        least(
            floor(
                5 * percent_rank() over (partition by {{ partition_by }} order by {{ order_by }})
            ),
            4
        ) as integer
    ) + 1
{%- endmacro %}

{% macro rfm_segment(r_score, f_score, m_score) -%}
    case
        when {{ r_score }} >= 4 and {{ f_score }} >= 4 and {{ m_score }} >= 4 then 'Champions'
        when {{ r_score }} >= 3 and {{ f_score }} >= 4 then 'Loyal'
        when {{ r_score }} >= 4 and {{ f_score }} >= 2 then 'Potential loyalists'
        when {{ r_score }} >= 4 then 'Recent'
        when {{ r_score }} = 3 then 'Need attention'
        when {{ f_score }} >= 4 then 'At risk'
        when {{ r_score }} = 2 then 'Hibernating'
        else 'Lost'
    end
{%- endmacro %}

{% macro business_segment(stage, status, order_days, order_value, typical_order_value) -%}
    {#- The crosses that have a play of their own come before the value rules. -#}
    case
        when {{ stage }} is null then 'No order'
        when {{ stage }} = 'New' and {{ status }} = 'Active' then 'New + Active'
        when {{ stage }} = 'Growing' and {{ status }} = 'Lagging' then 'Growing + Lagging'
        when {{ stage }} = 'Loyal' and {{ status }} = 'Dormant' then 'Loyal + Dormant'
        when {{ order_days }} > 1 and {{ order_value }} < {{ typical_order_value }}
            then 'Repeat + low order value'
        when {{ order_days }} = 1 and {{ order_value }} > {{ typical_order_value }}
            then 'One order + high order value'
        else {{ stage }} || ' + ' || {{ status }}
    end
{%- endmacro %}

{% macro value_tier(percentile) -%}
    case
        when {{ percentile }} is null then null
        when {{ percentile }} >= 99 then 'Top 1 %'
        when {{ percentile }} >= 95 then 'Top 5 %'
        when {{ percentile }} >= 90 then 'Top 10 %'
        when {{ percentile }} >= 75 then 'Top 25 %'
        else 'Rest'
    end
{%- endmacro %}
