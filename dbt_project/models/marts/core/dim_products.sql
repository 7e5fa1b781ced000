with companies as (
    select * from {{ ref('stg_files__companies') }}
),

shopify_deletions as (
    select * from {{ ref('stg_shopify__deletions') }}
    where entity = 'products'
),

woocommerce_deletions as (
    select * from {{ ref('stg_woocommerce__deletions') }}
    where entity = 'products'
),

stripe_deletions as (
    select * from {{ ref('stg_stripe__deletions') }}
    where entity = 'products'
),

-- A cost in another currency is not known in the company's.
shopify_costs as (
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
),

woocommerce_costs as (
    select
        company_id,
        product_id,
        count(*) as variants,
        avg(unit_cost) as unit_cost
    from {{ ref('stg_woocommerce__variations') }}
    group by company_id, product_id
),

products as (
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
        coalesce(costs.variants, 0) as variants,
        costs.unit_cost
    from {{ ref('stg_shopify__products') }} as products
    left join shopify_costs as costs
        on
            products.company_id = costs.company_id
            and products.product_id = costs.product_id
    left join shopify_deletions as deletions
        on
            products.company_id = deletions.company_id
            and products.product_id = deletions.entity_id
    union all
    select
        products.company_id,
        'woocommerce-' || products.product_id as product_id,
        'woocommerce' as source,
        products.name as title,
        null as vendor,
        products.type as product_type,
        {{ json_first('products.categories', 'name') }} as category,
        false as is_gift_card,
        deletions.entity_id is not null as is_deleted,
        coalesce(costs.variants, 1) as variants,
        coalesce(costs.unit_cost, products.unit_cost) as unit_cost
    from {{ ref('stg_woocommerce__products') }} as products
    left join woocommerce_costs as costs
        on
            products.company_id = costs.company_id
            and products.product_id = costs.product_id
    left join woocommerce_deletions as deletions
        on
            products.company_id = deletions.company_id
            and products.product_id = deletions.entity_id
    union all
    select
        products.company_id,
        products.product_id,
        'stripe' as source,
        products.name as title,
        null as vendor,
        products.type as product_type,
        null as category,
        false as is_gift_card,
        deletions.entity_id is not null as is_deleted,
        0 as variants,
        null as unit_cost
    from {{ ref('stg_stripe__products') }} as products
    left join stripe_deletions as deletions
        on
            products.company_id = deletions.company_id
            and products.product_id = deletions.entity_id
)

select
    products.company_id,
    products.product_id,
    products.source,
    products.title,
    products.vendor,
    products.product_type,
    products.category,
    products.is_gift_card,
    products.is_deleted,
    cast(products.variants as integer) as variants,
    {{ money('products.unit_cost') }} as unit_cost_base
from products
inner join companies on products.company_id = companies.company_id
