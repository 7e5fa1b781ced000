"""Raw assets of the files source. How a file is read stands in ingestion/sources/files."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.lib.landing import LANDING_RETRIES, landing
from orchestration.lib.metadata import amounts_metadata, table_metadata
from orchestration.lib.owners import OWNERS
from orchestration.lib.partitions import company_partitions
from orchestration.resources.companies import CompaniesFile

if TYPE_CHECKING:
    from ingestion.sources.files import FeedLoad


@dg.asset(
    key=["raw_files", "companies"],
    group_name="raw_files",
    kinds={"dlt", "postgres"},
    owners=OWNERS,
    description="The companies of companies.yml with their settings; replaced as a whole.",
)
def companies(companies_file: CompaniesFile) -> dg.MaterializeResult:
    """Lands companies.yml."""
    from ingestion.sources.companies import land_companies

    land_companies(companies_file.all())
    return dg.MaterializeResult(metadata=table_metadata("raw_files", "companies"))


def _asset_of(table: str, description: str) -> Callable[..., dg.AssetsDefinition]:
    """Makes the asset of a table of all companies' files from the function that lands one's."""
    return dg.asset(
        key=["raw_files", table],
        group_name="raw_files",
        kinds={"dlt", "postgres"},
        owners=OWNERS,
        partitions_def=company_partitions,
        output_required=False,
        retry_policy=LANDING_RETRIES,
        description=(
            f"{description} Rows that can't be read are in quarantine.rejected_rows with line "
            "number and reason."
        ),
    )


@_asset_of(
    "order_lines",
    "Purchase lines as they stand in a company's CSV files, mapped by companies.yml.",
)
def order_lines(
    context: dg.AssetExecutionContext, companies_file: CompaniesFile
) -> Iterator[dg.MaterializeResult]:
    """Lands every file feed of one company; nothing for a company without one."""
    from ingestion import uploads
    from ingestion.sources.files import land_files

    company = companies_file.get(context.partition_key)
    if company.sources.files:
        with landing(), uploads.landing(company.id):
            loads = land_files(company, companies_file.folder)
        yield _landed(context, loads, "order_lines")


@_asset_of(
    "marketing_spend",
    "What a company spent on marketing, by day and channel, as its CSV files say.",
)
def marketing_spend(
    context: dg.AssetExecutionContext, companies_file: CompaniesFile
) -> Iterator[dg.MaterializeResult]:
    """Lands every spend feed of one company; nothing for a company without one."""
    from ingestion.sources.files import land_spend

    company = companies_file.get(context.partition_key)
    if company.sources.spend:
        with landing():
            loads = land_spend(company, companies_file.folder)
        yield _landed(context, loads, "marketing_spend")


def _landed(
    context: dg.AssetExecutionContext, loads: "list[FeedLoad]", table: str
) -> dg.MaterializeResult:
    """Reports what landed, and warns of what didn't."""
    for load in loads:
        if load.first_rejected:
            context.log.warning(
                "Feed %s: %s of %s rows are in quarantine.rejected_rows. Correct them in the file "
                "and run again. The first:\n%s",
                load.feed,
                load.totals.rejected_rows,
                load.totals.rows,
                "\n".join(f"  {row}" for row in load.first_rejected),
            )
    return dg.MaterializeResult(
        metadata=table_metadata("raw_files", table)
        | {
            "files": [name for load in loads for name in load.totals.files],
            "formats": [how for load in loads for how in load.totals.formats],
            "rows_read": sum(load.totals.rows for load in loads),
            "rows_landed": sum(load.totals.landed_rows for load in loads),
            "rows_quarantined": sum(load.totals.rejected_rows for load in loads),
            "rows_left_out": sum(load.totals.skipped_rows for load in loads),
            "amounts": {
                f"{load.feed} {currency}": str(amount)
                for load in loads
                for currency, amount in sorted(load.totals.amounts.items())
            },
            "first_quarantined": dg.MetadataValue.md(
                "\n".join(f"- {row}" for load in loads for row in load.first_rejected) or "none"
            ),
        }
        | amounts_metadata(
            {
                f"{load.feed} {currency}": amount
                for load in loads
                for currency, amount in load.totals.amounts.items()
            }
        )
    )
