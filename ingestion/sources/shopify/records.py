"""What the large lists consist of, for decoding them straight into fields.

Belongs here: which lists are inside which objects, and fields that no column is read from; they
have to name all that the queries ask for. Does not belong here: how records are made
(`ingestion/records.py`).
"""

from __future__ import annotations

from ingestion.records import page_type
from ingestion.sources.shopify import queries, tables

_ALLOCATION = tables.ORDER_LINE_DISCOUNTS.record()
_LINE = tables.ORDER_LINES.record({"discountAllocations": _ALLOCATION}, rest=("taxable",))
_FEE = tables.TRANSACTION_FEES.record(rest=("rateName", "flatFeeName"))
_ORDER = tables.ORDERS.record(
    {"transactions": tables.TRANSACTIONS.record({"fees": _FEE}), "refunds": dict},
    {"lineItems": _LINE},
    ("tags", "paymentGatewayNames", "customerLocale"),
)
_CUSTOMER = tables.CUSTOMERS.record(rest=("taxExempt", "verifiedEmail"))

#: The data of a page, by the name of the listing.
OF_LISTINGS = {
    queries.ORDERS.name: page_type(queries.ORDERS.connection, _ORDER),
    queries.CUSTOMERS.name: page_type(queries.CUSTOMERS.connection, _CUSTOMER),
}
