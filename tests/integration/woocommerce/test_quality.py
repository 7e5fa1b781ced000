"""What landed from a sound site meets all expectations; what went wrong meets one less."""

from __future__ import annotations

import pytest
from psycopg import Connection as Postgres

from tests.integration.connectors.harness import Connector
from warehouse.quality import raw_woocommerce as suite
from warehouse.quality.validation import validate

#: A statement that spoils a table of one company, and what is said then.
SPOILT = {
    "orders": ("update {} set total = -1 where company_id = %s", "column=total"),
    "order_lines": ("update {} set order_id = '999' where company_id = %s", "order_id"),
    "refund_lines": ("update {} set type = 'gift' where company_id = %s", "column=type"),
    "refunds": ("update {} set currency = 'USX' where company_id = %s", "column=currency"),
}


@pytest.mark.parametrize(
    "tables",
    [
        ("orders", "refund_lines"),
        pytest.param(tuple(suite.KEYS), marks=pytest.mark.faults),
    ],
    ids=["some", "all"],
)
def test_expectations(connector: Connector, connection: Postgres, tables: tuple[str, ...]) -> None:
    site, company_id = connector.stand_in, connector.company.id
    connector.land()
    site.change("trash", entity="order", id=site.truth("orders")[0]["id"])
    connector.land()
    for table in tables:
        name = f"{suite.SCHEMA}.{table}"
        outcome = validate(name, company_id, suite.expectations(table))
        assert outcome.success, outcome.failures
        if table in SPOILT:
            statement, said = SPOILT[table]
            connection.execute(statement.format(name), (company_id,))  # type: ignore[arg-type]
            connection.commit()
            outcome = validate(name, company_id, suite.expectations(table))
            assert said in " ".join(outcome.failures), outcome.failures
