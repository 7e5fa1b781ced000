"""The landed tables: which field of an answer becomes which column.

An amount is in the currency of its order, without tax where it is one of a line. Times are those
that the API gives as GMT. Ids are text.

Belongs here: names and types. Does not belong here: how JSON becomes Arrow (`ingestion/arrow.py`),
and what PHP makes of a value (`shaping.py`).
"""

from __future__ import annotations

from ingestion.arrow import Column, Table
from ingestion.personal import ACCOUNTS, EMAIL, EMAIL_ADDRESS, ERASED, kept, only

_PRODUCT = kept("what was bought")
_COUNTRY = kept("a country is nobody's")
_METHOD = kept("one of the site's own words")

_ID = Column("id", "id", "key", required=True)
#: Not part of the API's lines: every line gets those of its order.
_OF_ORDER = (
    Column("order_id", "order_id", "key", required=True),
    Column("currency", "currency", required=True),
)
_META = Column("meta_data", "meta_data", "json", personal=ERASED)
_ORDER_META = Column(
    "meta_data",
    "meta_data",
    "json",
    # By these a payment finds its order, and an order its channel.
    personal=only(
        "_stripe_intent_id",
        "_stripe_fee",
        "_stripe_currency",
        "_wc_order_attribution_utm_source",
    ),
)
_TIMES = (
    Column("created_at", "date_created_gmt", "time"),
    Column("modified_at", "date_modified_gmt", "time"),
)
#: Fractions are sold, too: cloth by the metre.
_QUANTITY = Column("quantity", "quantity", "rate", required=True)
_UNIT_COST = Column("unit_cost", "cost_of_goods_sold.total_value", "money")

ORDERS = Table(
    "orders",
    (
        _ID,
        Column("number", "number"),
        Column("parent_id", "parent_id", "key"),
        Column("order_key", "order_key"),
        Column("status", "status", required=True),
        Column("currency", "currency", required=True),
        Column("created_at", "date_created_gmt", "time", required=True),
        Column("modified_at", "date_modified_gmt", "time"),
        Column("paid_at", "date_paid_gmt", "time"),
        Column("completed_at", "date_completed_gmt", "time"),
        Column("created_via", "created_via"),
        Column("prices_include_tax", "prices_include_tax", "flag"),
        Column("customer_id", "customer_id", "key"),
        Column("email", "billing.email", personal=EMAIL),
        Column("billing_country", "billing.country", personal=_COUNTRY),
        Column("billing_state", "billing.state", personal=ERASED),
        Column("shipping_country", "shipping.country", personal=_COUNTRY),
        Column("discount_total", "discount_total", "money"),
        Column("discount_tax", "discount_tax", "money"),
        Column("shipping_total", "shipping_total", "money"),
        Column("shipping_tax", "shipping_tax", "money"),
        Column("cart_tax", "cart_tax", "money"),
        Column("total_tax", "total_tax", "money"),
        # As it was placed: refunds don't change it.
        Column("total", "total", "money", required=True),
        Column("payment_method", "payment_method"),
        Column("payment_method_title", "payment_method_title", personal=_METHOD),
        Column("transaction_id", "transaction_id"),
        Column("billing", "billing", "json", personal=ERASED),
        Column("shipping", "shipping", "json", personal=ERASED),
        _ORDER_META,
    ),
    amounts={"total": "currency"},
    unique=True,
    owners=(("customer_id", ACCOUNTS), ("email", EMAIL_ADDRESS)),
)

ORDER_LINES = Table(
    "order_lines",
    (
        _ID,
        *_OF_ORDER,
        Column("product_id", "product_id", "key"),
        Column("variation_id", "variation_id", "key"),
        Column("name", "name", personal=_PRODUCT),
        Column("parent_name", "parent_name", personal=_PRODUCT),
        Column("sku", "sku"),
        _QUANTITY,
        Column("tax_class", "tax_class"),
        Column("subtotal", "subtotal", "money", required=True),
        Column("subtotal_tax", "subtotal_tax", "money"),
        Column("total", "total", "money", required=True),
        Column("total_tax", "total_tax", "money"),
        Column("taxes", "taxes", "json"),
        _META,
    ),
    parent="order_id",
    amounts={"total": "currency"},
    owners=(("order_id", "orders"),),
)

