"""Blocking checks on what landed: Great Expectations, and reconciliation with the files."""

from decimal import Decimal

import dagster as dg

from orchestration.lib.checks import check_result, last_metadata
from orchestration.lib.partitions import company_partitions
from orchestration.resources.companies import CompaniesFile

COMPANIES = dg.AssetKey(["raw_files", "companies"])
ORDER_LINES = dg.AssetKey(["raw_files", "order_lines"])

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


@dg.asset_check(
    asset=ORDER_LINES,
    name="great_expectations",
    blocking=True,
    partitions_def=company_partitions,
    description=(
        "Keys, nulls, ranges and volume of the landed lines. Volume: at least half the rows of "
        f"the largest of the last {EARLIER_LOADS} loads, so that a cut-off export stops here."
    ),
)
def order_lines_expectations(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """Validates one company's rows of raw_files.order_lines."""
    from warehouse.quality import raw_files_order_lines as suite
    from warehouse.quality.validation import validate

    loads = last_metadata(
        context.instance, ORDER_LINES, context.partition_key, loads=EARLIER_LOADS + 1
    )
    rows = max((int(str(load["rows_landed"].value)) for load in loads[1:]), default=0)
    return check_result(validate(suite.TABLE, context.partition_key, suite.expectations(rows)))


@dg.asset_check(
    asset=ORDER_LINES,
    name="reconciles_with_files",
    blocking=True,
    partitions_def=company_partitions,
    description=(
        "Every data row of the files, counted again by another parser, landed or is in "
        "quarantine, and the amounts agree to the cent."
    ),
)
def order_lines_reconcile(
    context: dg.AssetCheckExecutionContext, companies_file: CompaniesFile
) -> dg.AssetCheckResult:
    """Compares one company's landed lines with its files."""
    from ingestion.sources.files.reconciliation import count_feed, to_amount
    from warehouse.connection import connect

    company = companies_file.get(context.partition_key)
    differences: list[str] = []
    rows, amount = 0, Decimal(0)
    for feed in company.sources.files:
        in_files = count_feed(company, feed, companies_file.folder)
        with connect() as connection:
            landed = connection.execute(
                "select count(*), coalesce(sum(amount), 0) from raw_files.order_lines"
                " where company_id = %s and feed = %s",
                (company.id, feed.feed),
            ).fetchone()
            rejected = connection.execute(
                "select column_name, raw_row ->> %s from quarantine.rejected_rows"
                " where company_id = %s and source = 'files' and feed = %s",
                (feed.columns["amount"], company.id, feed.feed),
            ).fetchall()
        landed_rows, landed_amount = landed or (0, Decimal(0))
        rejected_amount = sum(
            (to_amount(text, feed.decimal) for column, text in rejected if column != "(row)"),
            Decimal(0),
        )
        if landed_rows + len(rejected) != in_files.rows:
            differences.append(
                f"feed {feed.feed}: {in_files.rows} rows in the files, {landed_rows} landed and "
                f"{len(rejected)} in quarantine"
            )
        if landed_amount + rejected_amount != in_files.amount:
            differences.append(
                f"feed {feed.feed}: the files add up to {in_files.amount}, what landed to "
                f"{landed_amount} and the quarantine to {rejected_amount}"
            )
        rows += in_files.rows
        amount += in_files.amount
    return dg.AssetCheckResult(
        passed=not differences,
        description="; ".join(differences) or f"{rows:,} rows and {amount:,} agree",
        metadata={"rows_in_files": rows, "amount_in_files": str(amount)},
    )
