{{ config(severity='warn') }}

select
    company_id,
    balance_transaction_id
from {{ ref('int_stripe_fees_converted') }}
where exchange_rate is null
