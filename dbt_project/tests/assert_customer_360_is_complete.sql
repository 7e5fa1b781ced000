select
    customers.company_id,
    customers.customer_id
from {{ ref('dim_customers') }} as customers
left join {{ ref('customer_360') }} as customer_360
    on
        customers.company_id = customer_360.company_id
        and customers.customer_id = customer_360.customer_id
where customer_360.customer_id is null
