"""The landed tables: which field of an answer becomes which column.

An amount is in the shop's currency (`currency`), its twin with `_presentment` in what the buyer saw
(`presentment_currency`). Ids are the numbers of Shopify's global ids, as text.

Belongs here: names and types. Does not belong here: how JSON becomes Arrow (`ingestion/arrow.py`).
"""

from __future__ import annotations

from ingestion.arrow import Column, Table
from ingestion.personal import ACCOUNTS, EMAIL, EMAIL_ADDRESS, ERASED, kept, only

_PRODUCT = kept("what was bought")
_COUNTRY = kept("a country is nobody's")
_STATE = kept("one of Shopify's words")

PARENT = "__parentId"
ORDER = "__orderId"


def _money(name: str, path: str, required: bool = False) -> tuple[Column, Column]:
    """The two columns of a MoneyBag."""
    return (
        Column(name, f"{path}.shopMoney.amount", "money", required),
        Column(f"{name}_presentment", f"{path}.presentmentMoney.amount", "money", required),
    )


def _currencies(path: str) -> tuple[Column, Column]:
    """The two currencies of a MoneyBag; all bags of one object share them."""
    return (
        Column("currency", f"{path}.shopMoney.currencyCode", required=True),
        Column("presentment_currency", f"{path}.presentmentMoney.currencyCode", required=True),
    )


_ID = Column("id", "id", "id", required=True)

ORDERS = Table(
    "orders",
    (
        _ID,
        Column("name", "name", personal=kept("the order's number")),
        Column("customer_id", "customer.id", "id"),
        Column("email", "email", personal=EMAIL),
        Column("created_at", "createdAt", "time", required=True),
        Column("processed_at", "processedAt", "time", required=True),
        Column("updated_at", "updatedAt", "time", required=True),
        Column("cancelled_at", "cancelledAt", "time"),
        Column("cancel_reason", "cancelReason", personal=_STATE),
        Column("closed_at", "closedAt", "time"),
        Column("financial_status", "displayFinancialStatus"),
        Column("fulfillment_status", "displayFulfillmentStatus"),
        Column("test", "test", "flag", required=True),
        Column("confirmed", "confirmed", "flag"),
        Column("edited", "edited", "flag"),
        Column("taxes_included", "taxesIncluded", "flag", required=True),
        Column("currency", "currencyCode", required=True),
        Column("presentment_currency", "presentmentCurrencyCode", required=True),
        *_money("subtotal", "subtotalPriceSet"),
        *_money("total_discounts", "totalDiscountsSet"),
        *_money("total_tax", "totalTaxSet"),
        *_money("total_shipping", "totalShippingPriceSet", required=True),
        *_money("total_tip", "totalTipReceivedSet", required=True),
        *_money("total_price", "totalPriceSet", required=True),
        *_money("current_total_price", "currentTotalPriceSet", required=True),
        *_money("total_received", "totalReceivedSet", required=True),
        *_money("total_refunded", "totalRefundedSet", required=True),
        *_money("total_refunded_shipping", "totalRefundedShippingSet", required=True),
        Column("source_name", "sourceName", personal=kept("a channel")),
        Column("channel", "attribution.handle"),
        Column("channel_name", "attribution.displayName", personal=kept("a channel")),
        Column("shipping_country", "shippingAddress.countryCodeV2", personal=_COUNTRY),
        Column("shipping_province", "shippingAddress.provinceCode", personal=ERASED),
        Column("billing_country", "billingAddress.countryCodeV2", personal=_COUNTRY),
        Column("discount_codes", "discountCodes", "json"),
        Column(
            "customer_journey",
            "customerJourneySummary",
            "json",
            personal=only("firstVisit.source", "firstVisit.utmParameters.source"),
        ),
    ),
    amounts={"total_price": "currency"},
    unique=True,
    owners=(("customer_id", ACCOUNTS), ("email", EMAIL_ADDRESS)),
)

ORDER_LINES = Table(
    "order_lines",
    (
        _ID,
        Column("order_id", PARENT, "id", required=True),
        Column("product_id", "product.id", "id"),
        Column("variant_id", "variant.id", "id"),
        Column("name", "name", personal=_PRODUCT),
        Column("title", "title"),
        Column("variant_title", "variantTitle"),
        Column("sku", "sku"),
        Column("vendor", "vendor"),
        Column("quantity", "quantity", "number", required=True),
        Column("current_quantity", "currentQuantity", "number", required=True),
        Column("is_gift_card", "isGiftCard", "flag", required=True),
        *_currencies("originalTotalSet"),
        *_money("unit_price", "originalUnitPriceSet", required=True),
        *_money("original_total", "originalTotalSet", required=True),
        *_money("discounted_total", "discountedTotalSet", required=True),
        *_money("total_discount", "totalDiscountSet", required=True),
        Column("tax_lines", "taxLines", "json"),
    ),
    parent="order_id",
    amounts={"original_total": "currency"},
    owners=(("order_id", "orders"),),
)

