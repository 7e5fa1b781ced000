{{ config(severity='warn') }}

with order_lines as (
    select * from {{ landed('raw_files', 'order_lines') }}
)

select
    order_lines.company_id,
    count(*) as order_lines
from order_lines
left join {{ ref('stg_files__companies') }} as companies
    on order_lines.company_id = companies.company_id
where companies.company_id is null
group by order_lines.company_id
