"""One company's trouble is its own: its tables keep what they had, the others' go on.

Two shops with stand-ins of their own, and a company that never lands, in one installation. What is
tried in one run (`clv run`) is tried in the night's flow too: the schedule's and the sensor's own
requests, executed one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.connectors.harness import StandIn
from tests.integration.installation import Installation, installed

SHOPS = ("acme", "bolt")

NIGHT = """
import json
from datetime import UTC, datetime
import dagster as dg
from dagster._core.definitions.partitions.context import partition_loading_context
from orchestration.definitions import defs
definitions = defs()
repository = definitions.get_repository_def()
ended = []
with (
    dg.DagsterInstance.get() as instance,
    partition_loading_context(dynamic_partitions_store=instance),
):
    def run(requests):
        for request in requests:
            result = definitions.resolve_job_def(request.job_name or "land").execute_in_process(
                instance=instance, partition_key=request.partition_key, tags=request.tags,
                raise_on_error=False,
            )
            ended.append([request.job_name or "land", request.partition_key, result.success])
        return bool(requests)
    nightly = definitions.resolve_schedule_def("nightly")
    run(nightly.evaluate_tick(dg.build_schedule_context(
        instance=instance, repository_def=repository, scheduled_execution_time=datetime.now(UTC),
        resources={"companies_file": definitions.resources["companies_file"]},
    )).run_requests)
    flow = definitions.resolve_sensor_def("nightly_flow")
    while run(flow.evaluate_tick(
        dg.build_sensor_context(
            instance=instance, repository_def=repository,
            resources={
                name: definitions.resources[name]
                for name in ("companies_file", "held_contests", "mlflow")
            },
        )
    ).run_requests):
        pass
print(json.dumps(ended))
"""


@dataclass(frozen=True)
class Shops:
    """The installation and the shops that it lands."""

    installation: Installation
    acme: StandIn
    bolt: StandIn

    def clv_run(self) -> set[str]:
        """Refreshes every company in one run; returns those that were refreshed."""
        ended = self.installation.clv("run", check=False)
        assert "Traceback" not in ended.stdout + ended.stderr
        # Ghost never lands.
        assert ended.returncode == 1
        assert "ghost was not refreshed" in ended.stdout, f"{ended.stdout}\n{ended.stderr}"
        return {name for name in SHOPS if f"{name} was not refreshed" not in ended.stdout}

    def night(self) -> set[str]:
        """Goes through a night; returns the companies that were scored."""
        ended = self.installation.python(NIGHT)
        assert [job for job, _, _ in ended].count("land") == 3
        assert ["transform", None, True] in ended
        # Only the reports come after it.
        stages = [entry for entry in ended if entry[0] != "report"]
        assert stages[-1] == ["publish", None, True]
        return {company for job, company, success in ended if job in ("score", "train") and success}

    def refresh(self, mode: str) -> set[str]:
        return self.clv_run() if mode == "one run" else self.night()

    def sell(self) -> None:
        """Both shops go on selling."""
        for shop in (self.acme, self.bolt):
            shop.change("add_orders", count=3)

    def is_up_to_date(self, company_id: str) -> bool:
        """Whether every order of the shop is in the marts."""
        shop = self.acme if company_id == "acme" else self.bolt
        real = {order["id"].rsplit("/", 1)[1] for order in shop.truth("orders")}
        there = self.installation.query(
            "select order_id from marts.fct_orders where company_id = %s", company_id
        )
        return {order for (order,) in there} == real


def company(name: str, endpoint: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": name.title(),
        "base_currency": "EUR" if name == "bolt" else "USD",
        "timezone": "Europe/Berlin" if name == "bolt" else "America/New_York",
        "margin_rate": 0.3,
        # One contest a company is enough here.
        "horizons_months": [12],
        "sources": {"shopify": {"shop": f"{name}.myshopify.com", "endpoint": endpoint}},
    }


@pytest.fixture(scope="module")
def shops() -> Iterator[Shops]:
    quick = ("--scale", "0.1", "--bucket", "20000", "--restore", "100000")
    acme, bolt = (StandIn(["--company", name, *quick]) for name in SHOPS)
    companies = [
        company("acme", acme.endpoint),
        company("ghost", acme.endpoint),
        company("bolt", bolt.endpoint),
    ]
    tokens = {f"CLV_SHOPIFY__{name.upper()}__TOKEN": f"shpat_standin_{name}" for name in SHOPS}
    tokens["CLV_SHOPIFY__GHOST__TOKEN"] = "shpat_of_nobody"
    try:
        with installed(companies, **tokens) as installation:
            yield Shops(installation, acme, bolt)
    finally:
        acme.stop()
        bolt.stop()


@pytest.fixture(scope="module")
def landed(shops: Shops) -> Shops:
    assert shops.clv_run() == {"acme", "bolt"}
    assert shops.is_up_to_date("acme")
    assert shops.is_up_to_date("bolt")
    assert len(shops.installation.of_company("acme")) >= 13
    return shops


def corrupt(shops: Shops) -> None:
    """Makes one landed amount wrong."""
    changed = shops.installation.execute(
        "update raw_shopify.orders set total_price = -total_price where company_id = 'acme'"
        " and id = (select min(id) from raw_shopify.orders where company_id = 'acme')"
    )
    assert changed == 1


def mend(shops: Shops) -> None:
    shops.installation.execute(
        "update raw_shopify.orders set total_price = abs(total_price) where company_id = 'acme'"
    )


def expire(shops: Shops) -> None:
    shops.acme.post("tokens", {"token": "shpat_standin_acme", "expired": True})


def renew(shops: Shops) -> None:
    shops.acme.post("tokens", {"token": "shpat_standin_acme", "expired": False})


TROUBLES = {"corrupt row": (corrupt, mend), "expired token": (expire, renew)}


@pytest.mark.parametrize(
    ("trouble", "mode"),
    [
        ("expired token", "nightly"),
        pytest.param("corrupt row", "one run", marks=pytest.mark.faults),
        pytest.param("corrupt row", "nightly", marks=pytest.mark.faults),
        pytest.param("expired token", "one run", marks=pytest.mark.faults),
    ],
)
def test_one_company_in_trouble_keeps_what_it_had_and_the_other_goes_on(
    landed: Shops, trouble: str, mode: str
) -> None:
    before = landed.installation.of_company("acme")
    others = landed.installation.of_company("bolt")
    begin, end = TROUBLES[trouble]
    landed.sell()
    begin(landed)
    try:
        assert landed.refresh(mode) == {"bolt"}
        assert landed.installation.of_company("acme") == before
        assert landed.is_up_to_date("bolt")
        now = landed.installation.of_company("bolt")
        for table in ("marts.fct_orders", "ml.clv_predictions", "reporting.customer_360"):
            assert now[table] != others[table], table
        held = landed.installation.query("select company_id from quarantine.held_companies")
        assert {name for (name,) in held} == {"acme", "ghost"}
    finally:
        end(landed)


@pytest.mark.faults
def test_a_company_that_is_well_again_catches_up(landed: Shops) -> None:
    assert landed.night() == {"acme", "bolt"}
    assert landed.is_up_to_date("acme")
    assert landed.is_up_to_date("bolt")
