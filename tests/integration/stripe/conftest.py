"""A stand-in of Stripe for the session, and a fresh company of it for each test."""

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
from ingestion.sources.stripe import land_stripe
from ingestion.sources.stripe.client import StripeClient
from ingestion.sources.stripe.tables import TABLES
from tests.integration.connectors.harness import Connector, StandIn, command_environment
from tests.integration.stripe.checker import differences
from warehouse.companies import Company
from warehouse.settings import Settings

KEY = "rk_standin_acme"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def stand_in() -> Iterator[StandIn]:
    """A small account."""
    started = StandIn(["--api", "stripe", "--company", "acme", "--scale", "0.05"])
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture
def client_for(stand_in: StandIn) -> Callable[..., StripeClient]:
    """Makes clients that lose patience as usual but hardly wait."""

    def make(company_id: str, key: str = KEY, endpoint: str = stand_in.endpoint) -> StripeClient:
        return StripeClient(
            company_id,
            endpoint,
            key,
            patience=Patience(attempts=4, slowdowns=8),
            sleep=lambda seconds: time.sleep(min(seconds, 0.01)),
        )

    return make


@pytest.fixture
def make_connector(
    warehouse_settings: Settings,
    connection: Postgres,
    stand_in: StandIn,
    client_for: Callable[..., StripeClient],
    tmp_path: Path,
) -> Callable[..., Connector]:
    """Makes connectors, each for a company of its own; all of the one account."""

    def make(**account: Any) -> Connector:
        company = Company.model_validate(
            {
                "id": f"account_{next(_numbers)}",
                "name": "Account",
                "base_currency": "USD",
                "timezone": "America/New_York",
                "margin_rate": 0.3,
                "sources": {"stripe": {"endpoint": stand_in.endpoint, **account}},
            }
        )
        companies_file = tmp_path / f"{company.id}.yml"
        companies_file.write_text(yaml.safe_dump({"companies": [company.model_dump(mode="json")]}))
        environment = command_environment(warehouse_settings, companies_file)
        fresh_client = partial(client_for, company.id)
        return Connector(
            source="stripe",
            company=company,
            stand_in=stand_in,
            land=lambda: land_stripe(company, client=fresh_client()),
            differences=partial(differences, connection, company.id, stand_in.truth),
            command=["stripe", "--company", company.id],
            environment=environment | {f"CLV_STRIPE__{company.id.upper()}__KEY": KEY},
            tables=tuple(table.name for table in TABLES),
        )

    return make


@pytest.fixture
def connector(make_connector: Callable[[], Connector], stand_in: StandIn) -> Iterator[Connector]:
    """A connector whose company has landed nothing yet, in an account without faults."""
    stand_in.peace()
    yield make_connector()
    stand_in.peace()
