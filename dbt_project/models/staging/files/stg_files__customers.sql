-- Read beside the order lines, whose keys cost more than all the rest.
with source as (
    select distinct
        company_id,
        feed,
        customer_id,
        email
    from {{ landed('raw_files', 'order_lines') }}
)

select distinct
    company_id,
    feed,
    nullif(trim(customer_id), '') as source_customer_id,
    {{ hash_email('email') }} as email_hash
from source
where nullif(trim(customer_id), '') is not null or nullif(trim(email), '') is not null
