with source as (
    select * from {{ landed('raw_woocommerce', 'deletions') }}
)

select
    company_id,
    entity,
    id as entity_id,
    state,
    found_at
from source
