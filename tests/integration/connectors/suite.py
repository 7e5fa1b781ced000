"""How every API connector has to behave, whatever the API.

A connector's test module subclasses `ConnectorSuite`, brings the fixtures `connector` and
`make_connector`, and fills in the scenarios that need to know the API.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest
from psycopg import Connection as Postgres

from ingestion.errors import SourceError
from tests.integration.connectors.harness import Connector, Faulty, kill
from warehouse.bulk import fingerprint

# The process kills itself when all is merged and the state is not yet marked as loaded.
DIE_BEFORE_COMMIT = """
import os, signal
from dlt.destinations.job_client_impl import SqlJobClientBase
SqlJobClientBase.complete_load = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""

KILLS = 5


class ConnectorSuite:
    """Behaviours, each ending with: warehouse and shop agree row by row."""

    def prints(self, connector: Connector, connection: Postgres) -> dict[str, str]:
        connection.rollback()
        return {
            table: fingerprint(
                connection, f"raw_{connector.source}.{table}", exclude=("_dlt_load_id", "found_at")
            )
            for table in connector.tables
        }

    def test_first_load_lands_everything(self, connector: Connector) -> None:
        connector.land()
        assert connector.differences() == []

    def test_nothing_changed_changes_nothing(
        self, connector: Connector, connection: Postgres
    ) -> None:
        first = connector.land()
        before = self.prints(connector, connection)
        second = connector.land()
        assert self.prints(connector, connection) == before
        assert second.requests < first.requests

    def test_a_second_load_at_once_is_turned_away(self, connector: Connector) -> None:
        from ingestion.locks import exclusive_load

        with (
            exclusive_load(connector.source, connector.company.id),
            pytest.raises(SourceError, match="is being loaded already"),
        ):
            connector.land()

    def test_killed_between_merge_and_state(
        self, connector: Connector, connection: Postgres
    ) -> None:
        process = connector.start(DIE_BEFORE_COMMIT)
        process.wait(120)
        assert process.returncode == -9, process.stderr and process.stderr.read()
        committed = connection.execute(
            f"select count(*) from raw_{connector.source}._dlt_pipeline_state as state"
            f" join raw_{connector.source}._dlt_loads as loads"
            " on loads.load_id = state._dlt_load_id"
            " where pipeline_name = %s",
            (f"{connector.source}_{connector.company.id}",),
        ).fetchone()
        assert committed == (0,)
        connector.land()
        assert connector.differences() == []

    @pytest.mark.faults
    def test_killed_at_any_moment(self, connector: Connector) -> None:
        chance = random.Random(connector.company.id)
        for _ in range(KILLS):
            process = connector.start()
            time.sleep(chance.uniform(1, 12))
            kill(process)
        connector.land()
        assert connector.differences() == []

    @pytest.mark.faults
    def test_two_companies_land_at_once_and_for_the_first_time(
        self,
        connector: Connector,
        make_connector: Callable[[], Connector],
        connection: Postgres,
    ) -> None:
        connection.execute(f"drop schema if exists raw_{connector.source} cascade")
        connection.commit()
        both = [connector, make_connector()]
        for process in [each.start() for each in both]:
            _, said = process.communicate(timeout=180)
            assert process.returncode == 0, said.decode()
        assert [each.differences() for each in both] == [[], []]

    def survives(self, connector: Connector, fault: Faulty) -> None:
        """The load ends well although a request met a fault, and it did meet it."""
        match = {"operation": fault.operation}
        connector.stand_in.fault(fault.kind, match, nth=fault.nth, **dict(fault.how))
        connector.land()
        met = connector.stand_in.get("faults")["faults"]
        assert [each["hits"] for each in met] == [1], met
        assert connector.differences() == []

    def gives_up(self, connector: Connector, fault: Faulty, says: str) -> None:
        """The load fails with a message, and the next one, in peace, lands everything."""
        match = {"operation": fault.operation}
        connector.stand_in.fault(fault.kind, match, nth=fault.nth, count=999, **dict(fault.how))
        with pytest.raises(SourceError, match=says) as raised:
            connector.land()
        assert fault.operation in str(raised.value)
        connector.stand_in.peace()
        connector.land()
        assert connector.differences() == []
