with customers as (
    select * from {{ ref('dim_customers') }}
),

accounts as (
    select * from {{ ref('stg_shopify__customers') }}
),

contacts as (
    select
        company_id,
        email
    from {{ ref('stg_shopify__orders') }}
    where email is not null
    union all
    select
        company_id,
        email
    from {{ ref('stg_files__contacts') }}
),

-- Hashed after they are put together: there are many more orders than addresses.
addresses as (
    select
        company_id,
        min(email) as email,
        {{ hash_email('min(email)') }} as email_hash
    from contacts
    group by company_id, lower(email)
)

select
    customers.company_id,
    customers.customer_id,
    coalesce(accounts.email, addresses.email) as email,
    accounts.first_name,
    accounts.last_name,
    accounts.phone
from customers
left join accounts
    on
        customers.company_id = accounts.company_id
        and customers.customer_id = accounts.customer_id
left join addresses
    on
        customers.company_id = addresses.company_id
        and customers.email_hash = addresses.email_hash
where
    coalesce(
        accounts.email, addresses.email, accounts.first_name, accounts.last_name, accounts.phone
    ) is not null
