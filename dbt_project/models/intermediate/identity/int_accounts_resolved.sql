-- Accounts are one person where they share an e-mail, directly or over others. Most have one
-- e-mail; only e-mails of those that have several are walked, each chain from the knots with
-- lower numbers than their neighbours': where many hang on one e-mail, from that one alone.
with recursive names as (
    select * from {{ ref('int_accounts_unioned') }}
),

accounts as (
    select
        company_id,
        account_id,
        bool_and(is_guest) as is_guest,
        bool_or(is_account_email and email_hash is not null) as has_own_email,
        min(
            case
                when source = 'shopify' then 1
                when source like 'files.%' then 2
                when source = 'woocommerce' then 3
                else 4
            end
        ) as source_rank,
        min(created_at) as created_at
    from names
    group by company_id, account_id
),

-- The e-mail of an account itself; that of its orders only where it has none.
links as (
    select distinct
        names.company_id,
        names.account_id,
        names.email_hash
    from names
    inner join accounts
        on names.company_id = accounts.company_id and names.account_id = accounts.account_id
    where
        names.email_hash is not null
        and (names.is_account_email or not accounts.has_own_email)
),

hubs as (
    select
        company_id,
        account_id,
        min(email_hash) as email_hash
    from links
    group by company_id, account_id
),

spokes as (
    select distinct
        links.company_id,
        hubs.email_hash as from_email,
        links.email_hash as to_email
    from links
    inner join hubs
        on links.company_id = hubs.company_id and links.account_id = hubs.account_id
    where links.email_hash <> hubs.email_hash
),

edges as (
    select
        company_id,
        from_email,
        to_email
    from spokes
    union
    select
        company_id,
        to_email as from_email,
        from_email as to_email
    from spokes
),

knots as (
    select
        company_id,
        from_email as email_hash,
        row_number() over (partition by company_id order by count(*) desc, from_email) as knot
    from edges
    group by company_id, from_email
),

numbered_edges as (
    select
        edges.company_id,
        from_knots.knot as from_knot,
        to_knots.knot as to_knot
    from edges
    inner join knots as from_knots
        on
            edges.company_id = from_knots.company_id
            and edges.from_email = from_knots.email_hash
    inner join knots as to_knots
        on edges.company_id = to_knots.company_id and edges.to_email = to_knots.email_hash
),

starts as (
    select
        company_id,
        from_knot as knot
    from numbered_edges
    group by company_id, from_knot
    having from_knot < min(to_knot)
),

walked as (
    select
        company_id,
        knot as start_knot,
        knot
    from starts
    union
    select
        walked.company_id,
        walked.start_knot,
        numbered_edges.to_knot as knot
    from walked
    inner join numbered_edges
        on
            walked.company_id = numbered_edges.company_id
            and walked.knot = numbered_edges.from_knot
),

chains as (
    select
        walked.company_id,
        knots.email_hash,
        min(walked.start_knot) as chain
    from walked
    inner join knots
        on walked.company_id = knots.company_id and walked.knot = knots.knot
    group by walked.company_id, knots.email_hash
),

-- Whoever has no e-mail is a person of their own.
grouped as (
    select
        accounts.*,
        hubs.email_hash,
        coalesce('chain ' || chains.chain, hubs.email_hash, 'account ' || accounts.account_id)
            as person
    from accounts
    left join hubs
        on accounts.company_id = hubs.company_id and accounts.account_id = hubs.account_id
    left join chains
        on hubs.company_id = chains.company_id and hubs.email_hash = chains.email_hash
),

-- An account before a guest, the shop before what pays for it, the oldest first: whoever comes
-- later doesn't rename anybody.
chosen as (
    select
        *,
        first_value(account_id) over (
            partition by company_id, person
            order by is_guest, source_rank, created_at, account_id
        ) as customer_id
    from grouped
),

-- A direct match shares an e-mail with the account that the customer is named after.
shared as (
    select distinct
        chosen.company_id,
        chosen.account_id
    from chosen
    inner join links
        on chosen.company_id = links.company_id and chosen.account_id = links.account_id
    inner join links as main
        on
            chosen.company_id = main.company_id
            and chosen.customer_id = main.account_id
            and links.email_hash = main.email_hash
    where chosen.account_id <> chosen.customer_id
)

select
    chosen.company_id,
    chosen.account_id,
    chosen.customer_id,
    chosen.is_guest,
    case
        when chosen.account_id = chosen.customer_id and chosen.is_guest then 'guest_email'
        when chosen.account_id = chosen.customer_id then 'source_id'
        when shared.account_id is null then 'email_chain'
        when chosen.is_guest then 'guest_email'
        else 'email'
    end as match_rule
from chosen
left join shared
    on
        chosen.company_id = shared.company_id
        and chosen.account_id = shared.account_id
