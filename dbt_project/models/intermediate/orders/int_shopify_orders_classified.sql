with deletions as (
    select * from {{ ref('stg_shopify__deletions') }}
),

survivors as (
    select * from {{ ref('int_shopify_customers_merged') }}
),

-- Asked of few orders: reading the taxes of every line would cost more than all the rest.
line_totals as (
    select
        order_lines.company_id,
        order_lines.order_id,
        sum(order_lines.original_total) as original_total,
        sum(order_lines.original_total_presentment) as original_total_presentment,
        sum(order_lines.tax) as tax,
        sum(order_lines.tax_presentment) as tax_presentment
    from {{ ref('stg_shopify__order_lines') }} as order_lines
    inner join {{ ref('stg_shopify__orders') }} as orders
        on
            order_lines.company_id = orders.company_id
            and order_lines.order_id = orders.order_id
    where
        orders.taxes_included
        or orders.total_refunded_shipping <> 0
        or orders.total_refunded_shipping_presentment <> 0
        or coalesce(orders.total_price, 0) = 0
        or coalesce(orders.total_price_presentment, 0) = 0
    group by order_lines.company_id, order_lines.order_id
),

-- What the shop deleted was never bought. A customer who is gone without an heir is a guest.
standing as (
    select
        orders.*,
        companies.base_currency,
        companies.timezone,
        companies.margin_rate,
        {{ local_date('orders.processed_at', 'companies.timezone') }} as order_date,
        case
            when lost.entity_id is null then coalesce(survivors.survivor_id, orders.customer_id)
        end as known_customer_id,
        coalesce(line_totals.original_total, 0) as original_total,
        coalesce(line_totals.original_total_presentment, 0) as original_total_presentment,
        coalesce(line_totals.tax, 0) as line_tax,
        coalesce(line_totals.tax_presentment, 0) as line_tax_presentment
    from {{ ref('stg_shopify__orders') }} as orders
    inner join {{ ref('stg_files__companies') }} as companies
        on orders.company_id = companies.company_id
    left join survivors
        on
            orders.company_id = survivors.company_id
            and orders.customer_id = survivors.customer_id
    left join deletions as lost
        on
            orders.company_id = lost.company_id
            and coalesce(survivors.survivor_id, orders.customer_id) = lost.entity_id
            and lost.entity = 'customers'
    left join deletions as gone
        on
            orders.company_id = gone.company_id
            and orders.order_id = gone.entity_id
            and gone.entity = 'orders'
    left join line_totals
        on
            orders.company_id = line_totals.company_id
            and orders.order_id = line_totals.order_id
    where gone.entity_id is null
),

-- Shopify converts with its own rate of the day; where neither side is in the base currency, the
-- table's counts. Without either the order is quarantined.
rated as (
    select
        standing.*,
        case
            when standing.presentment_currency = standing.base_currency then 'presentment'
            when standing.currency = standing.base_currency then 'shop'
            when rates.exchange_rate is not null then 'rate'
        end as base_side,
        case
            when standing.order_date is null then null
            when standing.presentment_currency = standing.base_currency then cast(1 as numeric)
            when standing.currency = standing.base_currency
                then coalesce(
                    nullif(standing.total_price, 0) / nullif(standing.total_price_presentment, 0),
                    nullif(standing.original_total, 0)
                    / nullif(standing.original_total_presentment, 0)
                )
            else rates.exchange_rate
        end as exchange_rate,
        case
            when standing.is_test then 'test'
            when standing.cancelled_at is not null then 'cancelled'
            when
                standing.financial_status in ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED')
                then 'completed'
            when standing.financial_status in ('VOIDED', 'EXPIRED') then 'failed'
            else 'pending'
        end as status,
        -- Where prices include tax, so does shipping; what is not on lines is on shipping.
        case
            when standing.taxes_included then greatest(standing.total_tax - standing.line_tax, 0)
            else 0
        end as tax_in_shipping,
        case
            when standing.taxes_included
                then greatest(standing.total_tax_presentment - standing.line_tax_presentment, 0)
            else 0
        end as tax_in_shipping_presentment
    from standing
    left join {{ ref('int_exchange_rates_crossed') }} as rates
        on
            standing.presentment_currency = rates.currency
            and standing.order_date = rates.rate_date
            and standing.base_currency = rates.base_currency
)

select
    company_id,
    order_id,
    coalesce(known_customer_id, 'guest-' || email_hash) as customer_id,
    email_hash,
    'shopify' as source,
    status,
    processed_at as ordered_at,
    order_date,
    coalesce(channel, source_name) as channel,
    coalesce(shipping_country, billing_country) as country,
    taxes_included,
    total_received_presentment < total_price_presentment as is_short_paid,
    timezone,
    margin_rate,
    currency as shop_currency,
    presentment_currency as currency,
    base_currency,
    base_side,
    exchange_rate,
    exchange_rate * total_price_presentment / nullif(total_price, 0) as shop_exchange_rate,
    case when exchange_rate is not null then order_date end as rate_date,
    total_price_presentment as total_price,
    total_tip_presentment as tip,
    total_tax_presentment as tax,
    {{ money('total_shipping_presentment - tax_in_shipping_presentment') }} as shipping,
    {{ money(in_base('total_tax')) }} as tax_base,
    {{ money(in_base('total_shipping') ~ ' - ' ~ in_base('tax_in_shipping')) }} as shipping_base,
    case
        when total_refunded_shipping <> 0 then total_tax - line_tax - tax_in_shipping
    end as tax_on_shipping,
    case
        when total_refunded_shipping_presentment <> 0
            then total_tax_presentment - line_tax_presentment - tax_in_shipping_presentment
    end as tax_on_shipping_presentment,
    total_shipping as charged_shipping,
    total_shipping_presentment as charged_shipping_presentment,
    total_refunded_shipping as refunded_shipping,
    total_refunded_shipping_presentment as refunded_shipping_presentment
from rated
