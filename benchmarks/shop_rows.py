"""The raw rows of a company with three shops and its payments, each table as one query.

Belongs here: what the made rows are. Does not belong here: how they get into the tables or what is
measured (`benchmarks/warehouse.py`). Everything follows from an order's number, so a table can be
made in parts, and twice the same.
"""

from __future__ import annotations

from dataclasses import dataclass

COMPANY_ID = "bench"
FIRST_DAY = "2024-01-01"
DAYS = 730
PRODUCTS = 1_000

# Of ten orders six are a Shopify shop's, three a WooCommerce site's that Stripe is paid for, one is
# a line of a file. Customers come over the two years, and each keeps to one of the three.
_ORDERS = """
    select
        n,
        company_id,
        customer,
        case
            when customer %% 10 < 6 then 'shopify' when customer %% 10 < 9 then 'woo' else 'files'
        end as source,
        ordered_at,
        case when hashint8(n) %% 20 = 0 then 'EUR' else 'USD' end as currency,
        case when hashint8(n) %% 20 = 0 then 0.9 else 1 end as per_usd,
        1 + n %% 4 as lines,
        n %% 50 = 7 as is_cancelled,
        n %% 25 = 3 as is_refunded
    from (
        select
            n,
            '{company}'::text as company_id,
            timestamptz '{first_day} 00:00+00' + n * interval '1 day' * {days} / {orders}
                as ordered_at,
            1 + (abs(hashint8extended(n, 1)) %% greatest(1, n * {customers} / {orders})) as customer
        from generate_series({start}::bigint, {stop}::bigint) as numbers (n)
    ) as drawn
"""

_LINES = """
    select
        orders.*,
        line,
        1 + abs(hashint8extended(orders.n * 10 + line, 2)) %% {products} as product,
        1 + line %% 2 as quantity,
        (5 + abs(hashint8extended(orders.n * 10 + line, 3)) %% 9000 / 100.0)::numeric(18, 2)
            as price,
        line = 1 and orders.n %% 5 = 0 as is_discounted
    from orders cross join lateral generate_series(1, orders.lines) as numbers (line)
"""


@dataclass(frozen=True)
class Shop:
    """How much there is.

    Attributes:
        orders: Orders of the two years.
        customers: Customers who come over them.
    """

    orders: int
    customers: int

    def part(self, query: str, start: int, stop: int) -> str:
        """Returns the query of a table's rows that belong to a range of orders.

        Args:
            query: One of `OF_ORDERS`.
            start: The first order's number.
            stop: The last one's.
        """
        orders, lines = (
            text.format(
                company=COMPANY_ID,
                first_day=FIRST_DAY,
                days=DAYS,
                orders=self.orders,
                customers=self.customers,
                start=start,
                stop=stop,
                products=PRODUCTS,
            ).replace("%%", "%")
            for text in (_ORDERS, _LINES)
        )
        return f"with orders as ({orders}), lines as ({lines}), totals as ({_TOTALS}) {query}"

    def whole(self, query: str) -> str:
        """Returns the query of a table that grows with customers or not at all."""
        return query.format(company=COMPANY_ID, customers=self.customers, products=PRODUCTS)


_TOTALS = """
    select
        orders.n, orders.company_id, orders.customer, orders.source, orders.ordered_at,
        orders.currency, orders.per_usd, orders.is_cancelled, orders.is_refunded,
        sum(quantity * price) as goods,
        sum(case when is_discounted then round(quantity * price * 0.1, 2) else 0 end) as discount
    from orders inner join lines using (n)
    group by orders.n, orders.company_id, orders.customer, orders.source, orders.ordered_at,
        orders.currency, orders.per_usd, orders.is_cancelled, orders.is_refunded
"""

