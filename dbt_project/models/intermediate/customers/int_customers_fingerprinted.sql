-- Whose number is another than at the last build, of them something is known that was not.
with customers as (
    select * from {{ ref('int_customers_summarised') }}
),

days as (
    select
        company_id,
        customer_id,
        sum({{ row_hash([
            'order_date', 'orders', 'gross_revenue_base', 'discount_base', 'refunded_base',
            'net_revenue_base', 'margin_base', 'fully_refunded_on', 'days_since_previous_order',
            'new_products'
        ]) }}) as hash_of_days
    from {{ ref('int_customer_days_summed') }}
    group by company_id, customer_id
)

select
    customers.company_id,
    customers.customer_id,
    coalesce(days.hash_of_days, 0) + {{ row_hash([
        'customers.first_order_date', 'customers.first_order_value',
        'customers.acquisition_channel', 'customers.country'
    ]) }} as fingerprint
from customers
left join days
    on customers.company_id = days.company_id and customers.customer_id = days.customer_id
