with customers as (
    select
        company_id,
        customer_id,
        as_of_date,
        recency_days,
        orders as frequency,
        net_revenue_base as monetary
    from {{ ref('dim_customers') }}
    where first_order_date is not null
),

scored as (
    select
        *,
        {{ quintile('company_id', 'recency_days desc') }} as r_score,
        {{ quintile('company_id', 'frequency') }} as f_score,
        {{ quintile('company_id', 'monetary') }} as m_score
    from customers
)

select
    company_id,
    customer_id,
    as_of_date,
    recency_days,
    frequency,
    monetary,
    r_score,
    f_score,
    m_score,
    {{ rfm_segment('r_score', 'f_score', 'm_score') }} as rfm_segment
from scored
