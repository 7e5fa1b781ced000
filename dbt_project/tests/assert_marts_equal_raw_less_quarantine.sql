-- Counts the lines of overlapping files in another way than staging does: of each line the most
-- copies that any one file of the feed holds.
with held as (
    select company_id from {{ ref('stg_quarantine__held_companies') }}
),

copies_per_file as (
    select
        company_id,
        feed,
        source_file,
        order_id,
        customer_id,
        lower(trim(email)) as email,
        order_date,
        amount,
        quantity,
        currency,
        product,
        count(*) as copies
    from {{ landed('raw_files', 'order_lines') }}
    group by
        company_id, feed, source_file, order_id, customer_id, lower(trim(email)), order_date,
        amount, quantity, currency, product
),

landed_lines as (
    select
        company_id,
        currency,
        amount,
        max(copies) as copies
    from copies_per_file
    group by
        company_id, feed, order_id, customer_id, email, order_date,
        amount, quantity, currency, product
),

landed as (
    select
        landed_lines.company_id,
        landed_lines.currency,
        sum(landed_lines.copies) as order_lines,
        sum(landed_lines.amount * landed_lines.copies) as amount
    from landed_lines
    inner join {{ ref('dim_companies') }} as companies
        on landed_lines.company_id = companies.company_id
    group by landed_lines.company_id, landed_lines.currency
),

accounted_lines as (
    select
        company_id,
        currency,
        net_revenue as amount
    from {{ ref('fct_order_lines') }}
    where source like 'files.%' and company_id not in (select held.company_id from held)
    union all
    select
        company_id,
        currency,
        amount
    from {{ ref('order_lines_without_rate') }}
    where source like 'files.%' and company_id not in (select held.company_id from held)
),

accounted as (
    select
        company_id,
        currency,
        count(*) as order_lines,
        sum(amount) as amount
    from accounted_lines
    group by company_id, currency
)

select
    coalesce(landed.company_id, accounted.company_id) as company_id,
    coalesce(landed.currency, accounted.currency) as currency,
    landed.order_lines as landed_order_lines,
    accounted.order_lines as accounted_order_lines,
    landed.amount as landed_amount,
    accounted.amount as accounted_amount
from landed
full outer join accounted
    on landed.company_id = accounted.company_id and landed.currency = accounted.currency
where
    landed.order_lines is distinct from accounted.order_lines
    or landed.amount is distinct from accounted.amount