ORDER_LINE_DISCOUNTS = Table(
    "order_line_discounts",
    (
        Column("order_id", ORDER, "id", required=True),
        Column("order_line_id", PARENT, "id", required=True),
        Column("application_index", "discountApplication.index", "number", required=True),
        Column("type", "discountApplication.__typename", required=True),
        Column("code", "discountApplication.code"),
        Column("title", "discountApplication.title"),
        Column("target_type", "discountApplication.targetType"),
        Column("target_selection", "discountApplication.targetSelection"),
        *_currencies("allocatedAmountSet"),
        *_money("amount", "allocatedAmountSet", required=True),
    ),
    key=("order_line_id", "application_index"),
    parent="order_id",
    amounts={"amount": "currency"},
    owners=(("order_id", "orders"),),
)

TRANSACTIONS = Table(
    "transactions",
    (
        _ID,
        Column("order_id", PARENT, "id", required=True),
        Column("parent_id", "parentTransaction.id", "id"),
        Column("kind", "kind", required=True),
        Column("status", "status", required=True),
        Column("test", "test", "flag", required=True),
        Column("gateway", "gateway"),
        Column("created_at", "createdAt", "time", required=True),
        Column("processed_at", "processedAt", "time"),
        Column("error_code", "errorCode"),
        Column("payment_id", "paymentId"),
        Column("is_manual", "manualPaymentGateway", "flag"),
        *_currencies("amountSet"),
        *_money("amount", "amountSet", required=True),
        Column("settlement_currency", "settlementCurrency"),
        Column("settlement_rate", "settlementCurrencyRate", "rate"),
    ),
    parent="order_id",
    amounts={"amount": "currency"},
    owners=(("order_id", "orders"),),
)

TRANSACTION_FEES = Table(
    "transaction_fees",
    (
        _ID,
        Column("order_id", ORDER, "id", required=True),
        Column("transaction_id", PARENT, "id", required=True),
        Column("type", "type"),
        Column("amount", "amount.amount", "money", required=True),
        Column("currency", "amount.currencyCode", required=True),
        Column("tax_amount", "taxAmount.amount", "money"),
        Column("tax_currency", "taxAmount.currencyCode"),
        Column("flat_fee", "flatFee.amount", "money"),
        Column("flat_fee_currency", "flatFee.currencyCode"),
        Column("rate", "rate", "rate"),
    ),
    parent="order_id",
    amounts={"amount": "currency"},
    owners=(("order_id", "orders"),),
)

REFUNDS = Table(
    "refunds",
    (
        _ID,
        Column("order_id", PARENT, "id", required=True),
        Column("created_at", "createdAt", "time"),
        Column("processed_at", "processedAt", "time", required=True),
        Column("updated_at", "updatedAt", "time", required=True),
        *_currencies("totalRefundedSet"),
        *_money("total_refunded", "totalRefundedSet", required=True),
        Column("transaction_ids", "transactionIds", "json"),
    ),
    parent="order_id",
    amounts={"total_refunded": "currency"},
    owners=(("order_id", "orders"),),
)

REFUND_LINES = Table(
    "refund_lines",
    (
        # Shopify may leave it out, so the position in the refund makes the key.
        Column("id", "id", "id"),
        Column("order_id", ORDER, "id", required=True),
        Column("refund_id", PARENT, "id", required=True),
        Column("position", "position", "number", required=True),
        Column("order_line_id", "lineItem.id", "id", required=True),
        Column("quantity", "quantity", "number", required=True),
        Column("restock_type", "restockType"),
        Column("restocked", "restocked", "flag"),
        *_currencies("subtotalSet"),
        *_money("price", "priceSet", required=True),
        *_money("subtotal", "subtotalSet", required=True),
        *_money("total_tax", "totalTaxSet", required=True),
    ),
    key=("refund_id", "position"),
    parent="order_id",
    amounts={"subtotal": "currency"},
    owners=(("order_id", "orders"),),
)

