with order_lines as (
    select * from {{ ref('int_order_lines_converted') }}
    where exchange_rate is null
),

currencies as (
    select * from {{ ref('currencies') }}
)

select
    order_lines.company_id,
    order_lines.order_line_id,
    order_lines.source,
    order_lines.source_file,
    order_lines.line_number,
    order_lines.order_id,
    order_lines.customer_id,
    order_lines.order_date,
    order_lines.net_revenue as amount,
    order_lines.currency,
    order_lines.base_currency,
    case
        when order_lines.currency is null then 'no currency'
        when order_lines.order_date is null then 'no date'
        when currencies.currency_code is null
            then 'unknown currency ' || order_lines.currency
        else
            'no exchange rate from ' || order_lines.currency
            || ' to ' || order_lines.base_currency || ' on ' || order_lines.order_date
    end as reason
from order_lines
left join currencies on order_lines.currency = currencies.currency_code
