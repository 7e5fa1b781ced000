"""Blocking checks on what landed from Shopify: Great Expectations, and the shop's own figures."""

import dagster as dg

from orchestration.defs.ingestion.shopify import TABLES
from orchestration.lib.checks import check_result
from orchestration.lib.partitions import company_partitions
from orchestration.resources.companies import CompaniesFile


def _expectations_of(table: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=["raw_shopify", table],
        name="great_expectations",
        blocking=True,
        partitions_def=company_partitions,
        description="Keys, ranges, currencies, arithmetic and parents of the landed rows.",
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        from warehouse.quality import raw_shopify as suite
        from warehouse.quality.validation import validate

        company_id = context.partition_key
        expected = suite.expectations(table, company_id)
        return check_result(validate(f"{suite.SCHEMA}.{table}", company_id, expected))

    return check


expectations = [_expectations_of(table) for table in TABLES]


@dg.asset_check(
    asset=["raw_shopify", "orders"],
    name="reconciles_with_shop",
    blocking=True,
    additional_deps=[["raw_shopify", "deletions"]],
    partitions_def=company_partitions,
    description=(
        "Orders, customers and products are as many as the shop counts, and a sample of days, read "
        "again by another query, agrees to the cent."
    ),
)
def orders_reconcile(
    context: dg.AssetCheckExecutionContext, companies_file: CompaniesFile
) -> dg.AssetCheckResult:
    """Compares one company's landed orders with its shop."""
    from ingestion.sources.shopify.reconciliation import reconcile

    found = reconcile(companies_file.get(context.partition_key))
    differing = [str(each) for each in found if not each.agrees]
    return dg.AssetCheckResult(
        passed=not differing,
        description="; ".join(differing) or f"{len(found)} figures agree",
        metadata={"figures": [str(each) for each in found]},
    )