#: By table: which columns the query gives, in the query's order, and the query.
OF_ORDERS: dict[str, str] = {
    "raw_shopify.orders": """
        select
            company_id, 'S' || n as id, 'S' || customer as customer_id,
            'buyer' || customer || '@example.com' as email,
            ordered_at as created_at, ordered_at as processed_at, ordered_at as updated_at,
            case when is_cancelled then ordered_at + interval '1 hour' end as cancelled_at,
            case when is_refunded then 'PARTIALLY_REFUNDED' else 'PAID' end as financial_status,
            false as test, true as confirmed, false as edited, false as taxes_included,
            'USD' as currency, currency as presentment_currency,
            goods - discount as subtotal,
            round((goods - discount) * per_usd, 2) as subtotal_presentment,
            discount as total_discounts,
            round(discount * per_usd, 2) as total_discounts_presentment,
            round((goods - discount) * 0.08, 2) as total_tax,
            round((goods - discount) * 0.08 * per_usd, 2) as total_tax_presentment,
            5 as total_shipping, 5 * per_usd as total_shipping_presentment,
            0 as total_tip, 0 as total_tip_presentment,
            round((goods - discount) * 1.08, 2) + 5 as total_price,
            round((goods - discount) * 1.08 * per_usd, 2) + 5 * per_usd as total_price_presentment,
            round((goods - discount) * 1.08, 2) + 5 as total_received,
            round((goods - discount) * 1.08 * per_usd, 2) + 5 * per_usd
                as total_received_presentment,
            0 as total_refunded_shipping, 0 as total_refunded_shipping_presentment,
            'web' as source_name,
            (array['Online Store', 'POS', 'Shop'])[1 + customer % 3] as channel,
            (array['US', 'DE', 'FR', 'GB'])[1 + customer % 4] as shipping_country,
            json_build_object('firstVisit', json_build_object(
                'source', (array['google', 'instagram', 'direct'])[1 + customer % 3]
            )) as customer_journey
        from totals where source = 'shopify'
    """,
    "raw_shopify.order_lines": """
        select
            company_id, 'L' || n || '-' || line as id, 'S' || n as order_id,
            'P' || product as product_id, 'V' || product as variant_id,
            'Product ' || product as name, 'Product ' || product as title,
            'SKU' || product as sku, quantity, quantity as current_quantity, false as is_gift_card,
            'USD' as currency, currency as presentment_currency,
            price as unit_price, round(price * per_usd, 2) as unit_price_presentment,
            quantity * price as original_total,
            round(quantity * price * per_usd, 2) as original_total_presentment,
            quantity * price as discounted_total,
            round(quantity * price * per_usd, 2) as discounted_total_presentment,
            json_build_array(json_build_object('title', 'Tax', 'priceSet', json_build_object(
                'shopMoney', json_build_object('amount', round(quantity * price * 0.08, 2)::text),
                'presentmentMoney',
                json_build_object('amount', round(quantity * price * 0.08 * per_usd, 2)::text)
            ))) as tax_lines
        from lines where source = 'shopify'
    """,
    "raw_shopify.order_line_discounts": """
        select
            company_id, 'S' || n as order_id, 'L' || n || '-' || line as order_line_id,
            0 as application_index, 'DiscountCodeApplication' as type, 'TEN' as code,
            'USD' as currency, currency as presentment_currency,
            round(quantity * price * 0.1, 2) as amount,
            round(quantity * price * 0.1 * per_usd, 2) as amount_presentment
        from lines where source = 'shopify' and is_discounted
    """,
    "raw_shopify.transactions": """
        select
            company_id, 'T' || n as id, 'S' || n as order_id, 'SALE' as kind, 'SUCCESS' as status,
            false as test, 'shopify_payments' as gateway, ordered_at as created_at,
            ordered_at as processed_at, false as is_manual,
            'USD' as currency, currency as presentment_currency,
            round((goods - discount) * 1.08, 2) + 5 as amount,
            round((goods - discount) * 1.08 * per_usd, 2) + 5 * per_usd as amount_presentment
        from totals where source = 'shopify' and not is_cancelled
        union all
        select
            company_id, 'TR' || n as id, 'S' || n as order_id, 'REFUND', 'SUCCESS', false,
            'shopify_payments', ordered_at + interval '9 days',
            ordered_at + interval '9 days', false,
            'USD', currency, round(goods * 0.2, 2), round(goods * 0.2 * per_usd, 2)
        from totals where source = 'shopify' and is_refunded and not is_cancelled
    """,
    "raw_shopify.transaction_fees": """
        select
            company_id, 'F' || n as id, 'S' || n as order_id, 'T' || n as transaction_id,
            'processing_fee' as type, round(goods * 0.029 + 0.3, 2) as amount, 'USD' as currency
        from totals where source = 'shopify' and not is_cancelled
    """,
    "raw_shopify.refunds": """
        select
            company_id, 'R' || n as id, 'S' || n as order_id,
            ordered_at + interval '9 days' as created_at,
            ordered_at + interval '9 days' as processed_at,
            ordered_at + interval '9 days' as updated_at,
            'USD' as currency, currency as presentment_currency,
            round(goods * 0.2, 2) as total_refunded,
            round(goods * 0.2 * per_usd, 2) as total_refunded_presentment,
            json_build_array('TR' || n) as transaction_ids
        from totals where source = 'shopify' and is_refunded and not is_cancelled
    """,
    "raw_shopify.refund_lines": """
        select
            company_id, 'RL' || n as id, 'S' || n as order_id, 'R' || n as refund_id, 0 as position,
            'L' || n || '-1' as order_line_id, 1 as quantity, 'RETURN' as restock_type,
            true as restocked, 'USD' as currency, currency as presentment_currency,
            price, round(price * per_usd, 2) as price_presentment, price as subtotal,
            round(price * per_usd, 2) as subtotal_presentment, 0 as total_tax,
            0 as total_tax_presentment
        from lines where source = 'shopify' and is_refunded and not is_cancelled and line = 1
    """,
    "raw_woocommerce.orders": """
        select
            company_id, n::text as id, n::text as number, '0' as parent_id, 'key' || n as order_key,
            case when is_cancelled then 'cancelled' else 'completed' end as status, currency,
            ordered_at as created_at, ordered_at as modified_at,
            case when not is_cancelled then ordered_at end as paid_at,
            'checkout' as created_via, false as prices_include_tax, customer::text as customer_id,
            'buyer' || customer || '@example.com' as email,
            (array['US', 'DE', 'FR', 'GB'])[1 + customer % 4] as billing_country,
            discount as discount_total, 0 as discount_tax, 5 as shipping_total, 0 as shipping_tax,
            round((goods - discount) * 0.08, 2) as cart_tax,
            round((goods - discount) * 0.08, 2) as total_tax,
            round((goods - discount) * 1.08, 2) + 5 as total,
            'stripe' as payment_method, 'ch_' || n as transaction_id,
            json_build_array(
                json_build_object('key', '_stripe_intent_id', 'value', 'pi_' || n),
                json_build_object('key', '_stripe_currency', 'value', currency)
            ) as meta_data
        from totals where source = 'woo'
    """,
    "raw_woocommerce.order_lines": """
        select
            company_id, n || '0' || line as id, n::text as order_id, currency,
            product::text as product_id, '0' as variation_id, 'Product ' || product as name,
            'SKU' || product as sku, quantity, quantity * price as subtotal, 0 as subtotal_tax,
            quantity * price
            - case when is_discounted then round(quantity * price * 0.1, 2) else 0 end as total,
            0 as total_tax
        from lines where source = 'woo'
    """,
    "raw_woocommerce.refunds": """
        select
            company_id, n || '7' as id, n::text as order_id, currency,
            ordered_at + interval '9 days' as created_at, round(goods * 0.2, 2) as amount
        from totals where source = 'woo' and is_refunded and not is_cancelled
    """,
    "raw_stripe.charges": """
        select
            company_id, 'ch_' || n as id, ordered_at as created_at, true as livemode,
            'succeeded' as status, true as paid, true as captured, false as refunded,
            false as disputed, currency, round((goods - discount) * 1.08, 2) + 5 as amount,
            round((goods - discount) * 1.08, 2) + 5 as amount_captured, 0 as amount_refunded,
            'pi_' || n as payment_intent_id, 'txn_' || n as balance_transaction_id,
            'buyer' || customer || '@example.com' as email,
            json_build_object('order_key', 'key' || n) as metadata
        from totals where source = 'woo' and not is_cancelled
    """,
    "raw_stripe.balance_transactions": """
        select
            company_id, 'txn_' || n as id, ordered_at as created_at, 'available' as status,
            'charge' as type, 'charge' as reporting_category, 'ch_' || n as source_id, currency,
            round((goods - discount) * 1.08, 2) + 5 as amount, round(goods * 0.029 + 0.3, 2) as fee,
            round((goods - discount) * 1.08, 2) + 5 - round(goods * 0.029 + 0.3, 2) as net
        from totals where source = 'woo' and not is_cancelled
    """,
    "raw_files.order_lines": """
        select
            company_id, 'till' as feed, 'till.csv' as source_file, n * 10 + line as line_number,
            'F' || n as order_id, 'F' || customer as customer_id,
            'buyer' || customer || '@example.com' as email, ordered_at,
            (ordered_at at time zone 'UTC')::date as order_date, quantity * price as amount,
            quantity,
            currency, 'till' as channel, 'US' as country, 'Product ' || product as product
        from lines where source = 'files'
    """,
}

