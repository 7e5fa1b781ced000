with companies as (
    select * from {{ ref('stg_files__companies') }}
),

deletions as (
    select * from {{ ref('stg_shopify__deletions') }}
    where entity = 'products'
),

-- A cost in another currency is not known in the company's.
costs as (
    select
        variants.company_id,
        variants.product_id,
        count(*) as variants,
        avg(variants.unit_cost) filter (
            where variants.unit_cost_currency = companies.base_currency
        ) as unit_cost
    from {{ ref('stg_shopify__variants') }} as variants
    inner join companies on variants.company_id = companies.company_id
    group by variants.company_id, variants.product_id
)

select
    products.company_id,
    products.product_id,
    'shopify' as source,
    products.title,
    products.vendor,
    products.product_type,
    products.category,
    products.is_gift_card,
    deletions.entity_id is not null as is_deleted,
    cast(coalesce(costs.variants, 0) as integer) as variants,
    {{ money('costs.unit_cost') }} as unit_cost_base
from {{ ref('stg_shopify__products') }} as products
inner join companies on products.company_id = companies.company_id
left join costs
    on
        products.company_id = costs.company_id
        and products.product_id = costs.product_id
left join deletions
    on
        products.company_id = deletions.company_id
        and products.product_id = deletions.entity_id
