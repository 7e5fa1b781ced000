with source as (
    select * from {{ landed('raw_woocommerce', 'orders') }}
)

select
    company_id,
    id as order_id,
    number,
    parent_id,
    order_key,
    status,
    upper(currency) as currency,
    created_at,
    modified_at,
    paid_at,
    completed_at,
    created_via,
    prices_include_tax as is_tax_included,
    customer_id,
    nullif(trim(email), '') as email,
    {{ hash_email('email') }} as email_hash,
    billing_country,
    billing_state,
    shipping_country,
    discount_total,
    discount_tax,
    shipping_total,
    shipping_tax,
    cart_tax,
    total_tax,
    coalesce(total, 0) as total,
    payment_method,
    payment_method_title,
    transaction_id,
    {{ json_noted('meta_data', '_stripe_intent_id') }} as noted_stripe_intent_id,
    {{ json_noted('meta_data', '_stripe_fee') }} as noted_stripe_fee,
    {{ json_noted('meta_data', '_stripe_currency') }} as noted_stripe_currency,
    {{ json_noted('meta_data', '_wc_order_attribution_utm_source') }} as noted_utm_source
from source
