{{ config(materialized='replaced_view') }}

with orders as (
    select * from {{ ref('int_square_orders_classified') }}
    where status = 'completed'
),

payments as (
    select
        company_id,
        payment_id,
        coalesce(order_id, payment_id) as order_id
    from {{ ref('stg_square__payments') }}
),

-- What was bought is in Square's orders, which aren't landed: the payment is one line.
paid as (
    select
        company_id,
        'payment-' || order_id as order_line_id,
        order_id,
        cast(null as timestamptz) as refunded_at,
        total_price - tip as gross_revenue,
        cast(0 as numeric) as refunded
    from orders
    where order_id not like 'refund-%'
),

-- A refund that is under way has left the balance.
given_back as (
    select
        refunds.company_id,
        refunds.refund_id,
        coalesce(payments.order_id, 'refund-' || refunds.refund_id) as order_id,
        payments.payment_id is null as is_alone,
        refunds.created_at,
        refunds.amount
    from {{ ref('stg_square__refunds') }} as refunds
    left join payments
        on
            refunds.company_id = payments.company_id
            and refunds.payment_id = payments.payment_id
    where refunds.status in ('COMPLETED', 'PENDING')
),

-- A tip may go back too: never more of the goods than was paid for them.
running as (
    select
        given_back.*,
        orders.total_price - orders.tip as goods,
        sum(given_back.amount) over so_far as back_so_far
    from given_back
    inner join orders
        on given_back.company_id = orders.company_id and given_back.order_id = orders.order_id
    window
        so_far as (
            partition by given_back.company_id, given_back.order_id
            order by given_back.created_at, given_back.refund_id
        )
),

refunded as (
    select
        company_id,
        'refund-' || refund_id as order_line_id,
        order_id,
        created_at as refunded_at,
        cast(0 as numeric) as gross_revenue,
        case
            when is_alone then amount
            else least(back_so_far, goods) - least(back_so_far - amount, goods)
        end as refunded
    from running
)

select
    company_id,
    order_line_id,
    order_id,
    refunded_at,
    cast(null as text) as product_id,
    cast(null as text) as product,
    cast(null as numeric) as quantity,
    gross_revenue,
    cast(0 as numeric) as discount,
    refunded,
    cast(null as numeric) as cost_base
from (
    select * from paid
    union all
    select * from refunded
    where refunded > 0
) as all_lines
