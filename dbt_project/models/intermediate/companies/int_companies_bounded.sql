select
    company_id,
    min(order_date) as first_order_date,
    max(order_date) as as_of_date
from {{ ref('int_order_lines_converted') }}
where exchange_rate is not null
group by company_id
