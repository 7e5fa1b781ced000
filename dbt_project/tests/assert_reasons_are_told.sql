-- Whoever is among the best quarter or at risk has a reason, and whoever has paid a cluster, where
-- the company's predictions could be explained at all. That is_at_risk means the same to the models
-- and to customer_360 shows here too.
with explained as (
    select distinct
        company_id,
        calculation_date
    from {{ source('ml', 'feature_importances') }}
)

select
    customers.company_id,
    customers.customer_id
from {{ ref('customer_360') }} as customers
inner join explained
    on
        customers.company_id = explained.company_id
        and customers.calculation_date = explained.calculation_date
where
    customers.predicted_value_12m > 0
    and customers.eligibility <> 'no_paid_order'
    and (
        customers.cluster is null
        or customers.reason_1 is null
        and (customers.is_at_risk or customers.value_percentile >= 75)
    )
