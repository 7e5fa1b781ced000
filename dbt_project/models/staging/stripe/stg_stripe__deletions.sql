with source as (
    select * from {{ landed('raw_stripe', 'deletions') }}
)

select
    company_id,
    entity,
    id as entity_id,
    deleted_at,
    found_at,
    found_by
from source
