{{ config(materialized='view') }}

{%- set columns = [
    'company_id', 'order_id', 'customer_id', 'email_hash', 'source', 'status', 'ordered_at',
    'order_date', 'channel', 'country', 'timezone', 'margin_rate', 'shop_currency', 'currency',
    'base_currency', 'exchange_rate', 'rate_date', 'total_price', 'tax'
] %}

-- What Stripe kept of the payments of an order, and of their refunds and disputes.
with charge_fees as (
    select
        charges.company_id,
        coalesce(charges.source, 'stripe') as source,
        coalesce(
            charges.order_id, charges.invoice_id, charges.payment_intent_id, charges.charge_id
        ) as order_id,
        sum(fees.fee_base) as fees_base
    from {{ ref('int_stripe_fees_converted') }} as fees
    inner join {{ ref('int_stripe_charges_matched') }} as charges
        on fees.company_id = charges.company_id and fees.charge_id = charges.charge_id
    where charges.is_live
    group by 1, 2, 3
),

orders as (
    select
        {{ columns | join(', ') }},
        shipping,
        tax_base,
        shipping_base,
        fees_base,
        tip,
        true as is_converted_by_shop
    from {{ ref('int_shopify_orders_classified') }}
    union all
    select
        {{ columns | join(', ') }},
        shipping,
        {{ money('tax * exchange_rate') }} as tax_base,
        {{ money('shipping * exchange_rate') }} as shipping_base,
        fees_base,
        0 as tip,
        false as is_converted_by_shop
    from {{ ref('int_woocommerce_orders_classified') }}
    union all
    select
        {{ columns | join(', ') }},
        0 as shipping,
        {{ money('tax * exchange_rate') }} as tax_base,
        0 as shipping_base,
        0 as fees_base,
        0 as tip,
        false as is_converted_by_shop
    from {{ ref('int_stripe_orders_classified') }}
),

-- What the site noted of Stripe's fee is that fee: Shopify's own fees are others'.
charged as (
    select
        orders.*,
        case
            when orders.is_converted_by_shop
                then orders.fees_base + coalesce(charge_fees.fees_base, 0)
            else coalesce(charge_fees.fees_base, orders.fees_base)
        end as all_fees_base
    from orders
    left join charge_fees
        on
            orders.company_id = charge_fees.company_id
            and orders.source = charge_fees.source
            and orders.order_id = charge_fees.order_id
)

select
    charged.company_id,
    charged.order_id,
    coalesce(accounts.customer_id, charged.customer_id) as customer_id,
    charged.email_hash,
    charged.source,
    charged.status,
    charged.ordered_at,
    charged.order_date,
    charged.channel,
    charged.country,
    charged.timezone,
    charged.margin_rate,
    charged.shop_currency,
    charged.currency,
    charged.base_currency,
    charged.exchange_rate,
    charged.rate_date,
    {{ money('charged.total_price') }} as total_price,
    {{ money('charged.tip') }} as tip,
    {{ money('charged.tax') }} as tax,
    {{ money('charged.shipping') }} as shipping,
    {{ money('charged.all_fees_base / charged.exchange_rate') }} as fees,
    {{ money('charged.tax_base') }} as tax_base,
    {{ money('charged.shipping_base') }} as shipping_base,
    {{ money('charged.all_fees_base') }} as fees_base
from charged
left join {{ ref('int_accounts_resolved') }} as accounts
    on
        charged.company_id = accounts.company_id
        and charged.customer_id = accounts.account_id
