{{ config(severity='warn') }}

select
    company_id,
    fee_id
from {{ ref('int_payment_fees_converted') }}
where exchange_rate is null
