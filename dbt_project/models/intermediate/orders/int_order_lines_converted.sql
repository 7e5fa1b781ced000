-- Here the sources meet: nobody downstream asks where a row came from.
with order_lines as (
    select * from {{ ref('int_files_order_lines_converted') }}
    union all
    select * from {{ ref('int_shopify_order_lines_converted') }}
    union all
    select * from {{ ref('int_rated_order_lines_converted') }}
),

-- Who is somebody else's duplicate. Most are nobody's, so this is small.
duplicates as (
    select
        company_id,
        account_id,
        customer_id
    from {{ ref('int_accounts_resolved') }}
    where account_id <> customer_id
)

select
    order_lines.company_id,
    order_lines.order_line_id,
    order_lines.order_id,
    coalesce(duplicates.customer_id, order_lines.customer_id) as customer_id,
    order_lines.email_hash,
    order_lines.source,
    order_lines.source_file,
    order_lines.line_number,
    order_lines.ordered_at,
    order_lines.order_date,
    order_lines.channel,
    order_lines.country,
    order_lines.product_id,
    order_lines.product,
    order_lines.quantity,
    order_lines.currency,
    order_lines.base_currency,
    order_lines.exchange_rate,
    order_lines.rate_date,
    order_lines.gross_revenue,
    order_lines.discount,
    order_lines.refunded,
    order_lines.net_revenue,
    order_lines.gross_margin,
    order_lines.gross_revenue_base,
    order_lines.discount_base,
    order_lines.refunded_base,
    order_lines.net_revenue_base,
    order_lines.gross_margin_base
from order_lines
left join duplicates
    on
        order_lines.company_id = duplicates.company_id
        and order_lines.customer_id = duplicates.account_id
