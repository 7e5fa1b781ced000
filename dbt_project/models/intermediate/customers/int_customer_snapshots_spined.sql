{{ config(materialized='replaced_view') }}

with customers as (
    select * from {{ ref('int_customers_summarised') }}
),

snapshots as (
    select * from {{ ref('int_snapshot_windows_spined') }}
    where horizon_months = 0
)

select
    customers.company_id,
    customers.customer_id,
    snapshots.as_of_date,
    customers.first_order_date
from customers
inner join snapshots
    on
        customers.company_id = snapshots.company_id
        and customers.first_order_date <= snapshots.as_of_date
