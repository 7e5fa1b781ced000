{{ config(materialized='replaced_view') }}

with recursive deletions as (
    select * from {{ ref('stg_shopify__deletions') }}
    where entity = 'customers'
),

-- A customer may be merged into one who is merged in turn.
mergers as (
    select
        company_id,
        entity_id as customer_id,
        merged_into
    from deletions
    where merged_into is not null
    union
    select
        mergers.company_id,
        mergers.customer_id,
        deletions.merged_into
    from mergers
    inner join deletions
        on
            mergers.company_id = deletions.company_id
            and mergers.merged_into = deletions.entity_id
            and deletions.merged_into is not null
)

select
    mergers.company_id,
    mergers.customer_id,
    mergers.merged_into as survivor_id
from mergers
left join deletions
    on
        mergers.company_id = deletions.company_id
        and mergers.merged_into = deletions.entity_id
        and deletions.merged_into is not null
where deletions.entity_id is null
