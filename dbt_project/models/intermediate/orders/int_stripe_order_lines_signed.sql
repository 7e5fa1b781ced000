{{ config(materialized='replaced_view') }}

with orders as (
    select * from {{ ref('int_stripe_orders_classified') }}
    where status = 'completed'
),

charges as (
    select * from {{ ref('int_stripe_charges_matched') }}
    where order_id is null
),

invoice_lines as (
    select
        lines.*,
        orders.total_price - orders.tax as total_excluding_tax,
        sum(lines.amount - lines.discount) over invoice as goods,
        sum(lines.amount - lines.discount) over so_far as goods_so_far
    from {{ ref('stg_stripe__invoice_lines') }} as lines
    inner join orders
        on lines.company_id = orders.company_id and lines.invoice_id = orders.order_id
    window
        invoice as (partition by lines.company_id, lines.invoice_id),
        so_far as (
            partition by lines.company_id, lines.invoice_id order by lines.invoice_line_id
        )
),

-- Prices that include tax lose it in proportion, and the lines add up to the invoice to the cent.
taxed as (
    select
        *,
        case
            when goods = 0 or goods <= total_excluding_tax then amount - discount
            else
                round(goods_so_far * total_excluding_tax / goods, 4)
                - round((goods_so_far - amount + discount) * total_excluding_tax / goods, 4)
        end as net_revenue,
        case
            when goods = 0 or goods <= total_excluding_tax or amount = discount then discount
            else round(discount * total_excluding_tax / goods, 4)
        end as net_discount
    from invoice_lines
),

-- What credits the unused part of a period lowers the price of the new one: a discount.
billed as (
    select
        taxed.company_id,
        taxed.invoice_line_id as order_line_id,
        taxed.invoice_id as order_id,
        cast(null as timestamptz) as refunded_at,
        taxed.product_id,
        coalesce(products.name, taxed.description) as product,
        cast(taxed.quantity as numeric) as quantity,
        greatest(taxed.net_revenue + taxed.net_discount, 0) as gross_revenue,
        greatest(taxed.net_revenue + taxed.net_discount, 0) - taxed.net_revenue as discount,
        cast(0 as numeric) as refunded
    from taxed
    left join {{ ref('stg_stripe__products') }} as products
        on
            taxed.company_id = products.company_id
            and taxed.product_id = products.product_id
),

paid as (
    select
        orders.company_id,
        'payment-' || orders.order_id as order_line_id,
        orders.order_id,
        cast(null as timestamptz) as refunded_at,
        cast(null as text) as product_id,
        cast(null as text) as product,
        cast(null as numeric) as quantity,
        orders.total_price as gross_revenue,
        cast(0 as numeric) as discount,
        cast(0 as numeric) as refunded
    from orders
    left join {{ ref('stg_stripe__invoices') }} as invoices
        on orders.company_id = invoices.company_id and orders.order_id = invoices.invoice_id
    where invoices.invoice_id is null
),

-- A refund that is under way has left the balance.
money_back as (
    select
        refunds.company_id,
        refunds.refund_id as document_id,
        coalesce(charges.invoice_id, charges.payment_intent_id, charges.charge_id) as order_id,
        refunds.created_at as refunded_at,
        refunds.amount
    from {{ ref('stg_stripe__refunds') }} as refunds
    inner join charges
        on refunds.company_id = charges.company_id and refunds.charge_id = charges.charge_id
    where coalesce(refunds.status, 'succeeded') in ('succeeded', 'pending')
),

-- What a credit note gives back as a refund is that refund; the rest is of the note's own.
noted_refunds as (
    select
        notes.company_id,
        notes.credit_note_id,
        sum(refunds.amount) as amount
    from {{ ref('stg_stripe__credit_notes') }} as notes
    cross join lateral {{ json_refund_ids('notes.refunds_minor') }} as noted (refund_id)
    inner join {{ ref('stg_stripe__refunds') }} as refunds
        on notes.company_id = refunds.company_id and noted.refund_id = refunds.refund_id
    group by notes.company_id, notes.credit_note_id
),

credited as (
    select
        notes.company_id,
        notes.credit_note_id as document_id,
        notes.invoice_id as order_id,
        coalesce(notes.effective_at, notes.created_at) as refunded_at,
        coalesce(notes.total, notes.amount) - coalesce(noted_refunds.amount, 0) as amount
    from {{ ref('stg_stripe__credit_notes') }} as notes
    left join noted_refunds
        on
            notes.company_id = noted_refunds.company_id
            and notes.credit_note_id = noted_refunds.credit_note_id
    where notes.status <> 'void'
),

given_back as (
    select * from money_back
    union all
    select * from credited
    where amount > 0
),

-- Tax goes back in proportion, and never more than was paid.
shared as (
    select
        given_back.company_id,
        given_back.document_id,
        given_back.order_id,
        given_back.refunded_at,
        orders.total_price - orders.tax as goods,
        round(
            sum(given_back.amount) over so_far * (orders.total_price - orders.tax)
            / orders.total_price,
            4
        ) as back_so_far,
        round(
            (sum(given_back.amount) over so_far - given_back.amount)
            * (orders.total_price - orders.tax) / orders.total_price,
            4
        ) as back_before
    from given_back
    inner join orders
        on
            given_back.company_id = orders.company_id
            and given_back.order_id = orders.order_id
    window
        so_far as (
            partition by given_back.company_id, given_back.order_id
            order by given_back.refunded_at, given_back.document_id
        )
),

refunded as (
    select
        company_id,
        'refund-' || document_id as order_line_id,
        order_id,
        refunded_at,
        cast(null as text) as product_id,
        cast(null as text) as product,
        cast(null as numeric) as quantity,
        cast(0 as numeric) as gross_revenue,
        cast(0 as numeric) as discount,
        least(back_so_far, goods) - least(back_before, goods) as refunded
    from shared
    where least(back_so_far, goods) > least(back_before, goods)
),

all_lines as (
    select * from billed
    union all
    select * from paid
    union all
    select * from refunded
)

select
    all_lines.*,
    cast(null as numeric) as cost_base
from all_lines
