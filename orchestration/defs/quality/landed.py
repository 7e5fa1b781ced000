"""Blocking checks on what landed: Great Expectations, and reconciliation with the files."""

from decimal import Decimal
from importlib import import_module

import dagster as dg

from orchestration.lib.checks import check_result, last_metadata
from orchestration.lib.partitions import company_partitions
from orchestration.resources.companies import CompaniesFile

COMPANIES = dg.AssetKey(["raw_files", "companies"])

#: Tables that land from files, company by company.
TABLES = ("order_lines", "marketing_spend")

#: Loads before this one with which its number of rows is compared.
EARLIER_LOADS = 5


@dg.asset_check(
    asset=COMPANIES,
    name="great_expectations",
    blocking=True,
    description="The companies landed are those of companies.yml, with usable settings.",
)
def companies_expectations(companies_file: CompaniesFile) -> dg.AssetCheckResult:
    """Validates raw_files.companies."""
    from warehouse.quality import raw_files_companies as suite
    from warehouse.quality.validation import validate

    ids = [company.id for company in companies_file.all()]
    return check_result(validate(suite.TABLE, None, suite.expectations(ids)))


def _expectations_of(table: str) -> dg.AssetChecksDefinition:
    key = dg.AssetKey(["raw_files", table])

    @dg.asset_check(
        asset=key,
        name="great_expectations",
        blocking=True,
        partitions_def=company_partitions,
        description=(
            "Keys, nulls, ranges and volume of the landed rows. Volume: at least half the rows of "
            f"the largest of the last {EARLIER_LOADS} loads, so that a cut-off export stops here."
        ),
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        from warehouse.quality.validation import validate

        suite = import_module(f"warehouse.quality.raw_files_{table}")
        loads = last_metadata(context.instance, key, context.partition_key, loads=EARLIER_LOADS + 1)
        rows = max((int(str(load["rows_landed"].value)) for load in loads[1:]), default=0)
        return check_result(validate(suite.TABLE, context.partition_key, suite.expectations(rows)))

    return check


expectations = [_expectations_of(table) for table in TABLES]


def _reconciliation_of(table: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=["raw_files", table],
        name="reconciles_with_files",
        blocking=True,
        partitions_def=company_partitions,
        description=(
            "Every data row of the files, counted again by another parser, landed or is in "
            "quarantine, and the amounts agree to the cent."
        ),
    )
    def check(
        context: dg.AssetCheckExecutionContext, companies_file: CompaniesFile
    ) -> dg.AssetCheckResult:
        from ingestion.sources.files.reconciliation import compare_feed, feeds_of

        company = companies_file.get(context.partition_key)
        found = [
            compare_feed(company, feed, companies_file.folder, table)
            for feed in feeds_of(company, table)
        ]
        differences = [line for each in found for line in each.differences]
        rows = sum(each.in_files.rows for each in found)
        amount = sum((each.in_files.amount for each in found), Decimal(0))
        return dg.AssetCheckResult(
            passed=not differences,
            description="; ".join(differences) or f"{rows:,} rows and {amount:,} agree",
            metadata={"rows_in_files": rows, "amount_in_files": str(amount)},
        )

    return check


reconciliations = [_reconciliation_of(table) for table in TABLES]
