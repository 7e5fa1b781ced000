"""Blocking checks on what landed from Stripe: Great Expectations, and days that are read again."""

from orchestration.defs.ingestion.stripe import TABLES
from orchestration.lib.apis import expectation_checks, reconciliation_check

expectations = expectation_checks("stripe", TABLES)

charges_reconcile = reconciliation_check(
    "stripe",
    "charges",
    "reconciles_with_account",
    "Charges, refunds, movements of the balance and final invoices of a sample of days, read "
    "again, agree in number and to the cent.",
)
