-- Each fee on its own day: one of a dispute comes long after the order, and is no cost before.
with charges as (
    select
        company_id,
        charge_id,
        is_live,
        coalesce(source, 'stripe') as order_source,
        coalesce(order_id, invoice_id, payment_intent_id, charge_id) as order_id
    from {{ ref('int_stripe_charges_matched') }}
),

orders as (
    select * from {{ ref('int_orders_classified') }}
    where exchange_rate is not null
),

-- A movement's source is a charge, a refund or a dispute, the last two of a charge. What Stripe
-- bills for itself moves the balance without a fee on the movement.
stripe_fees as (
    select
        movements.company_id,
        'fee-' || movements.balance_transaction_id as fee_id,
        'stripe' as source,
        coalesce(movements.reporting_category, movements.type) as category,
        charges.order_source,
        charges.order_id,
        movements.created_at as transacted_at,
        'stripe' as payment_method,
        movements.currency,
        case
            when movements.reporting_category in ('fee', 'network_cost')
                then movements.fee - movements.amount
            else movements.fee
        end as fee,
        cast(null as numeric) as own_rate
    from {{ ref('stg_stripe__balance_transactions') }} as movements
    left join {{ ref('stg_stripe__refunds') }} as refunds
        on
            movements.company_id = refunds.company_id
            and movements.source_id = refunds.refund_id
    left join {{ ref('stg_stripe__disputes') }} as disputes
        on
            movements.company_id = disputes.company_id
            and movements.source_id = disputes.dispute_id
    left join charges
        on
            movements.company_id = charges.company_id
            and coalesce(refunds.charge_id, disputes.charge_id, movements.source_id)
            = charges.charge_id
    where coalesce(charges.is_live, true)
),

-- Over whichever side of the order it is in; the table's rates are for other currencies.
shopify_fees as (
    select
        fees.company_id,
        'fee-' || fees.fee_id as fee_id,
        'shopify' as source,
        coalesce(fees.type, 'fee') as category,
        'shopify' as order_source,
        fees.order_id,
        coalesce(payments.processed_at, payments.created_at) as transacted_at,
        payments.gateway as payment_method,
        fees.currency,
        fees.amount as fee,
        case fees.currency
            when orders.currency then orders.exchange_rate
            when orders.shop_currency then orders.shop_exchange_rate
        end as own_rate
    from {{ ref('stg_shopify__transaction_fees') }} as fees
    inner join {{ ref('stg_shopify__transactions') }} as payments
        on
            fees.company_id = payments.company_id
            and fees.transaction_id = payments.transaction_id
    left join {{ ref('int_shopify_orders_classified') }} as orders
        on fees.company_id = orders.company_id and fees.order_id = orders.order_id
    where not payments.is_test and coalesce(orders.status, '') <> 'test'
),

-- Square gives fees back, too.
square_fees as (
    select
        fees.company_id,
        'fee-' || fees.payment_id || '-' || fees.position as fee_id,
        'square' as source,
        lower(coalesce(fees.type, 'fee')) as category,
        'square' as order_source,
        coalesce(payments.order_id, payments.payment_id) as order_id,
        coalesce(fees.effective_at, payments.created_at) as transacted_at,
        'square' as payment_method,
        fees.currency,
        fees.amount as fee,
        cast(null as numeric) as own_rate
    from {{ ref('stg_square__payment_fees') }} as fees
    inner join {{ ref('stg_square__payments') }} as payments
        on
            fees.company_id = payments.company_id
            and fees.payment_id = payments.payment_id
),

known_site_orders as (
    select distinct
        company_id,
        order_id
    from stripe_fees
    where order_source = 'woocommerce' and fee <> 0
),

-- What a site noted of Stripe's fee speaks where Stripe itself doesn't.
site_fees as (
    select
        orders.company_id,
        'fee-woocommerce-' || orders.order_id as fee_id,
        'woocommerce' as source,
        'noted' as category,
        'woocommerce' as order_source,
        'woocommerce-' || orders.order_id as order_id,
        coalesce(orders.paid_at, orders.created_at) as transacted_at,
        orders.payment_method,
        orders.noted_stripe_currency as currency,
        {{ decimal_or_null('orders.noted_stripe_fee') }} as fee,
        cast(null as numeric) as own_rate
    from {{ ref('stg_woocommerce__orders') }} as orders
    left join {{ ref('int_woocommerce_orders_classified') }} as classified
        on
            orders.company_id = classified.company_id
            and 'woocommerce-' || orders.order_id = classified.order_id
    left join known_site_orders
        on
            orders.company_id = known_site_orders.company_id
            and 'woocommerce-' || orders.order_id = known_site_orders.order_id
    where known_site_orders.order_id is null and coalesce(classified.status, '') <> 'test'
),

all_fees as (
    select * from stripe_fees
    where fee <> 0
    union all
    select * from shopify_fees
    where fee <> 0
    union all
    select * from site_fees
    where fee <> 0
    union all
    select * from square_fees
    where fee <> 0
),

dated as (
    select
        all_fees.*,
        companies.base_currency,
        {{ local_date('all_fees.transacted_at', 'companies.timezone') }} as fee_date
    from all_fees
    inner join {{ ref('stg_files__companies') }} as companies
        on all_fees.company_id = companies.company_id
),

rated as (
    select
        dated.*,
        case
            when dated.currency = dated.base_currency then cast(1 as numeric)
            else coalesce(dated.own_rate, rates.exchange_rate)
        end as exchange_rate
    from dated
    left join {{ ref('int_exchange_rates_crossed') }} as rates
        on
            dated.currency = rates.currency
            and dated.fee_date = rates.rate_date
            and dated.base_currency = rates.base_currency
)

select
    rated.company_id,
    rated.fee_id,
    rated.source,
    rated.category,
    orders.source as order_source,
    orders.order_id,
    orders.customer_id,
    rated.transacted_at,
    rated.fee_date,
    rated.payment_method,
    rated.currency,
    {{ money('rated.fee') }} as fee,
    rated.exchange_rate,
    {{ money('rated.fee * rated.exchange_rate') }} as fee_base
from rated
left join orders
    on
        rated.company_id = orders.company_id
        and rated.order_source = orders.source
        and rated.order_id = orders.order_id
