with customers as (
    select
        *,
        coalesce(country, 'unknown') as known_country
    from {{ ref('customer_360') }}
)

select
    company_id,
    known_country as country,
    currency,
    cast(count(*) as integer) as customers,
    cast(count(*) filter (where status_segment = 'Active') as integer) as active_customers,
    cast(sum(orders) as integer) as orders,
    {{ money('sum(gross_revenue_to_date)') }} as gross_revenue_to_date,
    {{ money('sum(value_to_date)') }} as value_to_date,
    {{ money('sum(margin_to_date)') }} as margin_to_date,
    {{ money('avg(value_to_date)') }} as value_to_date_per_customer,
    cast(count(predicted_net_12m) as integer) as predicted_customers,
    {{ money('sum(predicted_value_12m)') }} as predicted_value_12m,
    {{ money('sum(predicted_net_12m)') }} as predicted_net_12m,
    {{ money('avg(value_to_date + predicted_net_12m)') }} as ltv_per_customer
from customers
group by company_id, known_country, currency
