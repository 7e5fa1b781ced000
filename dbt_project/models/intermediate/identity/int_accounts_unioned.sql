-- Every name under which a source knows somebody. An account is that name within the company: the
-- source's id, with the source before it where ids are small, and a guest's e-mail.
with shopify_gone as (
    select
        company_id,
        entity_id as customer_id
    from {{ ref('stg_shopify__deletions') }}
    where entity = 'customers'
),

shopify_customers as (
    select
        customers.company_id,
        'shopify' as source,
        customers.customer_id as source_customer_id,
        case
            when lost.customer_id is null
                then coalesce(survivors.survivor_id, customers.customer_id)
            else 'guest-' || customers.email_hash
        end as account_id,
        customers.email_hash,
        lost.customer_id is not null as is_guest,
        true as is_account_email,
        customers.created_at
    from {{ ref('stg_shopify__customers') }} as customers
    left join {{ ref('int_shopify_customers_merged') }} as survivors
        on
            customers.company_id = survivors.company_id
            and customers.customer_id = survivors.customer_id
    left join shopify_gone as lost
        on
            customers.company_id = lost.company_id
            and coalesce(survivors.survivor_id, customers.customer_id) = lost.customer_id
),

woocommerce_customers as (
    select
        customers.company_id,
        'woocommerce' as source,
        customers.customer_id as source_customer_id,
        case
            when gone.entity_id is null then 'woocommerce-' || customers.customer_id
            else 'guest-' || customers.email_hash
        end as account_id,
        customers.email_hash,
        gone.entity_id is not null as is_guest,
        true as is_account_email,
        customers.created_at
    from {{ ref('stg_woocommerce__customers') }} as customers
    left join {{ ref('stg_woocommerce__deletions') }} as gone
        on
            customers.company_id = gone.company_id
            and customers.customer_id = gone.entity_id
            and gone.entity = 'customers'
),

stripe_customers as (
    select
        company_id,
        'stripe' as source,
        customer_id as source_customer_id,
        customer_id as account_id,
        email_hash,
        false as is_guest,
        true as is_account_email,
        created_at
    from {{ ref('stg_stripe__customers') }}
),

files_customers as (
    select
        company_id,
        'files.' || feed as source,
        coalesce(source_customer_id, 'guest-' || email_hash) as source_customer_id,
        coalesce(source_customer_id, 'guest-' || email_hash) as account_id,
        email_hash,
        source_customer_id is null as is_guest,
        true as is_account_email,
        cast(null as timestamptz) as created_at
    from {{ ref('stg_files__customers') }}
),

-- Guests, and whoever ordered without being in the list of customers.
buyers as (
    {%- for source in ['shopify', 'woocommerce', 'stripe', 'square'] %}
        select
            company_id,
            '{{ source }}' as source,
            customer_id as account_id,
            email_hash,
            min(ordered_at) as created_at
        from {{ ref('int_' ~ source ~ '_orders_classified') }}
        where customer_id is not null
        group by company_id, customer_id, email_hash
        {% if not loop.last %}
            union all
        {% endif %}
    {%- endfor %}
),

buyer_accounts as (
    select
        company_id,
        source,
        case
            when source = 'woocommerce' and account_id not like 'guest-%'
                then substring(account_id from 13)
            else account_id
        end as source_customer_id,
        account_id,
        email_hash,
        account_id like 'guest-%' as is_guest,
        account_id like 'guest-%' as is_account_email,
        created_at
    from buyers
)

select * from shopify_customers
where account_id is not null
union all
select * from woocommerce_customers
where account_id is not null
union all
select * from stripe_customers
union all
select * from files_customers
union all
select * from buyer_accounts
