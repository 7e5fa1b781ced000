-- Without a with clause, so that what a reader doesn't ask for isn't computed.
select
    company_id,
    id as order_line_id,
    order_id,
    product_id,
    variant_id,
    name,
    title,
    variant_title,
    sku,
    vendor,
    quantity,
    current_quantity,
    coalesce(is_gift_card, false) as is_gift_card,
    upper(currency) as currency,
    upper(coalesce(presentment_currency, currency)) as presentment_currency,
    unit_price,
    coalesce(unit_price_presentment, unit_price) as unit_price_presentment,
    coalesce(original_total, unit_price * quantity, 0) as original_total,
    coalesce(
        original_total_presentment, original_total, unit_price_presentment * quantity,
        unit_price * quantity, 0
    ) as original_total_presentment,
    discounted_total,
    coalesce(discounted_total_presentment, discounted_total) as discounted_total_presentment,
    total_discount,
    coalesce(total_discount_presentment, total_discount) as total_discount_presentment,
    {{ money(json_sum('tax_lines', ['priceSet', 'shopMoney', 'amount'])) }} as tax,
    {{ money(json_sum('tax_lines', ['priceSet', 'presentmentMoney', 'amount'])) }}
        as tax_presentment
from {{ landed('raw_shopify', 'order_lines') }}
