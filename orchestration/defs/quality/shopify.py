"""Blocking checks on what landed from Shopify: Great Expectations, and the shop's own figures."""

from orchestration.defs.ingestion.shopify import SHOPIFY

checks = SHOPIFY.checks()
