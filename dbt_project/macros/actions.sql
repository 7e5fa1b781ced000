{#- What to do for a customer, rule by rule: docs/actions.md lists them in the same order. Each
    macro takes the relation that has the columns of customer_360. -#}

{% macro days_text(days) -%}
    {{ days }} || case when {{ days }} = 1 then ' day' else ' days' end
{%- endmacro %}

{% macro money_of(customer, column) -%}
    {{ money_text(customer ~ '.' ~ column, customer ~ '.minor_units', customer ~ '.currency') }}
{%- endmacro %}

{% macro is_at_risk(customer) -%}
    coalesce(
        {{ customer }}.order_days >= 2
        and {{ customer }}.churn_probability_12m < 0.95
        and (
            {{ customer }}.churn_probability_12m >= 0.5
            or coalesce({{ customer }}.churn_risk, '') = 'high'
        ),
        false
    )
{%- endmacro %}

{% macro upsell_rule(customer) -%}
    case
        when
            {{ customer }}.status_segment not in ('Active', 'Lagging')
            or {{ customer }}.churn_probability_12m >= 0.5
            then null
        when
            {{ customer }}.order_days >= 3
            and {{ customer }}.average_order_value < {{ customer }}.typical_order_value
            then 'small_orders'
        when {{ customer }}.order_days >= 2 and {{ customer }}.distinct_products = 1
            then 'one_product'
    end
{%- endmacro %}

{% macro next_best_action(customer) -%}
    case
        when {{ customer }}.is_at_risk and {{ customer }}.spent_percentile >= 90
            then 'Win back in person'
        when {{ customer }}.is_at_risk
            then 'Send a win-back offer'
        when {{ customer }}.order_days >= 2 and {{ customer }}.days_overdue > 0
            and {{ customer }}.churn_probability_12m < 0.5
            then 'Send a reminder'
        when {{ customer }}.order_days = 1
            and {{ customer }}.average_order_value > {{ customer }}.typical_order_value
            and {{ customer }}.recency_days <= 180
            then 'Offer an incentive for a second purchase'
        when {{ customer }}.order_days = 1 and {{ customer }}.customer_stage = 'New'
            then 'Welcome and show what fits'
        when {{ customer }}.upsell_rule = 'small_orders'
            then 'Offer a bundle'
        when {{ customer }}.upsell_rule = 'one_product'
            then 'Recommend a second product'
        when {{ customer }}.value_percentile >= 90
            and {{ customer }}.status_segment in ('Active', 'Lagging')
            then 'Reward and ask for a referral'
    end
{%- endmacro %}

{% macro next_best_action_reason(customer) -%}
    case {{ customer }}.next_best_action
        when 'Win back in person'
            then
                'Among the best tenth by spend so far ('
                || {{ money_of(customer, 'value_to_date') }} || '), and silent for '
                || {{ days_text(customer ~ '.recency_days') }} || ': '
                || round({{ customer }}.churn_probability_12m * 100)
                || ' % likely to order nothing within a year'
        when 'Send a win-back offer'
            then
                'Ordered on ' || {{ days_text(customer ~ '.order_days') }} || ', the last one '
                || {{ days_text(customer ~ '.recency_days') }} || ' ago: '
                || round({{ customer }}.churn_probability_12m * 100)
                || ' % likely to order nothing within a year'
        when 'Send a reminder'
            then
                'Is ' || {{ days_text(customer ~ '.days_overdue') }}
                || ' later than usual, and still likely to order again'
        when 'Offer an incentive for a second purchase'
            then
                'One order, ' || {{ days_text(customer ~ '.recency_days') }} || ' ago, of '
                || {{ money_of(customer, 'average_order_value') }}
                || '; a typical order is ' || {{ money_of(customer, 'typical_order_value') }}
        when 'Welcome and show what fits'
            then 'First order ' || {{ days_text(customer ~ '.recency_days') }} || ' ago'
        when 'Offer a bundle' then {{ customer }}.upsell_reason
        when 'Recommend a second product' then {{ customer }}.upsell_reason
        when 'Reward and ask for a referral'
            then
                'Among the best tenth by predicted value, ordered '
                || {{ days_text(customer ~ '.recency_days') }} || ' ago'
    end
{%- endmacro %}

{% macro upsell_reason(customer) -%}
    case {{ customer }}.upsell_rule
        when 'small_orders'
            then
                'Ordered on ' || {{ days_text(customer ~ '.order_days') }} || ', '
                || {{ money_of(customer, 'average_order_value') }}
                || ' a time; a typical order is ' || {{ money_of(customer, 'typical_order_value') }}
        when 'one_product'
            then
                'Ordered on ' || {{ days_text(customer ~ '.order_days') }}
                || ', always the same product'
    end
{%- endmacro %}
