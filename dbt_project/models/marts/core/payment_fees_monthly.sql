with fees as (
    select
        *,
        {{ month_start('fee_date') }} as month
    from {{ ref('int_payment_fees_converted') }}
)

select
    company_id,
    source,
    month,
    category,
    cast(count(*) as integer) as fees,
    cast(count(*) filter (where order_id is null) as integer) as unmatched_fees,
    cast(count(*) filter (where exchange_rate is null) as integer) as fees_without_rate,
    {{ money('coalesce(sum(fee_base), 0)') }} as fees_base,
    {{ money('coalesce(sum(fee_base) filter (where order_id is null), 0)') }}
        as unmatched_fees_base
from fees
group by company_id, source, month, category
