{{ config(severity='warn') }}

select
    landed.company_id,
    count(*) as order_lines
from {{ landed('raw_files', 'order_lines') }}
left join {{ ref('stg_files__companies') }} as companies
    on landed.company_id = companies.company_id
where companies.company_id is null
group by landed.company_id
