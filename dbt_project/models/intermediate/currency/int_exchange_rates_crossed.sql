-- Of nobody in particular, so no company's rows are to be kept.
{{ config(materialized='table') }}

with rates as (
    select * from {{ ref('int_exchange_rates_filled') }}
),

base_currencies as (
    select distinct base_currency from {{ ref('stg_files__companies') }}
)

select
    rates.rate_date,
    rates.currency,
    base_rates.currency as base_currency,
    base_rates.units_per_eur / rates.units_per_eur as exchange_rate
from rates
inner join rates as base_rates on rates.rate_date = base_rates.rate_date
inner join base_currencies on base_rates.currency = base_currencies.base_currency
where rates.currency <> base_rates.currency
