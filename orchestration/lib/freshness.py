"""Whether what a company has in a source landed lately.

Dagster's own freshness policies look at the latest landing of any company, so that one hides the
others. Here each company of each source is judged by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecordStatus as Status,
)

from warehouse.companies import Company

#: Name of the check, on one table of each source.
CHECK = "is_fresh"

#: The table that stands for a source, by its name in companies.yml.
WATCHED: Mapping[str, dg.AssetKey] = {
    "files": dg.AssetKey(["raw_files", "order_lines"]),
    "spend": dg.AssetKey(["raw_files", "marketing_spend"]),
    "shopify": dg.AssetKey(["raw_shopify", "orders"]),
    "square": dg.AssetKey(["raw_square", "payments"]),
    "stripe": dg.AssetKey(["raw_stripe", "charges"]),
    "woocommerce": dg.AssetKey(["raw_woocommerce", "orders"]),
}

#: Landings of a company that are looked through for one whose run ended well.
_LANDINGS_BACK = 50


@dataclass(frozen=True)
class Freshness:
    """How a company stands in a source.

    Attributes:
        source: Its name in companies.yml.
        company_id: The company.
        landed: When it last landed well; None for never.
        within: How old that may be.
        now: When it was looked at.
    """

    source: str
    company_id: str
    landed: datetime | None
    within: timedelta
    now: datetime

    @property
    def passed(self) -> bool:
        """Whether it landed lately."""
        return self.landed is not None and self.now - self.landed <= self.within

    @property
    def description(self) -> str:
        """The same in words."""
        if self.landed is None:
            return f"{self.company_id} has never landed from {self.source}"
        hours = (self.now - self.landed) / timedelta(hours=1)
        return f"{self.company_id} last landed from {self.source} {hours:.0f} hours ago"

    def result(self) -> dg.AssetCheckResult:
        """Returns what the check of it says."""
        landed = self.landed
        return dg.AssetCheckResult(
            passed=self.passed,
            # What the others have is right all the same, and what this one has was right then.
            severity=dg.AssetCheckSeverity.WARN,
            description=self.description,
            metadata={
                "last_landing": "never" if landed is None else dg.MetadataValue.timestamp(landed),
                "fresh_within_hours": self.within / timedelta(hours=1),
            },
        )


def is_connected(company: Company, source: str) -> bool:
    """Says whether companies.yml names the source for the company."""
    return bool(getattr(company.sources, source))


def freshness(
    instance: dg.DagsterInstance, company: Company, source: str, run_id: str | None = None
) -> Freshness:
    """Looks when a company last landed well from a source.

    Args:
        instance: Holds the landings.
        company: The company.
        source: Its name in companies.yml.
        run_id: A run that counts although it hasn't ended: the one that asks.
    """
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=WATCHED[source], asset_partitions=[company.id]),
        limit=_LANDINGS_BACK,
    ).records
    run_ids = [each.run_id for each in records]
    runs = instance.get_runs(dg.RunsFilter(run_ids=run_ids)) if run_ids else []
    statuses = {run.run_id: run.status for run in runs}
    # A run that is no longer there was deleted by people, not failed.
    good = {None, dg.DagsterRunStatus.SUCCESS}
    landed = next(
        (
            datetime.fromtimestamp(each.timestamp, UTC)
            for each in records
            if each.run_id == run_id or statuses.get(each.run_id) in good
        ),
        None,
    )
    return Freshness(
        source,
        company.id,
        landed,
        timedelta(hours=company.fresh_within_hours),
        datetime.now(UTC),
    )


def looks_due(instance: dg.DagsterInstance, companies: Iterable[Company]) -> dict[str, list[str]]:
    """Finds the checks that would say something else than they last did.

    Args:
        instance: Holds the landings and what the checks said of them.
        companies: All companies.

    Returns:
        What is new, by company: a line for each of its sources about which something is.
    """
    said = {
        (info.check_key.asset_key, info.partition_key): info.latest_execution_status
        for info in instance.event_log_storage.get_asset_check_partition_info(
            [dg.AssetCheckKey(key, CHECK) for key in WATCHED.values()]
        )
        if info.is_current
    }
    outcome = {True: Status.SUCCEEDED, False: Status.FAILED}
    due: dict[str, list[str]] = {}
    for company in companies:
        for source, key in WATCHED.items():
            if is_connected(company, source):
                found = freshness(instance, company, source)
                if said.get((key, company.id)) is not outcome[found.passed]:
                    due.setdefault(company.id, []).append(found.description)
    return due
