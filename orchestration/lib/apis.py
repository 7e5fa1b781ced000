"""Assets and checks of what an API source lands, the same for each of them.

What belongs here: how a load becomes Dagster's assets and checks. What doesn't: which tables a
source has (`defs/ingestion/<source>.py`).
"""

from collections.abc import Iterator, Mapping
from importlib import import_module

import dagster as dg

from orchestration.lib.checks import check_result
from orchestration.lib.landing import LANDING_RETRIES, landing
from orchestration.lib.metadata import table_metadata
from orchestration.lib.owners import OWNERS
from orchestration.lib.partitions import company_partitions
from orchestration.resources.companies import CompaniesFile


def raw_assets(source: str, tables: Mapping[str, str]) -> dg.AssetsDefinition:
    """Makes the assets of a source: `land_<source>` of ingestion/sources/<source> fills them all.

    Args:
        source: Name of the source, and of a company's setting.
        tables: The landed tables and what a row of each is.
    """
    schema = f"raw_{source}"

    @dg.multi_asset(
        name=schema,
        specs=[
            dg.AssetSpec(
                key=[schema, table],
                description=description,
                group_name=schema,
                kinds={"dlt", source, "postgres"},
                owners=OWNERS,
                skippable=True,
            )
            for table, description in tables.items()
        ],
        partitions_def=company_partitions,
        retry_policy=LANDING_RETRIES,
    )
    def land(
        context: dg.AssetExecutionContext, companies_file: CompaniesFile
    ) -> Iterator[dg.MaterializeResult]:
        company = companies_file.get(context.partition_key)
        if getattr(company.sources, source) is None:
            return
        connector = import_module(f"ingestion.sources.{source}")
        with landing():
            load = getattr(connector, f"land_{source}")(company)
        for warning in load.warnings:
            context.log.warning(warning)
        for row in load.first_rejected:
            context.log.warning("Quarantined: %s", row)
        for table in tables:
            totals = load.totals.get(table)
            yield dg.MaterializeResult(
                asset_key=[schema, table],
                metadata=table_metadata(schema, table)
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

    return land


def expectation_checks(source: str, tables: Mapping[str, str]) -> list[dg.AssetChecksDefinition]:
    """Makes a blocking check a table, of what `warehouse/quality/raw_<source>.py` expects of it."""
    return [_expectations_of(f"raw_{source}", table) for table in tables]


def _expectations_of(schema: str, table: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=[schema, table],
        name="great_expectations",
        blocking=True,
        partitions_def=company_partitions,
        description="Keys, ranges, currencies, arithmetic and parents of the landed rows.",
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        from warehouse.quality.validation import validate

        suite = import_module(f"warehouse.quality.{schema}")
        company_id = context.partition_key
        expected = suite.expectations(table, company_id)
        return check_result(validate(f"{schema}.{table}", company_id, expected))

    return check


def reconciliation_check(
    source: str, table: str, name: str, description: str
) -> dg.AssetChecksDefinition:
    """Makes a blocking check that compares what landed with what the source has.

    Args:
        source: Name of the source, whose `reconciliation.reconcile` compares.
        table: Where the check is shown.
        name: Of the check.
        description: What is compared.
    """

    @dg.asset_check(
        asset=[f"raw_{source}", table],
        name=name,
        blocking=True,
        additional_deps=[[f"raw_{source}", "deletions"]],
        partitions_def=company_partitions,
        description=description,
    )
    def check(
        context: dg.AssetCheckExecutionContext, companies_file: CompaniesFile
    ) -> dg.AssetCheckResult:
        reconciliation = import_module(f"ingestion.sources.{source}.reconciliation")
        found = reconciliation.reconcile(companies_file.get(context.partition_key))
        differing = [str(each) for each in found if not each.agrees]
        return dg.AssetCheckResult(
            passed=not differing,
            description="; ".join(differing) or f"{len(found)} figures agree",
            metadata={"figures": [str(each) for each in found]},
        )

    return check
