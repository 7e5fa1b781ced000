"""A stand-in of Shopify for the session, and a fresh company of it for each test."""

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
from ingestion.sources.shopify import land_shopify
from ingestion.sources.shopify.client import ShopifyClient
from ingestion.sources.shopify.tables import TABLES
from tests.integration.connectors.harness import Connector, StandIn, command_environment
from tests.integration.shopify.checker import differences
from warehouse.companies import Company
from warehouse.settings import Settings

TOKEN = "shpat_standin_acme"
TOKEN_OF_60_DAYS = "shpat_standin_acme_recent"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def stand_in() -> Iterator[StandIn]:
    """A small shop that answers as fast as it can."""
    started = StandIn(
        [
            *("--company", "acme", "--scale", "0.05"),
            *("--bucket", "20000", "--restore", "100000", "--bulk-seconds", "0.05"),
        ]
    )
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture
def client_for(stand_in: StandIn) -> Callable[..., ShopifyClient]:
    """Makes clients that lose patience as usual but hardly wait."""

    def make(
        company_id: str, token: str = TOKEN, endpoint: str = stand_in.endpoint, **other: Any
    ) -> ShopifyClient:
        return ShopifyClient(
            company_id,
            endpoint,
            token,
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
    client_for: Callable[..., ShopifyClient],
    tmp_path: Path,
) -> Callable[..., Connector]:
    """Makes connectors, each for a company of its own; all of the one shop unless told another."""

    def make(shop: StandIn = stand_in) -> Connector:
        company = Company.model_validate(
            {
                "id": f"shop_{next(_numbers)}",
                "name": "Shop",
                "base_currency": "USD",
                "timezone": "America/New_York",
                "margin_rate": 0.3,
                "sources": {"shopify": {"shop": "acme.myshopify.com", "endpoint": shop.endpoint}},
            }
        )
        companies_file = tmp_path / f"{company.id}.yml"
        companies_file.write_text(yaml.safe_dump({"companies": [company.model_dump(mode="json")]}))
        environment = command_environment(warehouse_settings, companies_file)
        token = shop.said[0].removeprefix("token ")
        fresh_client = partial(client_for, company.id, token, shop.endpoint)
        return Connector(
            source="shopify",
            company=company,
            stand_in=shop,
            land=lambda: land_shopify(company, client=fresh_client()),
            differences=partial(differences, connection, company.id, shop.truth),
            command=["shopify", "--company", company.id],
            environment=environment | {f"CLV_SHOPIFY__{company.id.upper()}__TOKEN": token},
            tables=tuple(table.name for table in TABLES),
        )

    return make


@pytest.fixture
def connector(make_connector: Callable[[], Connector], stand_in: StandIn) -> Iterator[Connector]:
    """A connector whose company has landed nothing yet, in a shop without faults."""
    stand_in.peace()
    yield make_connector()
    stand_in.peace()
