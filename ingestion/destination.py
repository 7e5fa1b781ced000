"""The warehouse as dlt's destination.

It is dlt's own Postgres but for one thing: each of its copies makes an Arrow connection of its
own, and the driver first reads every type and column that there is. In a warehouse with some
hundred tables that takes longer than copying, and a load copies into a dozen tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import dlt
from dlt.destinations.impl.postgres.postgres import PostgresClient, PostgresParquetCopyJob

from ingestion import memory
from warehouse.bulk import arrow_connection

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection
    from dlt.common.destination.client import LoadJob
    from dlt.common.destination.typing import PreparedTableSchema
    from dlt.destinations.impl.postgres.configuration import PostgresCredentials


class WarehouseDestination(dlt.destinations.postgres):
    """Postgres, connected to with the types known already."""

    @property
    def client_class(self) -> type[PostgresClient]:
        """What loads."""
        return _Client


class _Client(PostgresClient):
    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        job = super().create_load_job(table, file_path, load_id, restore)
        return _CopyJob(file_path) if isinstance(job, PostgresParquetCopyJob) else job


class _CopyJob(PostgresParquetCopyJob):
    def run(self) -> None:
        super().run()
        memory.give_back()

    def _connect(self) -> Connection:
        self._config = self._job_client.config
        credentials = cast("PostgresCredentials", self._config.credentials)
        return arrow_connection(credentials.to_native_representation())