ORDER_COUPONS = Table(
    "order_coupons",
    (
        _ID,
        *_OF_ORDER,
        Column("code", "code", required=True),
        Column("discount", "discount", "money", required=True),
        Column("discount_tax", "discount_tax", "money"),
        Column("discount_type", "discount_type"),
        Column("free_shipping", "free_shipping", "flag"),
        _META,
    ),
    parent="order_id",
    amounts={"discount": "currency"},
    owners=(("order_id", "orders"),),
)

ORDER_FEES = Table(
    "order_fees",
    (
        _ID,
        *_OF_ORDER,
        Column("name", "name", personal=_PRODUCT),
        Column("tax_class", "tax_class"),
        Column("total", "total", "money", required=True),
        Column("total_tax", "total_tax", "money"),
        Column("taxes", "taxes", "json"),
        _META,
    ),
    parent="order_id",
    amounts={"total": "currency"},
    owners=(("order_id", "orders"),),
)

ORDER_SHIPPING = Table(
    "order_shipping",
    (
        _ID,
        *_OF_ORDER,
        Column("method_id", "method_id"),
        Column("method_title", "method_title"),
        Column("instance_id", "instance_id"),
        Column("total", "total", "money", required=True),
        Column("total_tax", "total_tax", "money"),
        Column("taxes", "taxes", "json"),
        _META,
    ),
    parent="order_id",
    amounts={"total": "currency"},
    owners=(("order_id", "orders"),),
)

ORDER_TAXES = Table(
    "order_taxes",
    (
        _ID,
        *_OF_ORDER,
        Column("rate_id", "rate_id", "key"),
        Column("rate_code", "rate_code"),
        Column("label", "label"),
        Column("rate_percent", "rate_percent", "rate"),
        Column("compound", "compound", "flag"),
        Column("tax_total", "tax_total", "money", required=True),
        Column("shipping_tax_total", "shipping_tax_total", "money"),
        _META,
    ),
    parent="order_id",
    amounts={"tax_total": "currency"},
    owners=(("order_id", "orders"),),
)

REFUNDS = Table(
    "refunds",
    (
        _ID,
        *_OF_ORDER,
        Column("created_at", "date_created_gmt", "time", required=True),
        # Positive, unlike the totals of the lines.
        Column("amount", "amount", "money", required=True),
        Column("reason", "reason", personal=ERASED),
        Column("refunded_by", "refunded_by", "key"),
        Column("refunded_payment", "refunded_payment", "flag"),
        Column("tax_lines", "tax_lines", "json"),
        _META,
    ),
    amounts={"amount": "currency"},
    unique=True,
    owners=(("order_id", "orders"),),
)

REFUND_LINES = Table(
    "refund_lines",
    (
        _ID,
        Column("refund_id", "refund_id", "key", required=True),
        *_OF_ORDER,
        # line_item, shipping or fee.
        Column("type", "type", required=True),
        # The line, shipping or fee of the order that was refunded.
        Column("order_item_id", "order_item_id", "key"),
        Column("product_id", "product_id", "key"),
        Column("variation_id", "variation_id", "key"),
        Column("name", "name", personal=_PRODUCT),
        Column("sku", "sku"),
        # Negative, as the totals are; none of shipping and fees.
        Column("quantity", "quantity", "rate"),
        Column("total", "total", "money", required=True),
        Column("total_tax", "total_tax", "money"),
        Column("taxes", "taxes", "json"),
        _META,
    ),
    parent="refund_id",
    amounts={"total": "currency"},
    owners=(("refund_id", "refunds"),),
)

