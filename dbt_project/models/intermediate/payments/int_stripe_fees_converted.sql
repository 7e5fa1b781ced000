{{ config(materialized='view') }}

-- A movement's source is a charge, a refund or a dispute, the last two of a charge.
with movements as (
    select
        movements.*,
        companies.base_currency,
        coalesce(refunds.charge_id, disputes.charge_id, movements.source_id) as charge_id,
        {{ local_date('movements.created_at', 'companies.timezone') }} as fee_date
    from {{ ref('stg_stripe__balance_transactions') }} as movements
    inner join {{ ref('stg_files__companies') }} as companies
        on movements.company_id = companies.company_id
    left join {{ ref('stg_stripe__refunds') }} as refunds
        on
            movements.company_id = refunds.company_id
            and movements.source_id = refunds.refund_id
    left join {{ ref('stg_stripe__disputes') }} as disputes
        on
            movements.company_id = disputes.company_id
            and movements.source_id = disputes.dispute_id
    where movements.fee <> 0
)

select
    movements.company_id,
    movements.balance_transaction_id,
    movements.charge_id,
    movements.created_at,
    movements.fee_date,
    movements.reporting_category,
    movements.currency,
    movements.fee,
    case
        when movements.currency = movements.base_currency then cast(1 as numeric)
        else rates.exchange_rate
    end as exchange_rate,
    {{ money(
        'case when movements.currency = movements.base_currency then movements.fee'
        ~ ' else movements.fee * rates.exchange_rate end'
    ) }} as fee_base
from movements
left join {{ ref('int_exchange_rates_crossed') }} as rates
    on
        movements.currency = rates.currency
        and movements.fee_date = rates.rate_date
        and movements.base_currency = rates.base_currency
