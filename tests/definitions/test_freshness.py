"""Whether each company is up to date, in each of its sources, by itself."""

import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster import AssetMaterialization, DagsterEvent, DagsterEventType
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.events import StepMaterializationData

from orchestration.defs.automation.jobs import watch
from orchestration.defs.automation.sensors import freshness as sensor
from orchestration.defs.quality.freshness import checks
from orchestration.lib.flow import COMPANY_TAG
from orchestration.lib.freshness import CHECK, WATCHED
from orchestration.lib.partitions import company_partitions
from orchestration.resources.companies import CompaniesFile

SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
STARTED = dg.DagsterRunStatus.STARTED
KEYS = sorted({*WATCHED.values()})
SOURCES = {
    "acme": {"shopify": {"shop": "acme.myshopify.com"}, "stripe": {}},
    "bolt": {"shopify": {"shop": "bolt.myshopify.com"}},
    "new": {"shopify": {"shop": "new.myshopify.com"}},
    "unconnected": {},
}


class Landings:
    """Landings as runs leave them, in real storages."""

    def __init__(self, instance: dg.DagsterInstance, file: Path) -> None:
        self.instance = instance
        self.companies = CompaniesFile(path=str(file))
        self._runs = 0

    def add(
        self, source: str, company_id: str, hours_ago: float, status: dg.DagsterRunStatus
    ) -> None:
        self._runs += 1
        run_id = f"run-{self._runs}"
        self.instance.add_run(dg.DagsterRun(job_name="land", run_id=run_id, status=status))
        landed = AssetMaterialization(WATCHED[source], partition=company_id)
        self.instance.report_dagster_event(
            DagsterEvent(
                DagsterEventType.ASSET_MATERIALIZATION.value,
                job_name="land",
                event_specific_data=StepMaterializationData(landed),
            ),
            run_id=run_id,
            timestamp=time.time() - hours_ago * 3600,
        )

    def watch(self) -> list[str]:
        """Does what the sensor asks for; returns for which companies it did."""
        context = dg.build_sensor_context(instance=self.instance)
        requests = sensor(context, companies_file=self.companies)
        if isinstance(requests, dg.SkipReason):
            return []
        job = dg.Definitions(
            assets=[dg.AssetSpec(key, partitions_def=company_partitions) for key in KEYS],
            asset_checks=checks,
            jobs=[watch],
            resources={"companies_file": self.companies},
        ).resolve_job_def(watch.name)
        for request in requests:
            assert job.execute_in_process(instance=self.instance, tags=request.tags).success
        return [request.tags[COMPANY_TAG] for request in requests]

    def age_limit(self, hours: int) -> None:
        """Writes into companies.yml how old a landing may be."""
        file = Path(self.companies.path)
        companies = yaml.safe_load(file.read_text())["companies"]
        for company in companies:
            company["fresh_within_hours"] = hours
        file.write_text(yaml.safe_dump({"companies": companies}))

    def statuses(self, source: str) -> dict[str, str]:
        """What the UI shows of the check, a company at a time."""
        key = dg.AssetCheckKey(WATCHED[source], CHECK)
        storage = self.instance.event_log_storage
        with partition_loading_context(dynamic_partitions_store=self.instance):
            state = storage.get_asset_check_state([(key, company_partitions)])[key]
        return {
            company_id: status.value
            for status, subset in state.subsets.items()
            for company_id in subset.subset_value.get_partition_keys()
        }


@pytest.fixture
def landings(tmp_path: Path) -> Iterator[Landings]:
    company = {"base_currency": "USD", "timezone": "UTC", "margin_rate": 0.3}
    file = tmp_path / "companies.yml"
    file.write_text(
        yaml.safe_dump(
            {
                "companies": [
                    {"id": name, "name": name, **company, "sources": sources}
                    for name, sources in SOURCES.items()
                ]
            }
        )
    )
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        instance.add_dynamic_partitions(company_partitions.name or "", list(SOURCES))
        yield Landings(instance, file)


def test_each_company_fails_by_itself(landings: Landings) -> None:
    landings.add("shopify", "acme", 2, SUCCESS)
    landings.add("shopify", "acme", 1, FAILURE)
    landings.add("stripe", "acme", 30, SUCCESS)
    landings.add("shopify", "bolt", 30, SUCCESS)
    landings.add("shopify", "bolt", 1, FAILURE)
    assert landings.watch() == ["acme", "bolt", "new"]
    assert landings.statuses("shopify") == {
        "acme": "SUCCEEDED",
        "bolt": "FAILED",
        "new": "FAILED",
    }
    # Another source of the same company by itself; who has none can't fail.
    assert landings.statuses("stripe") == {
        "acme": "FAILED",
        "bolt": "SUCCEEDED",
        "new": "SUCCEEDED",
    }
    # Nothing is said twice.
    assert landings.watch() == []


def test_it_recovers_and_fails_again_without_a_run(landings: Landings) -> None:
    landings.add("shopify", "bolt", 30, SUCCESS)
    landings.watch()
    assert landings.statuses("shopify")["bolt"] == "FAILED"
    landings.add("shopify", "bolt", 25, SUCCESS)
    assert landings.watch() == ["bolt"]
    assert landings.statuses("shopify")["bolt"] == "SUCCEEDED"
    landings.age_limit(24)
    assert landings.watch() == ["bolt"]
    assert landings.statuses("shopify")["bolt"] == "FAILED"


def test_a_landing_looks_at_itself(landings: Landings) -> None:
    """Its own run hasn't ended yet, and counts; another that goes on doesn't."""
    check = checks[list(WATCHED).index("shopify")]

    @dg.asset(key=WATCHED["shopify"], partitions_def=company_partitions)
    def orders() -> None:
        """Lands nothing, well."""

    for company_id in ("new", "unconnected"):
        dg.materialize(
            [orders, check],
            instance=landings.instance,
            partition_key=company_id,
            resources={"companies_file": landings.companies},
        )
    assert landings.statuses("shopify") == {"new": "SUCCEEDED", "unconnected": "SUCCEEDED"}
    landings.add("shopify", "bolt", 1, STARTED)
    landings.watch()
    assert landings.statuses("shopify")["bolt"] == "FAILED"
