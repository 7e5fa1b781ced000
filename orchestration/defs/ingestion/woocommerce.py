"""Raw assets of the WooCommerce source. How a site is read: ingestion/sources/woocommerce."""

from orchestration.lib.api_source import ApiSource

WOOCOMMERCE = ApiSource(
    name="woocommerce",
    shop="site",
    tables={
        "orders": "An order as it stands on the site now, pending and failed ones included.",
        "order_lines": "A line of an order, with its product, quantity and price without tax.",
        "order_coupons": "What a coupon took off an order.",
        "order_fees": "A fee of an order, such as for wrapping.",
        "order_shipping": "The shipping of an order.",
        "order_taxes": "What of one tax rate an order holds.",
        "refunds": "A refund of an order, on its own date.",
        "refund_lines": "What of a line, a fee or the shipping was refunded.",
        "customers": "A user of the site, with an account.",
        "products": "A product, with its unit cost where the site knows it.",
        "variations": "A variation of a product, with its unit cost where the site knows it.",
        "coupons": "A coupon.",
        "deletions": "What is gone from the site, into the trash or for good.",
    },
    reconciled="orders",
    figures=(
        "Orders, customers and products are as many as the site counts, and a sample of days, read "
        "again by another query, agrees to the cent in each currency."
    ),
)

raw_woocommerce = WOOCOMMERCE.assets()
