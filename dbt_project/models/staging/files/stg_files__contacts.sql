with source as (
    select * from {{ landed('raw_files', 'order_lines') }}
)

select
    company_id,
    trim(email) as email
from source
where trim(email) <> ''
