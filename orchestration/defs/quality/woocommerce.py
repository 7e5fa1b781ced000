"""Blocking checks on what landed from WooCommerce: Great Expectations, and the site's figures."""

from orchestration.defs.ingestion.woocommerce import WOOCOMMERCE

checks = WOOCOMMERCE.checks()
