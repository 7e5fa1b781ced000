-- Only what pays no order of a shop: subscriptions, and payments that are nobody else's.
with charges as (
    select * from {{ ref('int_stripe_charges_matched') }}
),

customers as (
    select * from {{ ref('stg_stripe__customers') }}
),

shop_invoices as (
    select distinct
        company_id,
        invoice_id
    from charges
    where invoice_id is not null and order_id is not null
),

-- What was billed for nothing, such as a trial, is no order.
invoices as (
    select invoices.*
    from {{ ref('stg_stripe__invoices') }} as invoices
    left join shop_invoices
        on
            invoices.company_id = shop_invoices.company_id
            and invoices.invoice_id = shop_invoices.invoice_id
    left join {{ ref('stg_stripe__deletions') }} as gone
        on
            invoices.company_id = gone.company_id
            and invoices.invoice_id = gone.entity_id
            and gone.entity = 'invoices'
    where
        shop_invoices.invoice_id is null
        and gone.entity_id is null
        and coalesce(invoices.status, 'open') <> 'draft'
        and invoices.total > 0
),

invoice_countries as (
    select
        company_id,
        invoice_id,
        max(country) as country
    from charges
    where invoice_id is not null
    group by company_id, invoice_id
),

invoiced as (
    select
        invoices.company_id,
        invoices.invoice_id as order_id,
        invoices.customer_id,
        customers.email_hash,
        case
            when not invoices.is_live then 'test'
            when invoices.status = 'paid' then 'completed'
            when invoices.status = 'void' then 'cancelled'
            when invoices.status = 'uncollectible' then 'failed'
            else 'pending'
        end as status,
        coalesce(invoices.paid_at, invoices.finalized_at, invoices.created_at) as ordered_at,
        coalesce(invoice_countries.country, customers.country) as country,
        invoices.currency,
        invoices.total as total_price,
        invoices.total - coalesce(invoices.total_excluding_tax, invoices.total) as tax
    from invoices
    left join customers
        on
            invoices.company_id = customers.company_id
            and invoices.customer_id = customers.customer_id
    left join invoice_countries
        on
            invoices.company_id = invoice_countries.company_id
            and invoices.invoice_id = invoice_countries.invoice_id
),

-- A payment may have been tried several times: it is one order.
paid as (
    select
        charges.company_id,
        coalesce(charges.payment_intent_id, charges.charge_id) as order_id,
        max(charges.customer_id) as customer_id,
        coalesce(max(customers.email_hash), max(charges.email_hash)) as email_hash,
        case
            when not bool_or(charges.is_live) then 'test'
            when sum(charges.amount_captured) > 0 then 'completed'
            when bool_or(charges.status in ('succeeded', 'pending')) then 'pending'
            else 'failed'
        end as status,
        coalesce(
            min(charges.created_at) filter (where charges.amount_captured > 0),
            min(charges.created_at)
        ) as ordered_at,
        max(charges.country) as country,
        charges.currency,
        coalesce(nullif(sum(charges.amount_captured), 0), max(charges.amount)) as total_price,
        0 as tax
    from charges
    left join customers
        on
            charges.company_id = customers.company_id
            and charges.customer_id = customers.customer_id
    where charges.order_id is null and charges.invoice_id is null
    group by
        charges.company_id, coalesce(charges.payment_intent_id, charges.charge_id),
        charges.currency
),

orders as (
    select * from invoiced
    union all
    select * from paid
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
)

select
    dated.company_id,
    dated.order_id,
    coalesce(dated.customer_id, 'guest-' || dated.email_hash) as customer_id,
    dated.email_hash,
    'stripe' as source,
    dated.status,
    dated.ordered_at,
    dated.order_date,
    cast(null as text) as channel,
    dated.country,
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
    dated.total_price,
    {{ money('dated.tax') }} as tax
from dated
left join {{ ref('int_exchange_rates_crossed') }} as rates
    on
        dated.currency = rates.currency
        and dated.order_date = rates.rate_date
        and dated.base_currency = rates.base_currency
