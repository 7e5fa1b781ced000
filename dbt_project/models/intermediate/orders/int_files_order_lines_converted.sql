{{ config(materialized='replaced_view') }}

with order_lines as (
    select
        *,
        -- Without an order id an order is a customer's day.
        coalesce(order_id, customer_id || '/' || cast(order_date as text)) as assigned_order_id
    from {{ ref('stg_files__order_lines') }}
),

companies as (
    select * from {{ ref('stg_files__companies') }}
),

-- A guest's line and a known customer's line under one order id are both the known customer's.
attributed as (
    select
        *,
        first_value(customer_id) over (
            partition by company_id, assigned_order_id
            order by is_guest, order_date, ordered_at, order_line_id
        ) as order_customer_id
    from order_lines
),

-- Where there is no rate it stays null and the line is quarantined, never taken as 1.
rated as (
    select
        attributed.*,
        companies.base_currency,
        companies.margin_rate,
        case
            when attributed.currency = companies.base_currency then cast(1 as numeric)
            else rates.exchange_rate
        end as exchange_rate
    from attributed
    inner join companies on attributed.company_id = companies.company_id
    left join {{ ref('int_exchange_rates_crossed') }} as rates
        on
            attributed.currency = rates.currency
            and attributed.order_date = rates.rate_date
            and companies.base_currency = rates.base_currency
),

split as (
    select
        *,
        greatest(amount, 0) as gross_revenue,
        cast(0 as numeric(18, 4)) as discount,
        greatest(-amount, 0) as refunded,
        amount as net_revenue,
        {{ money('amount * margin_rate') }} as gross_margin,
        {{ money('amount * exchange_rate') }} as net_revenue_base
    from rated
)

select
    company_id,
    order_line_id,
    assigned_order_id as order_id,
    order_customer_id as customer_id,
    email_hash,
    'files.' || feed as source,
    source_file,
    line_number,
    ordered_at,
    order_date,
    channel,
    country,
    cast(null as text) as product_id,
    product,
    quantity,
    currency,
    base_currency,
    exchange_rate,
    case when exchange_rate is not null then order_date end as rate_date,
    {{ money('gross_revenue') }} as gross_revenue,
    discount,
    {{ money('refunded') }} as refunded,
    net_revenue,
    gross_margin,
    {{ money('gross_revenue * exchange_rate') }} as gross_revenue_base,
    {{ money('discount * exchange_rate') }} as discount_base,
    {{ money('refunded * exchange_rate') }} as refunded_base,
    net_revenue_base,
    {{ money('net_revenue_base * margin_rate') }} as gross_margin_base
from split
