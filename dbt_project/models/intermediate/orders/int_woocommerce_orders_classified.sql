with deletions as (
    select * from {{ ref('stg_woocommerce__deletions') }}
),

-- What the site deleted or threw away was never bought. Whose account is gone is a guest.
standing as (
    select
        orders.*,
        companies.base_currency,
        companies.timezone,
        companies.margin_rate,
        {{ local_date('orders.created_at', 'companies.timezone') }} as order_date,
        case when lost.entity_id is null then 'woocommerce-' || orders.customer_id end
            as known_customer_id
    from {{ ref('stg_woocommerce__orders') }} as orders
    inner join {{ ref('stg_files__companies') }} as companies
        on orders.company_id = companies.company_id
    left join deletions as lost
        on
            orders.company_id = lost.company_id
            and orders.customer_id = lost.entity_id
            and lost.entity = 'customers'
    left join deletions as gone
        on
            orders.company_id = gone.company_id
            and orders.order_id = gone.entity_id
            and gone.entity = 'orders'
    where gone.entity_id is null
),

-- Money that Stripe took in test mode is none.
tests as (
    select
        company_id,
        order_id
    from {{ ref('int_stripe_charges_matched') }}
    where source = 'woocommerce'
    group by company_id, order_id
    having not bool_or(is_live)
),

-- A status that a plugin added counts as paid when the order is.
rated as (
    select
        standing.*,
        case
            when standing.order_date is null then null
            when standing.currency = standing.base_currency then cast(1 as numeric)
            else rates.exchange_rate
        end as exchange_rate,
        case
            when tests.order_id is not null then 'test'
            when standing.status in ('processing', 'completed', 'refunded') then 'completed'
            when standing.status in ('cancelled', 'failed') then standing.status
            when
                standing.status in ('pending', 'on-hold', 'checkout-draft', 'auto-draft')
                then 'pending'
            when standing.paid_at is not null then 'completed'
            else 'pending'
        end as order_status
    from standing
    left join tests
        on
            standing.company_id = tests.company_id
            and 'woocommerce-' || standing.order_id = tests.order_id
    left join {{ ref('int_exchange_rates_crossed') }} as rates
        on
            standing.currency = rates.currency
            and standing.order_date = rates.rate_date
            and standing.base_currency = rates.base_currency
)

-- Numbers of a site are small: without the prefix two sources would share them.
select
    company_id,
    'woocommerce-' || order_id as order_id,
    coalesce(known_customer_id, 'guest-' || email_hash) as customer_id,
    email_hash,
    'woocommerce' as source,
    order_status as status,
    created_at as ordered_at,
    order_date,
    created_via as channel,
    coalesce(shipping_country, billing_country) as country,
    timezone,
    margin_rate,
    currency as shop_currency,
    currency,
    base_currency,
    exchange_rate,
    case when exchange_rate is not null then order_date end as rate_date,
    total as total_price,
    coalesce(total_tax, 0) as tax,
    coalesce(shipping_total, 0) as shipping
from rated
