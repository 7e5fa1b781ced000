-- An order may be paid in parts, each a payment. What was given back without a payment is an order
-- of its own, which holds nothing but the refund.
with payments as (
    select
        company_id,
        coalesce(order_id, payment_id) as order_id,
        currency,
        nullif(customer_id, '') as customer_id,
        email_hash,
        status,
        created_at,
        amount,
        coalesce(tip, 0) as tip
    from {{ ref('stg_square__payments') }}
),

paid as (
    select
        company_id,
        order_id,
        currency,
        min(customer_id) as customer_id,
        min(email_hash) as email_hash,
        case
            when bool_or(status = 'COMPLETED') then 'completed'
            when bool_and(status = 'FAILED') then 'failed'
            when bool_and(status in ('CANCELED', 'FAILED')) then 'cancelled'
            else 'pending'
        end as status,
        coalesce(
            min(created_at) filter (where status = 'COMPLETED'), min(created_at)
        ) as ordered_at,
        coalesce(
            sum(amount) filter (where status = 'COMPLETED'), max(amount)
        ) as goods,
        coalesce(sum(tip) filter (where status = 'COMPLETED'), 0) as tip
    from payments
    group by company_id, order_id, currency
),

given_back as (
    select
        refunds.company_id,
        'refund-' || refunds.refund_id as order_id,
        refunds.currency,
        cast(null as text) as customer_id,
        cast(null as text) as email_hash,
        'completed' as status,
        refunds.created_at as ordered_at,
        cast(0 as numeric) as goods,
        cast(0 as numeric) as tip
    from {{ ref('stg_square__refunds') }} as refunds
    left join {{ ref('stg_square__payments') }} as known_payments
        on
            refunds.company_id = known_payments.company_id
            and refunds.payment_id = known_payments.payment_id
    where known_payments.payment_id is null and refunds.status in ('COMPLETED', 'PENDING')
),

-- The parts of an order have one currency; of a second one nothing is known but that it was paid.
orders as (
    select
        *,
        row_number() over (
            partition by company_id, order_id order by goods desc, currency asc
        ) as place
    from (
        select * from paid
        union all
        select * from given_back
    ) as found
),

dated as (
    select
        orders.*,
        companies.base_currency,
        companies.timezone,
        companies.margin_rate,
        {{ local_date('orders.ordered_at', 'companies.timezone') }} as order_date
    from orders
    inner join {{ ref('stg_files__companies') }} as companies
        on orders.company_id = companies.company_id
    where orders.place = 1
)

select
    dated.company_id,
    dated.order_id,
    coalesce(dated.customer_id, 'guest-' || dated.email_hash) as customer_id,
    dated.email_hash,
    'square' as source,
    dated.status,
    dated.ordered_at,
    dated.order_date,
    cast(null as text) as channel,
    cast(null as text) as country,
    dated.timezone,
    dated.margin_rate,
    dated.currency as shop_currency,
    dated.currency,
    dated.base_currency,
    case
        when dated.order_date is null then null
        when dated.currency = dated.base_currency then cast(1 as numeric)
        else rates.exchange_rate
    end as exchange_rate,
    case
        when dated.currency = dated.base_currency or rates.exchange_rate is not null
            then dated.order_date
    end as rate_date,
    dated.goods + dated.tip as total_price,
    cast(0 as numeric(18, 4)) as tax,
    dated.tip
from dated
left join {{ ref('int_exchange_rates_crossed') }} as rates
    on
        dated.currency = rates.currency
        and dated.order_date = rates.rate_date
        and dated.base_currency = rates.base_currency
