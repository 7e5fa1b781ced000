with source as (
    select * from {{ landed('raw_stripe', 'invoices') }}
)

select
    company_id,
    id as invoice_id,
    created_at,
    coalesce(livemode, true) as is_live,
    number,
    status,
    customer_id,
    subscription_id,
    billing_reason,
    collection_method,
    upper(currency) as currency,
    subtotal,
    total,
    total_excluding_tax,
    amount_due,
    amount_paid,
    amount_remaining,
    pre_payment_credit_notes_amount,
    post_payment_credit_notes_amount,
    attempt_count,
    period_start,
    period_end,
    due_date,
    finalized_at,
    paid_at,
    voided_at,
    uncollectible_at
from source
