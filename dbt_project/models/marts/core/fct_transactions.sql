-- A payment that Stripe and the shop both know stands here once, as Stripe's: only Stripe knows the
-- fee and the dispute.
with charges as (
    select
        charges.*,
        coalesce(charges.source, 'stripe') as order_source,
        coalesce(
            charges.order_id, charges.invoice_id, charges.payment_intent_id, charges.charge_id
        ) as counted_as,
        coalesce(charges.customer_id, 'guest-' || charges.email_hash) as account_id,
        invoices.subscription_id
    from {{ ref('int_stripe_charges_matched') }} as charges
    left join {{ ref('stg_stripe__invoices') }} as invoices
        on
            charges.company_id = invoices.company_id
            and charges.invoice_id = invoices.invoice_id
    where charges.is_live
),

paid_over_stripe as (
    select distinct
        company_id,
        source,
        order_id
    from charges
    where order_id is not null and amount_captured > 0
),

stripe_payments as (
    select
        company_id,
        charge_id as transaction_id,
        charge_id,
        case when subscription_id is null then 'purchase' else 'subscription' end as type,
        created_at as transacted_at,
        currency,
        amount_captured as amount
    from charges
    where amount_captured > 0
    union all
    select
        company_id,
        refund_id as transaction_id,
        charge_id,
        'refund' as type,
        created_at as transacted_at,
        currency,
        -amount as amount
    from {{ ref('stg_stripe__refunds') }}
    where coalesce(status, 'succeeded') in ('succeeded', 'pending')
    union all
    select
        movements.company_id,
        movements.balance_transaction_id as transaction_id,
        disputes.charge_id,
        'dispute' as type,
        movements.created_at as transacted_at,
        movements.currency,
        movements.amount
    from {{ ref('stg_stripe__balance_transactions') }} as movements
    inner join {{ ref('stg_stripe__disputes') }} as disputes
        on
            movements.company_id = disputes.company_id
            and movements.source_id = disputes.dispute_id
),

stripe_transactions as (
    select
        payments.company_id,
        payments.transaction_id,
        'stripe' as source,
        charges.order_source,
        charges.counted_as as order_id,
        charges.account_id,
        charges.match_rule,
        payments.type,
        payments.transacted_at,
        'stripe' as payment_method,
        payments.currency,
        payments.amount
    from stripe_payments as payments
    inner join charges
        on payments.company_id = charges.company_id and payments.charge_id = charges.charge_id
),

shopify_payments as (
    select payments.*
    from {{ ref('stg_shopify__transactions') }} as payments
    left join paid_over_stripe
        on
            payments.company_id = paid_over_stripe.company_id
            and payments.order_id = paid_over_stripe.order_id
            and paid_over_stripe.source = 'shopify'
    where
        payments.status = 'SUCCESS'
        and payments.kind in ('SALE', 'CAPTURE', 'REFUND')
        and not payments.is_test
        and (paid_over_stripe.order_id is null or lower(payments.gateway) not like '%stripe%')
),

shopify_transactions as (
    select
        company_id,
        transaction_id,
        order_id,
        case kind when 'REFUND' then 'refund' else 'purchase' end as type,
        coalesce(processed_at, created_at) as transacted_at,
        gateway as payment_method,
        presentment_currency as currency,
        case kind when 'REFUND' then -amount_presentment else amount_presentment end as amount,
        currency as shop_currency,
        case kind when 'REFUND' then -amount else amount end as shop_amount
    from shopify_payments
    union all
    select
        company_id,
        'dispute-' || dispute_id as transaction_id,
        order_id,
        'dispute' as type,
        initiated_at as transacted_at,
        null as payment_method,
        currency,
        -amount as amount,
        currency as shop_currency,
        -amount as shop_amount
    from {{ ref('stg_shopify__disputes') }}
    where type = 'CHARGEBACK' and status <> 'WON'
),

site_orders as (
    select
        orders.company_id,
        orders.order_id,
        orders.created_at,
        orders.paid_at,
        orders.payment_method,
        orders.currency,
        orders.total
    from {{ ref('stg_woocommerce__orders') }} as orders
    inner join {{ ref('int_woocommerce_orders_classified') }} as classified
        on
            orders.company_id = classified.company_id
            and 'woocommerce-' || orders.order_id = classified.order_id
    left join paid_over_stripe
        on
            orders.company_id = paid_over_stripe.company_id
            and 'woocommerce-' || orders.order_id = paid_over_stripe.order_id
            and paid_over_stripe.source = 'woocommerce'
    where
        classified.status = 'completed'
        and paid_over_stripe.order_id is null
        and orders.total > 0
),

