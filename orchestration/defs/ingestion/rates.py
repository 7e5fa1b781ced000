"""Raw asset of the exchange rates. How they are read stands in ingestion/sources/rates."""

import dagster as dg

from orchestration.lib.metadata import table_metadata
from orchestration.lib.owners import OWNERS
from orchestration.resources.companies import CompaniesFile


@dg.asset(
    key=["raw_rates", "exchange_rates"],
    group_name="raw_rates",
    kinds={"dlt", "postgres"},
    owners=OWNERS,
    description=(
        "Units of a currency for one euro, by day, for all companies; merged by day and currency. "
        "What can't be read is in quarantine.rejected_rows under company 0_all."
    ),
)
def exchange_rates(
    context: dg.AssetExecutionContext, companies_file: CompaniesFile
) -> dg.MaterializeResult:
    """Lands the rates; those that are there stay where no new ones can be had."""
    from ingestion.errors import SourceError
    from ingestion.sources.rates import land_rates

    rates = companies_file.exchange_rates()
    found: dict[str, object] = {}
    if rates is not None:
        # Nobody's models wait for a central bank; the check of their age tells of it.
        try:
            load = land_rates(rates, companies_file.folder)
        except SourceError as error:
            context.log.warning("The exchange rates stay as they were: %s", error)
            found = {"problem": str(error)}
        else:
            for row in load.first_rejected:
                context.log.warning("Quarantined: %s", row)
            found = {"unchanged": load.unchanged} | {
                "rows_landed": load.totals.landed_rows,
                "rows_quarantined": load.totals.rejected_rows,
                "rows_of_withdrawn_currencies": load.totals.withdrawn_rows,
                "last_date": str(load.totals.last_date),
                "currencies": sorted(load.totals.currencies),
            }
    return dg.MaterializeResult(metadata=table_metadata("raw_rates", "exchange_rates") | found)