CUSTOMERS = Table(
    "customers",
    (
        _ID,
        Column("created_at", "createdAt", "time", required=True),
        Column("updated_at", "updatedAt", "time", required=True),
        Column("email", "defaultEmailAddress.emailAddress", personal=EMAIL),
        Column("email_marketing_state", "defaultEmailAddress.marketingState", personal=ERASED),
        Column("phone", "defaultPhoneNumber.phoneNumber", personal=ERASED),
        Column("first_name", "firstName", personal=ERASED),
        Column("last_name", "lastName", personal=ERASED),
        Column("state", "state", personal=_STATE),
        Column("locale", "locale", personal=ERASED),
        Column("country", "defaultAddress.countryCodeV2", personal=_COUNTRY),
        Column("province", "defaultAddress.provinceCode", personal=ERASED),
        Column("city", "defaultAddress.city", personal=ERASED),
        Column("zip", "defaultAddress.zip", personal=ERASED),
        Column("orders_count", "numberOfOrders", "number", required=True),
        Column("amount_spent", "amountSpent.amount", "money", required=True),
        Column("currency", "amountSpent.currencyCode", required=True),
        Column("tags", "tags", "json", personal=ERASED),
    ),
    amounts={"amount_spent": "currency"},
    unique=True,
    owners=(("id", ACCOUNTS), ("email", EMAIL_ADDRESS)),
    account=("id", "email"),
)

PRODUCTS = Table(
    "products",
    (
        _ID,
        Column("title", "title", required=True),
        Column("handle", "handle"),
        Column("vendor", "vendor"),
        Column("product_type", "productType"),
        Column("category_id", "category.id", "id"),
        Column("category", "category.fullName"),
        Column("status", "status"),
        Column("is_gift_card", "isGiftCard", "flag"),
        Column("created_at", "createdAt", "time", required=True),
        Column("updated_at", "updatedAt", "time", required=True),
        Column("published_at", "publishedAt", "time"),
        Column("tags", "tags", "json"),
    ),
)

VARIANTS = Table(
    "variants",
    (
        _ID,
        Column("product_id", PARENT, "id", required=True),
        Column("title", "title"),
        Column("sku", "sku"),
        Column("barcode", "barcode"),
        Column("position", "position", "number"),
        # In the shop's currency, which the API doesn't repeat here.
        Column("price", "price", "money", required=True),
        Column("compare_at_price", "compareAtPrice", "money"),
        Column("currency", "__currency", required=True),
        Column("taxable", "taxable", "flag"),
        Column("inventory_item_id", "inventoryItem.id", "id"),
        Column("unit_cost", "inventoryItem.unitCost.amount", "money"),
        Column("unit_cost_currency", "inventoryItem.unitCost.currencyCode"),
        Column("created_at", "createdAt", "time", required=True),
        Column("updated_at", "updatedAt", "time", required=True),
    ),
    parent="product_id",
)

DISCOUNTS = Table(
    "discounts",
    (
        _ID,
        Column("type", "__typename", required=True),
        Column("title", "title", required=True),
        Column("status", "status"),
        Column("starts_at", "startsAt", "time"),
        Column("ends_at", "endsAt", "time"),
        Column("created_at", "createdAt", "time", required=True),
        Column("updated_at", "updatedAt", "time", required=True),
        Column("classes", "discountClasses", "json"),
        Column("usage_limit", "usageLimit", "number"),
        Column("usage_count", "asyncUsageCount", "number"),
        Column("codes_count", "codesCount.count", "number"),
    ),
)

DISPUTES = Table(
    "disputes",
    (
        _ID,
        Column("order_id", "order.id", "id"),
        Column("type", "type", required=True),
        Column("status", "status", required=True),
        Column("reason", "reasonDetails.reason", personal=_STATE),
        Column("network_reason_code", "reasonDetails.networkReasonCode", personal=_STATE),
        Column("amount", "amount.amount", "money", required=True),
        Column("currency", "amount.currencyCode", required=True),
        Column("initiated_at", "initiatedAt", "time", required=True),
        Column("evidence_due_by", "evidenceDueBy", "time"),
        Column("evidence_sent_on", "evidenceSentOn", "time"),
        Column("finalized_on", "finalizedOn", "time"),
    ),
    amounts={"amount": "currency"},
    owners=(("order_id", "orders"),),
)

#: Tombstones: what the shop doesn't have any more. The row itself stays in its own table.
DELETIONS = Table(
    "deletions",
    (
        Column("entity", "entity", required=True),
        Column("id", "id", required=True),
        Column("deleted_at", "deleted_at", "time"),
        Column("found_at", "found_at", "time", required=True),
        Column("found_by", "found_by", required=True),
        Column("merged_into", "merged_into"),
    ),
    key=("entity", "id"),
)

#: Replaced as a whole with their order.
ORDER_CHILDREN = (
    ORDER_LINES,
    ORDER_LINE_DISCOUNTS,
    TRANSACTIONS,
    TRANSACTION_FEES,
    REFUNDS,
    REFUND_LINES,
)

TABLES = (
    ORDERS,
    *ORDER_CHILDREN,
    CUSTOMERS,
    PRODUCTS,
    VARIANTS,
    DISCOUNTS,
    DISPUTES,
    DELETIONS,
)
