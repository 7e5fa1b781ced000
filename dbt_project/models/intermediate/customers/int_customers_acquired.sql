-- Spend is on what brought the visit. Where it was sold counts where nobody noted a visit.
with visits as (
    select
        company_id,
        'shopify' as source,
        order_id,
        first_visit_source as visit_source
    from {{ ref('stg_shopify__orders') }}
    union all
    select
        company_id,
        'woocommerce' as source,
        'woocommerce-' || order_id as order_id,
        lower(noted_utm_source) as visit_source
    from {{ ref('stg_woocommerce__orders') }}
)

select
    orders.company_id,
    orders.customer_id,
    coalesce(visits.visit_source, lower(orders.channel), 'unknown') as channel,
    {{ month_start('orders.order_date') }} as acquired_month
from {{ ref('fct_orders') }} as orders
left join visits
    on
        orders.company_id = visits.company_id
        and orders.source = visits.source
        and orders.order_id = visits.order_id
where orders.customer_order_number = 1
