"""Whether each company is up to date: a check a source, with a partition a company.

Each landing evaluates them. Between landings the sensor `freshness` looks, and has those evaluated
that would say something else by now: a company for which nothing runs is just the one to be seen.
"""

import dagster as dg

from orchestration.lib.freshness import CHECK, WATCHED, freshness, is_connected
from orchestration.lib.partitions import company_partitions
from orchestration.resources.companies import CompaniesFile


def _freshness_of(source: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=WATCHED[source],
        name=CHECK,
        partitions_def=company_partitions,
        description=(
            "The company landed well from this source within its fresh_within_hours "
            "(companies.yml). Looked at by each landing, and between them every quarter of an hour."
        ),
    )
    def check(
        context: dg.AssetCheckExecutionContext, companies_file: CompaniesFile
    ) -> dg.AssetCheckResult:
        company = companies_file.get(context.partition_key)
        if not is_connected(company, source):
            return dg.AssetCheckResult(
                passed=True, description=f"{company.id} has no source {source} in companies.yml"
            )
        return freshness(context.instance, company, source, context.run.run_id).result()

    return check


checks = [_freshness_of(source) for source in WATCHED]
