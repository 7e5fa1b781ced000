with source as (
    select * from {{ landed('raw_shopify', 'orders') }}
)

select
    company_id,
    id as order_id,
    name as order_name,
    customer_id,
    nullif(trim(email), '') as email,
    {{ hash_email('email') }} as email_hash,
    created_at,
    coalesce(processed_at, created_at) as processed_at,
    updated_at,
    cancelled_at,
    cancel_reason,
    closed_at,
    upper(financial_status) as financial_status,
    fulfillment_status,
    coalesce(test, false) as is_test,
    confirmed as is_confirmed,
    edited as is_edited,
    coalesce(taxes_included, false) as taxes_included,
    upper(coalesce(currency, presentment_currency)) as currency,
    upper(coalesce(presentment_currency, currency)) as presentment_currency,
    subtotal,
    coalesce(subtotal_presentment, subtotal) as subtotal_presentment,
    total_discounts,
    coalesce(total_discounts_presentment, total_discounts) as total_discounts_presentment,
    coalesce(total_tax, 0) as total_tax,
    coalesce(total_tax_presentment, total_tax, 0) as total_tax_presentment,
    coalesce(total_shipping, 0) as total_shipping,
    coalesce(total_shipping_presentment, total_shipping, 0) as total_shipping_presentment,
    coalesce(total_tip, 0) as total_tip,
    coalesce(total_tip_presentment, total_tip, 0) as total_tip_presentment,
    total_price,
    coalesce(total_price_presentment, total_price) as total_price_presentment,
    current_total_price,
    coalesce(current_total_price_presentment, current_total_price)
        as current_total_price_presentment,
    total_received,
    coalesce(total_received_presentment, total_received) as total_received_presentment,
    total_refunded,
    coalesce(total_refunded_presentment, total_refunded) as total_refunded_presentment,
    coalesce(total_refunded_shipping, 0) as total_refunded_shipping,
    coalesce(total_refunded_shipping_presentment, total_refunded_shipping, 0)
        as total_refunded_shipping_presentment,
    source_name,
    channel,
    channel_name,
    shipping_country,
    shipping_province,
    billing_country,
    discount_codes,
    customer_journey,
    lower(
        coalesce(
            {{ json_text('customer_journey', ['firstVisit', 'utmParameters', 'source']) }},
            {{ json_text('customer_journey', ['firstVisit', 'source']) }}
        )
    ) as first_visit_source
from source
