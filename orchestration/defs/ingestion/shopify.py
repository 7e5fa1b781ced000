"""Raw assets of the Shopify source. How a shop is read stands in ingestion/sources/shopify."""

from collections.abc import Iterator

import dagster as dg

from orchestration.lib.landing import LANDING_RETRIES, landing
from orchestration.lib.metadata import table_metadata
from orchestration.lib.owners import OWNERS
from orchestration.lib.partitions import company_partitions
from orchestration.resources.companies import CompaniesFile

#: The landed tables and what a row of each is.
TABLES = {
    "orders": "An order as it stands in the shop now, test and cancelled ones included.",
    "order_lines": "A line item of an order, with its product, quantity and price.",
    "order_line_discounts": "What one discount took off one line.",
    "transactions": "A movement of money of an order: authorisation, sale, capture, refund, void.",
    "transaction_fees": "What a payment provider kept of a transaction.",
    "refunds": "A refund of an order, on its own date.",
    "refund_lines": "What of a line was refunded.",
    "customers": "A customer as the shop knows it now.",
    "products": "A product.",
    "variants": "A variant of a product, with its unit cost where the shop knows it.",
    "discounts": "A discount and its codes.",
    "disputes": "A payment that its buyer disputes.",
    "deletions": "What is gone from the shop, and whom a merged customer became.",
}


@dg.multi_asset(
    name="raw_shopify",
    specs=[
        dg.AssetSpec(
            key=["raw_shopify", table],
            description=description,
            group_name="raw_shopify",
            kinds={"dlt", "shopify", "postgres"},
            owners=OWNERS,
            skippable=True,
        )
        for table, description in TABLES.items()
    ],
    partitions_def=company_partitions,
    retry_policy=LANDING_RETRIES,
)
def raw_shopify(
    context: dg.AssetExecutionContext, companies_file: CompaniesFile
) -> Iterator[dg.MaterializeResult]:
    """Lands what changed in one company's shop; nothing for a company without one."""
    from ingestion.sources.shopify import land_shopify

    company = companies_file.get(context.partition_key)
    if company.sources.shopify is None:
        return
    with landing():
        load = land_shopify(company)
    for warning in load.warnings:
        context.log.warning(warning)
    for row in load.first_rejected:
        context.log.warning("Quarantined: %s", row)
    for table in TABLES:
        totals = load.totals.get(table)
        yield dg.MaterializeResult(
            asset_key=["raw_shopify", table],
            metadata=table_metadata("raw_shopify", table)
            | {
                "rows_landed": totals.landed_rows if totals else 0,
                "rows_quarantined": totals.rejected_rows if totals else 0,
                "amounts": {
                    key: str(amount)
                    for key, amount in sorted(totals.amounts.items() if totals else ())
                },
                "requests": load.requests,
            },
        )
