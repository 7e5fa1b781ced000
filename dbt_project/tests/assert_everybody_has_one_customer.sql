-- Whoever shares an e-mail of their own is one customer.
select
    accounts.company_id,
    accounts.email_hash
from {{ ref('int_accounts_unioned') }} as accounts
inner join {{ ref('bridge_customer_identities') }} as identities
    on
        accounts.company_id = identities.company_id
        and accounts.source = identities.source
        and accounts.source_customer_id = identities.source_customer_id
where accounts.email_hash is not null and accounts.is_account_email
group by accounts.company_id, accounts.email_hash
having count(distinct identities.customer_id) > 1
