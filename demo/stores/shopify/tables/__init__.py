"""How each field is read; importing this fills `graph` with all of it."""

from demo.stores.shopify.tables import (
    customers,
    discounts,
    orders,
    payments,
    products,
    roots,
    shop,
)

__all__ = ["customers", "discounts", "orders", "payments", "products", "roots", "shop"]
