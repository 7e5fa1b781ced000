"""Which scope a field needs."""

from __future__ import annotations

ALL_ORDERS = "read_all_orders"

_ROOTS = {
    "orders": "read_orders",
    "order": "read_orders",
    "orderByIdentifier": "read_orders",
    "ordersCount": "read_orders",
    "refund": "read_orders",
    "tenderTransactions": "read_orders",
    "customers": "read_customers",
    "customer": "read_customers",
    "customerByIdentifier": "read_customers",
    "customersCount": "read_customers",
    "customerMergeJobStatus": "read_customer_merge",
    "products": "read_products",
    "product": "read_products",
    "productsCount": "read_products",
    "productVariant": "read_products",
    "productVariants": "read_products",
    "productVariantsCount": "read_products",
    "deletionEvents": "read_products",
    "discountNode": "read_discounts",
    "discountNodes": "read_discounts",
    "discountNodesCount": "read_discounts",
    "automaticDiscountNode": "read_discounts",
    "automaticDiscountNodes": "read_discounts",
    "codeDiscountNode": "read_discounts",
    "codeDiscountNodes": "read_discounts",
    "dispute": "read_shopify_payments_disputes",
    "disputes": "read_shopify_payments_disputes",
    "shopifyPaymentsAccount": "read_shopify_payments_accounts",
    "inventoryItem": "read_inventory",
    "inventoryItems": "read_inventory",
    "location": "read_locations",
    "locations": "read_locations",
}

_FIELDS = {
    **{("QueryRoot", name): scope for name, scope in _ROOTS.items()},
    ("Order", "customer"): "read_customers",
    ("Customer", "orders"): "read_orders",
    ("Customer", "lastOrder"): "read_orders",
    ("LineItem", "product"): "read_products",
    ("LineItem", "variant"): "read_products",
    ("Order", "disputes"): "read_shopify_payments_disputes",
    ("ShopifyPaymentsAccount", "disputes"): "read_shopify_payments_disputes",
    ("ProductVariant", "inventoryItem"): "read_inventory",
    # The fields of an object that node and nodes hand out without a root field of their own.
    ("Order", "id"): "read_orders",
    ("Customer", "id"): "read_customers",
    ("Product", "id"): "read_products",
}

EVERY_SCOPE = frozenset(_FIELDS.values()) | {ALL_ORDERS}


def scope_of(type_name: str, field: str) -> str:
    """Returns the scope that a field needs."""
    return _FIELDS[(type_name, field)]


def may_read(scopes: frozenset[str], type_name: str, field: str) -> bool:
    """Tells whether a token with these scopes may read a field."""
    needed = _FIELDS.get((type_name, field))
    return needed is None or needed in scopes
