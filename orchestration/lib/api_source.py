"""Assets and checks of a source that is landed from an API: alike but for names and words."""
# Without postponed annotations: Dagster looks at those of what it calls.

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import dagster as dg

from orchestration.lib.checks import check_result
from orchestration.lib.flow import FETCH
from orchestration.lib.landing import LANDING_RETRIES, landing
from orchestration.lib.metadata import amounts_metadata, table_metadata
from orchestration.lib.owners import OWNERS
from orchestration.lib.partitions import company_partitions
from orchestration.resources.companies import CompaniesFile
from warehouse.companies import Company


@dataclass(frozen=True)
class ApiSource:
    """One source.

    Its code is `ingestion.sources.<name>` with `land_<name>` and `reconciliation.reconcile`; what
    is expected of its tables is `warehouse.quality.raw_<name>`.

    Attributes:
        name: Of the source, such as "shopify".
        shop: What a company has there, in words: "shop", "site", "account".
        tables: The landed tables and what a row of each is.
        reconciled: Table at which the check of the figures stands.
        figures: What is compared, for people.
    """

    name: str
    shop: str
    tables: Mapping[str, str]
    reconciled: str
    figures: str

    @property
    def group(self) -> str:
        """Group and key prefix of the assets, and schema of the tables."""
        return f"raw_{self.name}"

    def assets(self) -> dg.AssetsDefinition:
        """Builds the assets: one for each table, landed together."""

        @dg.multi_asset(
            name=self.group,
            specs=[
                dg.AssetSpec(
                    key=[self.group, table],
                    description=description,
                    group_name=self.group,
                    kinds={"dlt", self.name, "postgres"},
                    owners=OWNERS,
                    skippable=True,
                )
                for table, description in self.tables.items()
            ],
            partitions_def=company_partitions,
            retry_policy=LANDING_RETRIES,
            description=(
                f"Lands what changed in one company's {self.shop}; nothing for a company without."
            ),
        )
        def raw(
            context: dg.AssetExecutionContext, companies_file: CompaniesFile
        ) -> Iterator[dg.MaterializeResult]:
            yield from self._land(context, companies_file)

        return raw

    def checks(self) -> list[dg.AssetChecksDefinition]:
        """Builds the blocking checks: the expectations of each table, and the shop's figures."""
        return [*map(self._expectations, self.tables), self._reconciliation()]

    def _land(
        self, context: dg.AssetExecutionContext, companies_file: CompaniesFile
    ) -> Iterator[dg.MaterializeResult]:
        company = companies_file.get(context.partition_key)
        if getattr(company.sources, self.name) is None:
            return
        with landing():
            load = self._load(company, context.run.job_name)
        if load is None:
            return
        for warning in load.warnings:
            context.log.warning(warning)
        for row in load.first_rejected:
            context.log.warning("Quarantined: %s", row)
        for table in self.tables:
            totals = load.totals.get(table)
            yield dg.MaterializeResult(
                asset_key=[self.group, table],
                metadata=table_metadata(self.group, table)
                | {
                    "rows_landed": totals.landed_rows if totals else 0,
                    "rows_quarantined": totals.rejected_rows if totals else 0,
                    "amounts": {
                        key: str(amount)
                        for key, amount in sorted(totals.amounts.items() if totals else ())
                    },
                    "requests": load.requests,
                }
                | amounts_metadata(totals.amounts if totals else {}),
            )

    def _load(self, company: Company, job: str) -> Any:
        """Lands everything that changed, or in the job fetch what webhooks have told of."""
        from ingestion import inbox

        if job == FETCH:
            return inbox.fetch(company, self.name)[1]
        began = datetime.now(UTC)
        land: Any = getattr(import_module(f"ingestion.sources.{self.name}"), f"land_{self.name}")
        load = land(company)
        inbox.settle(company.id, self.name, began)
        return load

    def _expectations(self, table: str) -> dg.AssetChecksDefinition:
        @dg.asset_check(
            asset=[self.group, table],
            name="great_expectations",
            blocking=True,
            partitions_def=company_partitions,
            description="Keys, ranges, currencies, arithmetic and parents of the landed rows.",
        )
        def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
            from warehouse.quality.validation import validate

            suite: Any = import_module(f"warehouse.quality.{self.group}")
            company_id = context.partition_key
            expected = suite.expectations(table)
            return check_result(validate(f"{suite.SCHEMA}.{table}", company_id, expected))

        return check

    def _reconciliation(self) -> dg.AssetChecksDefinition:
        @dg.asset_check(
            asset=[self.group, self.reconciled],
            name=f"reconciles_with_{self.shop}",
            blocking=True,
            # What is marked as deleted isn't counted; where nothing can be, there is no such table.
            additional_deps=[[self.group, "deletions"]] if "deletions" in self.tables else [],
            partitions_def=company_partitions,
            description=self.figures,
        )
        def check(
            context: dg.AssetCheckExecutionContext, companies_file: CompaniesFile
        ) -> dg.AssetCheckResult:
            module: Any = import_module(f"ingestion.sources.{self.name}.reconciliation")
            found = module.reconcile(companies_file.get(context.partition_key))
            differing = [str(each) for each in found if not each.agrees]
            return dg.AssetCheckResult(
                passed=not differing,
                description="; ".join(differing) or f"{len(found)} figures agree",
                metadata={"figures": [str(each) for each in found]},
            )

        return check
