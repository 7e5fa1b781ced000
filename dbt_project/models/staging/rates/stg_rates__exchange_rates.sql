with source as (
    select * from {{ landed('raw_rates', 'exchange_rates', of_companies=false) }}
)

select
    rate_date,
    currency,
    cast(units_per_eur as numeric) as units_per_eur,
    source
from source
