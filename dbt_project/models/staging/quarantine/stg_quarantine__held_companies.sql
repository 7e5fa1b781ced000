-- A table where staging has views: whoever is held when a build begins is held until it ends.
{{ config(materialized='table') }}

with source as (
    select * from {{ source('quarantine', 'held_companies') }}
),

-- A company that left companies.yml has nothing to be kept.
companies as (
    select * from {{ source('raw_files', 'companies') }}
)

select
    source.company_id,
    source.reason,
    source.since
from source
inner join companies on source.company_id = companies.company_id
