-- A charge pays one order at most: of several rules that fit, the first counts.
with charges as (
    select
        charges.*,
        coalesce(charges.noted_order_key, intents.noted_order_key) as order_key,
        coalesce(charges.noted_order_id, intents.noted_order_id) as shop_order_id,
        coalesce(charges.noted_order_transaction_id, intents.noted_order_transaction_id)
            as shop_transaction_id
    from {{ ref('stg_stripe__charges') }} as charges
    left join {{ ref('stg_stripe__payment_intents') }} as intents
        on
            charges.company_id = intents.company_id
            and charges.payment_intent_id = intents.payment_intent_id
),

site_orders as (
    select
        company_id,
        order_id,
        order_key,
        transaction_id,
        noted_stripe_intent_id
    from {{ ref('stg_woocommerce__orders') }}
),

shop_orders as (
    select
        company_id,
        order_id
    from {{ ref('stg_shopify__orders') }}
),

shop_payments as (
    select
        company_id,
        order_id,
        transaction_id,
        payment_id
    from {{ ref('stg_shopify__transactions') }}
),

-- The number that WooCommerce's gateway notes as order_id is one for people, and never matched.
candidates as (
    select
        charges.company_id,
        charges.charge_id,
        'woocommerce' as source,
        site_orders.order_id,
        'order_key' as match_rule,
        1 as rule_rank
    from charges
    inner join site_orders
        on
            charges.company_id = site_orders.company_id
            and charges.order_key = site_orders.order_key
    union all
    select
        charges.company_id,
        charges.charge_id,
        'woocommerce' as source,
        site_orders.order_id,
        'transaction_id' as match_rule,
        2 as rule_rank
    from charges
    inner join site_orders
        on
            charges.company_id = site_orders.company_id
            and charges.charge_id = site_orders.transaction_id
    union all
    {%- for column in ['transaction_id', 'noted_stripe_intent_id'] %}
        select
            charges.company_id,
            charges.charge_id,
            'woocommerce' as source,
            site_orders.order_id,
            'payment_intent' as match_rule,
            3 as rule_rank
        from charges
        inner join site_orders
            on
                charges.company_id = site_orders.company_id
                and charges.payment_intent_id = site_orders.{{ column }}
        union all
    {%- endfor %}
    select
        charges.company_id,
        charges.charge_id,
        'shopify' as source,
        shop_payments.order_id,
        'payment_id' as match_rule,
        4 as rule_rank
    from charges
    inner join shop_payments
        on
            charges.company_id = shop_payments.company_id
            and charges.charge_id = shop_payments.payment_id
    union all
    select
        charges.company_id,
        charges.charge_id,
        'shopify' as source,
        shop_payments.order_id,
        'payment_id' as match_rule,
        4 as rule_rank
    from charges
    inner join shop_payments
        on
            charges.company_id = shop_payments.company_id
            and charges.payment_intent_id = shop_payments.payment_id
    union all
    select
        charges.company_id,
        charges.charge_id,
        'shopify' as source,
        shop_payments.order_id,
        'order_transaction_id' as match_rule,
        5 as rule_rank
    from charges
    inner join shop_payments
        on
            charges.company_id = shop_payments.company_id
            and charges.shop_transaction_id = shop_payments.transaction_id
    union all
    select
        charges.company_id,
        charges.charge_id,
        'shopify' as source,
        shop_orders.order_id,
        'order_id' as match_rule,
        6 as rule_rank
    from charges
    inner join shop_orders
        on
            charges.company_id = shop_orders.company_id
            and charges.shop_order_id = shop_orders.order_id
),

ranked as (
    select
        *,
        row_number() over (
            partition by company_id, charge_id order by rule_rank, source, order_id
        ) as candidate_rank
    from candidates
),

-- Charges and intents don't name their invoice, its payments name them.
paid_invoices as (
    {%- for column in ['charge_id', 'payment_intent_id'] %}
        select
            charges.company_id,
            charges.charge_id,
            payments.invoice_id
        from charges
        inner join {{ ref('stg_stripe__invoice_payments') }} as payments
            on
                charges.company_id = payments.company_id
                and charges.{{ column }} = payments.{{ column }}
        {% if not loop.last %}
            union all
        {% endif %}
    {%- endfor %}
),

invoiced as (
    select
        paid_invoices.company_id,
        paid_invoices.charge_id,
        min(paid_invoices.invoice_id) as invoice_id
    from paid_invoices
    inner join {{ ref('stg_stripe__invoices') }} as invoices
        on
            paid_invoices.company_id = invoices.company_id
            and paid_invoices.invoice_id = invoices.invoice_id
    group by paid_invoices.company_id, paid_invoices.charge_id
)

select
    charges.company_id,
    charges.charge_id,
    charges.payment_intent_id,
    invoiced.invoice_id,
    charges.customer_id,
    charges.email_hash,
    charges.country,
    charges.is_live,
    charges.status,
    charges.created_at,
    charges.currency,
    charges.amount,
    case when charges.is_paid then charges.amount_captured else 0 end as amount_captured,
    ranked.source,
    case ranked.source
        when 'woocommerce' then 'woocommerce-' || ranked.order_id
        else ranked.order_id
    end as order_id,
    ranked.match_rule
from charges
left join ranked
    on
        charges.company_id = ranked.company_id
        and charges.charge_id = ranked.charge_id
        and ranked.candidate_rank = 1
left join invoiced
    on
        charges.company_id = invoiced.company_id
        and charges.charge_id = invoiced.charge_id
