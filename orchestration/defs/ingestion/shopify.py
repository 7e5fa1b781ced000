"""Raw assets of the Shopify source. How a shop is read stands in ingestion/sources/shopify."""

from orchestration.lib.api_source import ApiSource

#: The landed tables and what a row of each is.
TABLES = {
    "orders": "An order as it stands in the shop now, test and cancelled ones included.",
    "order_lines": "A line item of an order, with its product, quantity and price.",
    "order_line_discounts": "What one discount took off one line.",
    "transactions": "A movement of money of an order: authorisation, sale, capture, refund, void.",
    "transaction_fees": "What a payment provider kept of a transaction.",
    "refunds": "A refund of an order, on its own date.",
    "refund_lines": "What of a line was refunded.",
    "customers": "A customer as the shop knows it now.",
    "products": "A product.",
    "variants": "A variant of a product, with its unit cost where the shop knows it.",
    "discounts": "A discount and its codes.",
    "disputes": "A payment that its buyer disputes.",
    "deletions": "What is gone from the shop, and whom a merged customer became.",
}

SHOPIFY = ApiSource(
    name="shopify",
    shop="shop",
    tables=TABLES,
    reconciled="orders",
    figures=(
        "Orders, customers and products are as many as the shop counts, and a sample of days, read "
        "again by another query, agrees to the cent."
    ),
)

raw_shopify = SHOPIFY.assets()
