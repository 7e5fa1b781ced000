{{ config(severity='warn') }}

select
    company_id,
    order_id
from {{ ref('stg_files__order_lines') }}
where order_id is not null and not is_guest
group by company_id, order_id
having count(distinct customer_id) > 1
