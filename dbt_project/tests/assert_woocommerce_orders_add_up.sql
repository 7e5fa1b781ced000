{{ config(severity='warn') }}

-- What an order's lines and fees come to is what the site's own totals leave for them. A plugin
-- that takes store credit or a gift card off the total alone breaks this, and stops nobody.
-- A status that a plugin added, and money taken in test mode, have no amount here to compare.
select
    accounted.company_id,
    accounted.order_id,
    accounted.gross_revenue - accounted.discount as accounted_amount,
    landed.total - landed.total_tax - landed.shipping_total as landed_amount
from {{ ref('fct_orders') }} as accounted
inner join {{ ref('stg_woocommerce__orders') }} as landed
    on
        accounted.company_id = landed.company_id
        and accounted.order_id = 'woocommerce-' || landed.order_id
where
    accounted.source = 'woocommerce'
    and accounted.company_id not in (
        select held.company_id from {{ ref('stg_quarantine__held_companies') }} as held
    )
    and landed.status in ('processing', 'completed', 'refunded')
    and accounted.gross_revenue - accounted.discount <> 0
    and accounted.gross_revenue - accounted.discount
    <> landed.total - landed.total_tax - landed.shipping_total
