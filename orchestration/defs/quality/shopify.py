"""Blocking checks on what landed from Shopify: Great Expectations, and the shop's own figures."""

from orchestration.defs.ingestion.shopify import TABLES
from orchestration.lib.apis import expectation_checks, reconciliation_check

expectations = expectation_checks("shopify", TABLES)

orders_reconcile = reconciliation_check(
    "shopify",
    "orders",
    "reconciles_with_shop",
    "Orders, customers and products are as many as the shop counts, and a sample of days, read "
    "again by another query, agrees to the cent.",
)
