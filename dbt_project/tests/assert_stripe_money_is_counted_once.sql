-- Every captured payment is an order's of a shop or an order of its own, and never both.
with held as (
    select company_id from {{ ref('stg_quarantine__held_companies') }}
),

captured as (
    select
        charges.company_id,
        charges.charge_id,
        matched.order_id,
        coalesce(
            matched.order_id, matched.invoice_id, matched.payment_intent_id, matched.charge_id
        ) as counted_as
    from {{ ref('stg_stripe__charges') }} as charges
    inner join {{ ref('stg_files__companies') }} as companies
        on charges.company_id = companies.company_id
    left join {{ ref('int_stripe_charges_matched') }} as matched
        on charges.company_id = matched.company_id and charges.charge_id = matched.charge_id
    where charges.is_paid and charges.amount_captured > 0 and charges.is_live
),

orders as (
    select
        company_id,
        order_id
    from {{ ref('fct_orders') }}
    union all
    select
        company_id,
        order_id
    from {{ ref('orders_without_rate') }}
)

select
    captured.company_id,
    captured.charge_id,
    'no order holds it' as problem
from captured
left join orders
    on captured.company_id = orders.company_id and captured.counted_as = orders.order_id
-- The shop may have deleted the order that was paid.
where
    orders.order_id is null
    and captured.order_id is null
    and captured.company_id not in (select held.company_id from held)
union all
select
    captured.company_id,
    captured.charge_id,
    'a shop has it, and it is an order of its own' as problem
from captured
inner join {{ ref('int_stripe_charges_matched') }} as matched
    on captured.company_id = matched.company_id and captured.charge_id = matched.charge_id
inner join {{ ref('int_stripe_orders_classified') }} as orders
    on
        matched.company_id = orders.company_id
        and orders.order_id in (
            matched.invoice_id, matched.payment_intent_id, matched.charge_id
        )
where captured.order_id is not null
