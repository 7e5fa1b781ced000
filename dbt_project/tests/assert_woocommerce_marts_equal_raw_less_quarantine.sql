-- Counts what landed in another way than the models do: order by order.
with held as (
    select company_id from {{ ref('stg_quarantine__held_companies') }}
),

landed as (
    select
        orders.company_id,
        'woocommerce-' || orders.order_id as order_id
    from {{ ref('stg_woocommerce__orders') }} as orders
    inner join {{ ref('stg_files__companies') }} as companies
        on orders.company_id = companies.company_id
    where not exists (
        select 1
        from {{ ref('stg_woocommerce__deletions') }} as deletions
        where
            deletions.company_id = orders.company_id
            and deletions.entity = 'orders'
            and deletions.entity_id = orders.order_id
    )
),

accounted as (
    select
        company_id,
        order_id
    from {{ ref('fct_orders') }}
    where source = 'woocommerce' and company_id not in (select held.company_id from held)
    union all
    select
        company_id,
        order_id
    from {{ ref('orders_without_rate') }}
    where source = 'woocommerce' and company_id not in (select held.company_id from held)
)

select
    coalesce(landed.company_id, accounted.company_id) as company_id,
    coalesce(landed.order_id, accounted.order_id) as order_id
from landed
full outer join accounted
    on landed.company_id = accounted.company_id and landed.order_id = accounted.order_id
where landed.order_id is null or accounted.order_id is null
