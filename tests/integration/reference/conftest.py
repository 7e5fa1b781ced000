"""Businesses of stand-ins, landed and modelled, beside what the stand-ins know of them."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
import yaml

from tests.integration.connectors.harness import StandIn
from tests.integration.installation import Installation, installed
from tests.integration.reference.business import Business, number
from tests.integration.reference.landed import Kept, Postgres, kept_rows
from warehouse.settings import PROJECT_ROOT

RATES = PROJECT_ROOT / "demo" / "data" / "exchange_rates.csv"
ENTITIES = {
    "shopify": (
        "orders",
        "order_lines",
        "refunds",
        "variants",
        "transaction_fees",
        "disputes",
        "customers",
    ),
    "woocommerce": (
        "orders",
        "order_lines",
        "order_fees",
        "refunds",
        "refund_lines",
        "customers",
    ),
    "stripe": (
        "customers",
        "payment_intents",
        "charges",
        "refunds",
        "invoices",
        "invoice_payments",
        "balance_transactions",
        "disputes",
    ),
}

_DBT = """
import json, tempfile
from dbt.cli.main import dbtRunner
with tempfile.TemporaryDirectory() as folder:
    outcome = dbtRunner().invoke([
        "--quiet", {command}, "--selector", "transformation", "--target-path", folder,
        "--log-path", folder, "--project-dir", "dbt_project", "--profiles-dir", "dbt_project",
    ])
print(json.dumps([
    [result.node.name, result.status, result.message] for result in outcome.result
    if result.status not in ("success", "pass", "no-op")
] if outcome.result else [str(outcome.exception)]))
"""


def transform(installation: Installation, *command: str) -> None:
    """Builds the marts.

    Args:
        installation: Whose.
        command: Of dbt, with its options; build by default, and run leaves the tests out.
    """
    words = ", ".join(map(repr, command or ("build",)))
    assert installation.python(_DBT.replace("{command}", words)) == []


@dataclass(frozen=True)
class Built:
    """An installation whose marts are built, and what they must say."""

    installation: Installation
    business: Business

    def query(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.installation.query(query, *parameters)


def land(installation: Installation, *arguments: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "ingestion", *arguments],
        env=installation.environment,
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def email_key(installation: Installation) -> bytes:
    """The key as RFC 2104 has it, from what the warehouse keeps of it."""
    ((inner,),) = installation.query("select inner_key from access.email_key")
    return bytes(byte ^ 0x36 for byte in inner)


def trouble(shop: StandIn, chance: random.Random) -> list[tuple[str, str | None, str]]:
    """Lets the shop merge, delete, refund and sell; returns who was merged into whom."""
    buyers = {each["customer_id"] for each in shop.truth("orders")}
    # Of a merger of somebody without orders the API tells nothing: they are only gone.
    customers = [each for each in shop.truth("customers") if each["email"] and each["id"] in buyers]
    chosen = chance.sample(customers, 6)
    merged = []
    for gone, into in zip(chosen[:3], chosen[3:], strict=True):
        shop.change("merge_customers", **{"from": gone["id"], "into": into["id"]})
        merged.append((number(gone["id"]), gone["email"], number(into["id"])))
    orders = shop.truth("orders")
    for order in chance.sample([each for each in orders if not each["cancelled_at"]], 2):
        shop.change("delete", entity="order", id=order["id"])
    shop.change("add_orders", count=chance.randrange(2, 6))
    return merged


def build(seed: int) -> Iterator[Built]:
    """Makes a business of its own, lands it twice with changes between, and builds the marts."""
    options = ["--company", "acme", "--seed", str(seed), "--scale", "0.1"]
    shop = StandIn([*options, "--bucket", "20000", "--restore", "100000"])
    site = StandIn(["--api", "woocommerce", *options])
    account = StandIn(["--api", "stripe", *options])
    company = {
        "id": "acme",
        "name": "Acme",
        "base_currency": "USD",
        "timezone": "America/New_York",
        "margin_rate": 0.3,
        "sources": {
            "shopify": {"shop": "acme.myshopify.com", "endpoint": shop.endpoint},
            "woocommerce": {"site": site.endpoint},
            "stripe": {"endpoint": account.endpoint},
        },
    }
    secrets = {
        "CLV_SHOPIFY__ACME__TOKEN": "shpat_standin_acme",
        "CLV_WOOCOMMERCE__ACME__KEY": site.said[0].removeprefix("key "),
        "CLV_WOOCOMMERCE__ACME__SECRET": site.said[1].removeprefix("secret "),
        "CLV_STRIPE__ACME__KEY": "rk_standin_acme",
    }
    try:
        with installed([company], **secrets) as installation:
            (installation.folder / "companies.yml").write_text(
                yaml.safe_dump({"exchange_rates": {"path": str(RATES)}, "companies": [company]})
            )
            installation.clv("prepare")
            land(installation, "files", "--company", "acme")
            land(installation, "rates")
            for source in ENTITIES:
                land(installation, source, "--company", "acme")
            merged = trouble(shop, random.Random(seed))
            land(installation, "shopify", "--company", "acme")
            transform(installation)
            truth = {
                source: {entity: stand_in.truth(entity) for entity in ENTITIES[source]}
                for source, stand_in in zip(ENTITIES, (shop, site, account), strict=True)
            }
            yield Built(
                installation,
                Business(
                    truth["shopify"],
                    truth["woocommerce"],
                    truth["stripe"],
                    merged,
                    ZoneInfo("America/New_York"),
                    email_key(installation),
                ),
            )
    finally:
        for each in (shop, site, account):
            each.stop()


@pytest.fixture(
    scope="session", params=[1, *(pytest.param(seed, marks=pytest.mark.faults) for seed in (2, 3))]
)
def built(request: pytest.FixtureRequest) -> Iterator[Built]:
    yield from build(request.param)


@pytest.fixture
def warehouse(built: Built) -> Iterator[Postgres]:
    with closing(psycopg.connect(built.installation.url(), autocommit=True)) as connection:
        yield connection


@pytest.fixture
def kept(warehouse: Postgres) -> Iterator[list[Kept]]:
    """Copies of all landed rows, which stand in their tables again afterwards."""
    with kept_rows(warehouse) as found:
        yield found
