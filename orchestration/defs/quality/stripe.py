"""Blocking checks on what landed from Stripe: Great Expectations, and days that are read again."""

from orchestration.defs.ingestion.stripe import STRIPE

checks = STRIPE.checks()