woocommerce_transactions as (
    select
        company_id,
        'woocommerce-' || order_id as transaction_id,
        'woocommerce-' || order_id as order_id,
        'purchase' as type,
        coalesce(paid_at, created_at) as transacted_at,
        payment_method,
        currency,
        total as amount
    from site_orders
    union all
    select
        refunds.company_id,
        'refund-woocommerce-' || refunds.refund_id as transaction_id,
        'woocommerce-' || refunds.order_id as order_id,
        'refund' as type,
        refunds.created_at as transacted_at,
        site_orders.payment_method,
        coalesce(refunds.currency, site_orders.currency) as currency,
        -refunds.amount as amount
    from {{ ref('stg_woocommerce__refunds') }} as refunds
    inner join site_orders
        on
            refunds.company_id = site_orders.company_id
            and refunds.order_id = site_orders.order_id
    left join {{ ref('stg_woocommerce__deletions') }} as gone
        on
            refunds.company_id = gone.company_id
            and refunds.refund_id = gone.entity_id
            and gone.entity = 'refunds'
    where gone.entity_id is null and refunds.amount > 0
),

square_transactions as (
    select
        company_id,
        payment_id as transaction_id,
        coalesce(order_id, payment_id) as order_id,
        'purchase' as type,
        created_at as transacted_at,
        lower(source_type) as payment_method,
        currency,
        total as amount
    from {{ ref('stg_square__payments') }}
    where status = 'COMPLETED' and total > 0
    union all
    select
        refunds.company_id,
        refunds.refund_id as transaction_id,
        coalesce(payments.order_id, payments.payment_id, 'refund-' || refunds.refund_id)
            as order_id,
        'refund' as type,
        refunds.created_at as transacted_at,
        lower(payments.source_type) as payment_method,
        refunds.currency,
        -refunds.amount as amount
    from {{ ref('stg_square__refunds') }} as refunds
    left join {{ ref('stg_square__payments') }} as payments
        on
            refunds.company_id = payments.company_id
            and refunds.payment_id = payments.payment_id
    where refunds.status in ('COMPLETED', 'PENDING') and refunds.amount > 0
),

all_transactions as (
    select
        *,
        currency as shop_currency,
        amount as shop_amount
    from stripe_transactions
    union all
    select
        company_id,
        transaction_id,
        'shopify' as source,
        'shopify' as order_source,
        order_id,
        null as account_id,
        null as match_rule,
        type,
        transacted_at,
        payment_method,
        currency,
        amount,
        shop_currency,
        shop_amount
    from shopify_transactions
    union all
    select
        company_id,
        fee_id as transaction_id,
        source,
        order_source,
        order_id,
        null as account_id,
        null as match_rule,
        'fee' as type,
        transacted_at,
        payment_method,
        currency,
        -fee as amount,
        currency as shop_currency,
        -fee as shop_amount
    from {{ ref('int_payment_fees_converted') }}
    union all
    select
        company_id,
        transaction_id,
        'woocommerce' as source,
        'woocommerce' as order_source,
        order_id,
        null as account_id,
        null as match_rule,
        type,
        transacted_at,
        payment_method,
        currency,
        amount,
        currency as shop_currency,
        amount as shop_amount
    from woocommerce_transactions
    union all
    select
        company_id,
        transaction_id,
        'square' as source,
        'square' as order_source,
        order_id,
        null as account_id,
        null as match_rule,
        type,
        transacted_at,
        payment_method,
        currency,
        amount,
        currency as shop_currency,
        amount as shop_amount
    from square_transactions
),

-- Money of an order that the shop deleted has no order, and is money all the same. Nothing moved
-- where a row says neither when nor what.
attributed as (
    select
        all_transactions.*,
        companies.base_currency,
        case when orders.exchange_rate is not null then orders.order_id end as known_order_id,
        coalesce(orders.customer_id, accounts.customer_id) as customer_id,
        {{ local_date('all_transactions.transacted_at', 'companies.timezone') }}
            as transaction_date
    from all_transactions
    inner join {{ ref('stg_files__companies') }} as companies
        on all_transactions.company_id = companies.company_id
    left join {{ ref('int_orders_classified') }} as orders
        on
            all_transactions.company_id = orders.company_id
            and all_transactions.order_source = orders.source
            and all_transactions.order_id = orders.order_id
    left join {{ ref('int_accounts_resolved') }} as accounts
        on
            all_transactions.company_id = accounts.company_id
            and all_transactions.account_id = accounts.account_id
    where
        all_transactions.transacted_at is not null
        and all_transactions.currency is not null
        and all_transactions.amount <> 0
),

-- What the shop itself has converted needs no rate of the table.
rated as (
    select
        attributed.*,
        case
            when attributed.currency = attributed.base_currency then cast(1 as numeric)
            when attributed.shop_currency = attributed.base_currency
                then attributed.shop_amount / nullif(attributed.amount, 0)
            else rates.exchange_rate
        end as exchange_rate
    from attributed
    left join {{ ref('int_exchange_rates_crossed') }} as rates
        on
            attributed.currency = rates.currency
            and attributed.transaction_date = rates.rate_date
            and attributed.base_currency = rates.base_currency
)

select
    company_id,
    transaction_id,
    known_order_id as order_id,
    customer_id,
    source,
    type,
    transacted_at,
    transaction_date,
    payment_method,
    match_rule,
    currency,
    exchange_rate,
    {{ money('amount') }} as amount,
    {{ money(
        'case when shop_currency = base_currency then shop_amount'
        ~ ' else amount * exchange_rate end'
    ) }} as amount_base
from rated
