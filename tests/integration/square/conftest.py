"""A stand-in of Square for the session, and a fresh company of it for each test."""

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
from ingestion.sources.square import land_square
from ingestion.sources.square.client import SquareClient
from ingestion.sources.square.tables import TABLES
from tests.integration.connectors.harness import Connector, StandIn, command_environment
from tests.integration.square.checker import differences
from warehouse.companies import Company
from warehouse.settings import Settings

TOKEN = "square_standin_acme"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def stand_in() -> Iterator[StandIn]:
    """A small stall, of several pages."""
    started = StandIn(["--api", "square", "--company", "acme", "--scale", "0.2"])
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture
def client_for(stand_in: StandIn) -> Callable[..., SquareClient]:
    """Makes clients that lose patience as usual but hardly wait."""

    def make(company_id: str, token: str = TOKEN) -> SquareClient:
        return SquareClient(
            company_id,
            stand_in.endpoint,
            token,
            patience=Patience(attempts=4, slowdowns=8),
            sleep=lambda seconds: time.sleep(min(seconds, 0.01)),
        )

    return make


@pytest.fixture
def make_connector(
    warehouse_settings: Settings,
    connection: Postgres,
    stand_in: StandIn,
    client_for: Callable[..., SquareClient],
    tmp_path: Path,
) -> Callable[..., Connector]:
    """Makes connectors, each for a company of its own; all of the one account."""

    def make(**seller: Any) -> Connector:
        company = Company.model_validate(
            {
                "id": f"stall_{next(_numbers)}",
                "name": "Stall",
                "base_currency": "USD",
                "timezone": "America/New_York",
                "margin_rate": 0.3,
                "sources": {"square": {"endpoint": stand_in.endpoint, **seller}},
            }
        )
        companies_file = tmp_path / f"{company.id}.yml"
        companies_file.write_text(yaml.safe_dump({"companies": [company.model_dump(mode="json")]}))
        environment = command_environment(warehouse_settings, companies_file)
        return Connector(
            source="square",
            company=company,
            stand_in=stand_in,
            land=lambda: land_square(company, client=client_for(company.id)),
            differences=partial(differences, connection, company.id, stand_in.truth),
            command=["square", "--company", company.id],
            environment=environment | {f"CLV_SQUARE__{company.id.upper()}__TOKEN": TOKEN},
            tables=tuple(table.name for table in TABLES),
        )

    return make


@pytest.fixture
def connector(make_connector: Callable[[], Connector], stand_in: StandIn) -> Iterator[Connector]:
    """A connector whose company has landed nothing yet, in an account without faults."""
    stand_in.peace()
    yield make_connector()
    stand_in.peace()
