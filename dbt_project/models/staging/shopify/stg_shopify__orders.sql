with source as (
    select * from {{ landed('raw_shopify', 'orders') }}
)

select
    company_id,
    id as order_id,
    name as order_name,
    customer_id,
    {{ hash_email('email') }} as email_hash,
    created_at,
    processed_at,
    updated_at,
    cancelled_at,
    cancel_reason,
    closed_at,
    financial_status,
    fulfillment_status,
    test as is_test,
    confirmed as is_confirmed,
    edited as is_edited,
    taxes_included,
    currency,
    presentment_currency,
    subtotal,
    subtotal_presentment,
    total_discounts,
    total_discounts_presentment,
    total_tax,
    total_tax_presentment,
    total_shipping,
    total_shipping_presentment,
    total_tip,
    total_tip_presentment,
    total_price,
    total_price_presentment,
    current_total_price,
    current_total_price_presentment,
    total_received,
    total_received_presentment,
    total_refunded,
    total_refunded_presentment,
    total_refunded_shipping,
    total_refunded_shipping_presentment,
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
