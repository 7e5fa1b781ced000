-- Files are re-exported and overlap, and they hold true duplicates: a line is known by its content
-- and by its occurrence number among equal lines of its own file, never by its place in the file.
{%- set line_key = [
    'company_id', 'feed', 'order_id', 'customer_id', 'order_date', 'amount', 'quantity',
    'currency', 'product'
] %}

with source as (
    select * from {{ landed('raw_files', 'order_lines') }}
),

cleaned as (
    select
        company_id,
        feed,
        source_file,
        line_number,
        ordered_at,
        order_date,
        amount,
        quantity,
        currency,
        extra,
        nullif(trim(order_id), '') as order_id,
        nullif(trim(customer_id), '') as source_customer_id,
        {{ hash_email('email') }} as email_hash,
        nullif(trim(channel), '') as channel,
        nullif(trim(country), '') as country,
        nullif(trim(product), '') as product
    from source
),

identified as (
    select
        *,
        source_customer_id is null as is_guest,
        coalesce(source_customer_id, 'guest-' || email_hash) as customer_id
    from cleaned
),

-- Ties are broken by content before position, so that a re-sorted export numbers its lines alike.
numbered as (
    select
        *,
        row_number() over (
            partition by source_file, {{ line_key | join(', ') }}
            order by ordered_at, channel, country, line_number
        ) as occurrence
    from identified
),

keyed as (
    select
        *,
        {{ surrogate_key(line_key + ['occurrence']) }} as order_line_id
    from numbered
),

-- Of one line in several files the file that sorts last speaks: exports are named by their date.
ranked as (
    select
        *,
        row_number() over (
            partition by company_id, order_line_id order by source_file desc
        ) as file_rank
    from keyed
)

select
    company_id,
    order_line_id,
    feed,
    source_file,
    line_number,
    order_id,
    customer_id,
    is_guest,
    email_hash,
    ordered_at,
    order_date,
    amount,
    quantity,
    currency,
    channel,
    country,
    product,
    extra
from ranked
where file_rank = 1
