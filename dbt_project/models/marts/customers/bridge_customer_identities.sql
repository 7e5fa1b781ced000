with names as (
    select
        company_id,
        source,
        source_customer_id,
        min(account_id) as account_id
    from {{ ref('int_accounts_unioned') }}
    group by company_id, source, source_customer_id
),

matched as (
    select
        names.company_id,
        names.source,
        names.source_customer_id,
        accounts.customer_id,
        case
            when
                accounts.match_rule = 'source_id' and names.source = 'shopify'
                and names.source_customer_id <> names.account_id
                then 'merged_upstream'
            else accounts.match_rule
        end as match_rule
    from names
    inner join {{ ref('stg_files__companies') }} as companies
        on names.company_id = companies.company_id
    inner join {{ ref('int_accounts_resolved') }} as accounts
        on names.company_id = accounts.company_id and names.account_id = accounts.account_id
)

select
    company_id,
    source,
    source_customer_id,
    customer_id,
    match_rule,
    cast(
        case match_rule
            when 'source_id' then 1
            when 'merged_upstream' then 1
            when 'email' then 0.95
            when 'guest_email' then 0.9
            else 0.8
        end as double precision
    ) as confidence
from matched