CUSTOMERS = Table(
    "customers",
    (
        _ID,
        *_TIMES,
        Column("email", "email", personal=EMAIL),
        Column("first_name", "first_name", personal=ERASED),
        Column("last_name", "last_name", personal=ERASED),
        Column("role", "role"),
        Column("username", "username", personal=ERASED),
        Column("country", "billing.country", personal=_COUNTRY),
        Column("state", "billing.state", personal=ERASED),
        Column("city", "billing.city", personal=ERASED),
        Column("postcode", "billing.postcode", personal=ERASED),
        Column("is_paying_customer", "is_paying_customer", "flag"),
        Column("billing", "billing", "json", personal=ERASED),
        Column("shipping", "shipping", "json", personal=ERASED),
        _META,
    ),
    unique=True,
    owners=(("id", ACCOUNTS), ("email", EMAIL_ADDRESS)),
    account=("id", "email"),
)

PRODUCTS = Table(
    "products",
    (
        _ID,
        Column("name", "name"),
        Column("slug", "slug"),
        Column("type", "type"),
        Column("status", "status"),
        Column("sku", "sku"),
        Column("price", "price", "money"),
        Column("regular_price", "regular_price", "money"),
        Column("sale_price", "sale_price", "money"),
        _UNIT_COST,
        *_TIMES,
        Column("categories", "categories", "json"),
        Column("tags", "tags", "json"),
        Column("attributes", "attributes", "json"),
        Column("variations", "variations", "json"),
        _META,
    ),
    unique=True,
)

VARIATIONS = Table(
    "variations",
    (
        _ID,
        Column("product_id", "parent_id", "key", required=True),
        Column("name", "name"),
        Column("status", "status"),
        Column("sku", "sku"),
        Column("price", "price", "money"),
        Column("regular_price", "regular_price", "money"),
        Column("sale_price", "sale_price", "money"),
        _UNIT_COST,
        *_TIMES,
        Column("attributes", "attributes", "json"),
        _META,
    ),
    unique=True,
)

COUPONS = Table(
    "coupons",
    (
        _ID,
        Column("code", "code"),
        Column("status", "status"),
        Column("discount_type", "discount_type"),
        Column("amount", "amount", "money"),
        Column("free_shipping", "free_shipping", "flag"),
        *_TIMES,
        Column("expires_at", "date_expires_gmt", "time"),
        Column("usage_count", "usage_count", "number"),
        Column("usage_limit", "usage_limit", "number"),
        Column("minimum_amount", "minimum_amount", "money"),
        Column("maximum_amount", "maximum_amount", "money"),
        _META,
    ),
    unique=True,
)

#: Tombstones: what the site doesn't have any more. The row itself stays in its own table.
DELETIONS = Table(
    "deletions",
    (
        Column("entity", "entity", required=True),
        Column("id", "id", required=True),
        # trash or deleted.
        Column("state", "state", required=True),
        Column("found_at", "found_at", "time", required=True),
    ),
    key=("entity", "id"),
)

#: Replaced as a whole with their order, each with the field that it comes in.
ORDER_CHILDREN: dict[str, Table] = {
    "line_items": ORDER_LINES,
    "coupon_lines": ORDER_COUPONS,
    "fee_lines": ORDER_FEES,
    "shipping_lines": ORDER_SHIPPING,
    "tax_lines": ORDER_TAXES,
}

#: What of a refund becomes lines, and what such a line is called.
REFUND_CHILDREN = {"line_items": "line_item", "shipping_lines": "shipping", "fee_lines": "fee"}

TABLES = (
    ORDERS,
    *ORDER_CHILDREN.values(),
    REFUNDS,
    REFUND_LINES,
    CUSTOMERS,
    PRODUCTS,
    VARIATIONS,
    COUPONS,
    DELETIONS,
)
