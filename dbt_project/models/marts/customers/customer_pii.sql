with customers as (
    select * from {{ ref('dim_customers') }}
),

identities as (
    select * from {{ ref('bridge_customer_identities') }}
),

-- Stripe knows one name, and nobody can tell where a first name ends.
known as (
    select
        company_id,
        'shopify' as source,
        customer_id as source_customer_id,
        email,
        first_name,
        last_name,
        phone
    from {{ ref('stg_shopify__customers') }}
    union all
    select
        company_id,
        'woocommerce' as source,
        customer_id as source_customer_id,
        email,
        first_name,
        last_name,
        null as phone
    from {{ ref('stg_woocommerce__customers') }}
    union all
    select
        company_id,
        'stripe' as source,
        customer_id as source_customer_id,
        email,
        null as first_name,
        null as last_name,
        phone
    from {{ ref('stg_stripe__customers') }}
),

-- The account that a customer is named after speaks first, the surest match next.
accounts as (
    select
        identities.company_id,
        identities.customer_id,
        {{ known_email('known.email') }} as email,
        known.first_name,
        known.last_name,
        known.phone,
        row_number() over (
            partition by identities.company_id, identities.customer_id
            order by
                identities.match_rule = 'source_id' desc,
                identities.confidence desc,
                identities.source asc,
                identities.source_customer_id asc
        ) as place
    from identities
    inner join known
        on
            identities.company_id = known.company_id
            and identities.source = known.source
            and identities.source_customer_id = known.source_customer_id
),

account_details as (
    select
        company_id,
        customer_id,
        {{ first_known('email', 'place') }} as email,
        {{ first_known('first_name', 'place') }} as first_name,
        {{ first_known('last_name', 'place') }} as last_name,
        {{ first_known('phone', 'place') }} as phone
    from accounts
    group by company_id, customer_id
),

contacts as (
    {%- for written in [
        'stg_shopify__orders', 'stg_woocommerce__orders', 'stg_stripe__charges',
        'stg_square__payments', 'stg_files__contacts'
    ] %}
        select
            company_id,
            email
        from {{ ref(written) }}
        where {{ known_email('email') }} is not null
        {% if not loop.last %}
            union all
        {% endif %}
    {%- endfor %}
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
    coalesce(account_details.email, addresses.email) as email,
    account_details.first_name,
    account_details.last_name,
    account_details.phone
from customers
left join account_details
    on
        customers.company_id = account_details.company_id
        and customers.customer_id = account_details.customer_id
left join addresses
    on
        customers.company_id = addresses.company_id
        and customers.email_hash = addresses.email_hash
where
    coalesce(
        account_details.email, addresses.email, account_details.first_name,
        account_details.last_name, account_details.phone
    ) is not null
