"""Whatever becomes of one of Stripe's landed rows, it holds its own company at most."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg import Connection as Postgres

from tests.integration.connectors.corruption import Raw, stops_nobody_else, tables
from tests.integration.connectors.harness import Connector
from warehouse.quality import raw_stripe
from warehouse.settings import Settings


@pytest.mark.faults
@pytest.mark.parametrize("table", tables(raw_stripe))
def test_a_corrupt_row_stops_nobody_else(
    connector: Connector,
    connection: Postgres,
    warehouse_settings: Settings,
    tmp_path: Path,
    table: str | None,
) -> None:
    raw = Raw(connection, raw_stripe)
    stops_nobody_else(connector, raw, warehouse_settings, tmp_path, table, "fct_transactions")
