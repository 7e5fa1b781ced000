with days as (
    select
        company_id,
        order_date,
        order_date as moved_on
    from {{ ref('int_order_lines_converted') }}
    where exchange_rate is not null
    union all
    -- A dispute's fee may be the last that is known of a company.
    select
        company_id,
        null as order_date,
        fee_date as moved_on
    from {{ ref('int_payment_fees_converted') }}
    where customer_id is not null
)

select
    company_id,
    min(order_date) as first_order_date,
    max(moved_on) as as_of_date
from days
group by company_id
having min(order_date) is not null
