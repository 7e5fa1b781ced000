"""Stand-ins of WooCommerce for the session, and a fresh company of one for each test."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from psycopg import Connection as Postgres

from ingestion.http import Patience
from ingestion.sources.woocommerce import land_woocommerce
from ingestion.sources.woocommerce.client import WooCommerceClient
from ingestion.sources.woocommerce.tables import TABLES
from tests.integration.connectors.harness import Connector, StandIn, command_environment
from tests.integration.woocommerce.checker import differences
from warehouse.companies import Company
from warehouse.settings import Settings

ARGUMENTS = ["--api", "woocommerce", "--company", "acme", "--scale", "0.3"]

_numbers = itertools.count(1)


def credentials(site: StandIn) -> tuple[str, str]:
    return site.said[0].removeprefix("key "), site.said[1].removeprefix("secret ")


@pytest.fixture(scope="session")
def stand_in() -> Iterator[StandIn]:
    started = StandIn(ARGUMENTS)
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture
def another_site() -> Iterator[Callable[..., StandIn]]:
    """Starts sites that are set up otherwise, and stops them."""
    with_end: list[StandIn] = []

    def start(*arguments: str) -> StandIn:
        with_end.append(StandIn(["--api", "woocommerce", "--scale", "0.1", *arguments]))
        return with_end[-1]

    try:
        yield start
    finally:
        for each in with_end:
            each.stop()


@pytest.fixture
def client_for(stand_in: StandIn) -> Callable[..., WooCommerceClient]:
    """Makes clients that lose patience as usual but hardly wait."""

    def make(
        company_id: str, site: StandIn = stand_in, key: str = "", secret: str = "", **other: Any
    ) -> WooCommerceClient:
        own_key, own_secret = credentials(site)
        return WooCommerceClient(
            company_id,
            other.pop("address", site.endpoint),
            key or own_key,
            secret or own_secret,
            patience=Patience(attempts=4, slowdowns=8),
            sleep=lambda seconds: time.sleep(min(seconds, 0.01)),
            **other,
        )

    return make


@pytest.fixture
def make_connector(
    warehouse_settings: Settings,
    connection: Postgres,
    stand_in: StandIn,
    client_for: Callable[..., WooCommerceClient],
    tmp_path: Path,
) -> Callable[..., Connector]:
    """Makes connectors, each for a company of its own; all of the one site unless told another."""

    def make(site: StandIn = stand_in) -> Connector:
        company = Company.model_validate(
            {
                "id": f"site_{next(_numbers)}",
                "name": "Site",
                "base_currency": "USD",
                "timezone": "America/New_York",
                "margin_rate": 0.3,
                "sources": {"woocommerce": {"site": site.endpoint}},
            }
        )
        companies_file = tmp_path / f"{company.id}.yml"
        companies_file.write_text(yaml.safe_dump({"companies": [company.model_dump(mode="json")]}))
        key, secret = credentials(site)
        prefix = f"CLV_WOOCOMMERCE__{company.id.upper()}"
        environment = command_environment(warehouse_settings, companies_file)
        return Connector(
            source="woocommerce",
            company=company,
            stand_in=site,
            land=lambda: land_woocommerce(company, client=client_for(company.id, site)),
            differences=partial(differences, connection, company.id, site.truth),
            command=["woocommerce", "--company", company.id],
            environment=environment | {f"{prefix}__KEY": key, f"{prefix}__SECRET": secret},
            tables=tuple(table.name for table in TABLES),
        )

    return make


@pytest.fixture
def connector(make_connector: Callable[[], Connector], stand_in: StandIn) -> Iterator[Connector]:
    """A connector whose company has landed nothing yet, on a site without faults."""
    stand_in.peace()
    yield make_connector()
    stand_in.peace()
