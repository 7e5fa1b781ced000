-- Of nobody in particular, so no company's rows are to be kept.
{{ config(materialized='table') }}

with rates as (
    select
        *,
        lead(rate_date) over (partition by currency order by rate_date) as next_rate_date
    from {{ ref('stg_rates__exchange_rates') }}
    where currency <> 'EUR'
),

ages as (
    select 0 as rate_age_days
    union all
    select 1 as rate_age_days
    union all
    select 2 as rate_age_days
    union all
    select 3 as rate_age_days
    union all
    select 4 as rate_age_days
    union all
    select 5 as rate_age_days
),

filled as (
    select
        {{ add_days('rates.rate_date', 'ages.rate_age_days') }} as rate_date,
        rates.currency,
        rates.units_per_eur,
        ages.rate_age_days,
        rates.source
    from rates
    inner join ages
        on
            rates.next_rate_date is null
            or {{ add_days('rates.rate_date', 'ages.rate_age_days') }} < rates.next_rate_date
),

euro as (
    select distinct
        rate_date,
        'EUR' as currency,
        cast(1 as numeric) as units_per_eur,
        0 as rate_age_days,
        'definition' as source
    from filled
)

select * from filled
union all
select * from euro
