"""Whether each company is up to date. Dagster's own policies see the latest company only."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.lib.flow import last_landings
from orchestration.resources.companies import CompaniesFile


@dg.asset_check(
    asset=["marts", "dim_companies"],
    name="companies_are_fresh",
    description="Each company has landed within its fresh_within_hours (companies.yml).",
)
def companies_are_fresh(
    context: dg.AssetCheckExecutionContext, companies_file: CompaniesFile
) -> dg.AssetCheckResult:
    """Looks up when each company last landed well."""
    now = datetime.now(UTC)
    companies = companies_file.all()
    landings = last_landings(context.instance, [company.id for company in companies])
    stale = []
    records = []
    for company in companies:
        landed = landings[company.id]
        if landed is None:
            stale.append(f"{company.id} has never landed")
        elif now - landed > timedelta(hours=company.fresh_within_hours):
            stale.append(
                f"{company.id} last landed {(now - landed) / timedelta(hours=1):.0f} hours ago"
            )
        records.append(
            dg.TableRecord(
                {
                    "company": company.id,
                    "last_landing": landed.isoformat(timespec="seconds") if landed else "never",
                    "fresh_within_hours": company.fresh_within_hours,
                }
            )
        )
    return dg.AssetCheckResult(
        passed=not stale,
        # What the others have is right all the same.
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(stale) or f"{len(companies)} companies are up to date",
        metadata={"companies": dg.MetadataValue.table(records)},
    )