#: The tables beside, made whole.
OF_OTHERS: dict[str, str] = {
    "raw_files.companies": """
        select
            '{company}' as company_id, 'Bench' as name, 'USD' as base_currency, 'UTC' as timezone,
            0.3 as margin_rate, 0.1 as discount_rate, '[3, 6, 12]'::json as horizons_months,
            180 as churn_window_days, 12 as target_payback_months
    """,
    "raw_rates.exchange_rates": """
        select
            day::date as rate_date, currency, units_per_eur, 'ecb' as source
        from generate_series(date '2023-12-01', date '2026-03-01', interval '1 day') as days (day)
        cross join (values ('USD', 1.1), ('GBP', 0.85)) as currencies (currency, units_per_eur)
    """,
    "raw_shopify.customers": """
        select
            '{company}' as company_id, 'S' || n as id,
            timestamptz '2024-01-01 00:00+00' as created_at,
            'buyer' || n || '@example.com' as email, 'First' as first_name, 'Last' as last_name,
            'US' as country
        from generate_series(1, {customers}) as numbers (n) where n % 10 < 6
    """,
    "raw_woocommerce.customers": """
        select
            '{company}' as company_id, n::text as id,
            timestamptz '2024-01-01 00:00+00' as created_at,
            'buyer' || n || '@example.com' as email, 'First' as first_name, 'Last' as last_name
        from generate_series(1, {customers}) as numbers (n) where n % 10 between 6 and 8
    """,
    "raw_shopify.products": """
        select
            '{company}' as company_id, 'P' || n as id, 'Product ' || n as title,
            false as is_gift_card
        from generate_series(1, {products}) as numbers (n)
    """,
    "raw_shopify.variants": """
        select
            '{company}' as company_id, 'V' || n as id, 'P' || n as product_id,
            'Product ' || n as title,
            2.5 as unit_cost, 'USD' as unit_cost_currency
        from generate_series(1, {products}) as numbers (n)
    """,
    "raw_woocommerce.products": """
        select '{company}' as company_id, n::text as id, 'Product ' || n as name, 'simple' as type
        from generate_series(1, {products}) as numbers (n)
    """,
    "raw_files.marketing_spend": """
        select
            '{company}' as company_id, 'ads' as feed, 'ads.csv' as source_file,
            row_number() over () as line_number, day::date as spend_date, channel, 250 as amount,
            'USD' as currency
        from generate_series(date '2024-01-01', date '2025-12-30', interval '1 day') as days (day)
        cross join (values ('google'), ('instagram')) as channels (channel)
    """,
}
