"""The one way in which a source is loaded: a dlt pipeline per source and company.

Belongs here: names, destination, crash safety. Does not belong here: what a source yields.
"""

from __future__ import annotations

import gc
import logging
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dlt
from dlt.common.schema.utils import get_columns_names_with_prop
from psycopg import sql

from ingestion import memory
from ingestion.destination import WarehouseDestination
from ingestion.errors import SourceError
from ingestion.locks import one_at_a_time, session_name, writing
from warehouse.connection import connect, exists, url

if TYPE_CHECKING:
    from dlt.common.schema.typing import TTableSchema
    from dlt.destinations.impl.postgres.configuration import PostgresCredentials
    from psycopg import Connection

ROWS_PER_FILE = 20_000
ROWS_PER_COPY = 2_000
WORKERS = 2


def load(
    source: Any,
    source_name: str,
    company_id: str,
    *,
    once_read: Callable[[], None] | None = None,
    once_written: Callable[[], None] | None = None,
) -> str:
    """Loads a dlt source into schema raw_<source_name>.

    Nothing is written before the source has been read to its end. Each table is then merged in a
    transaction of its own (a first load, which replaces nothing, is written file by file), and the
    state, how far the source was read, counts only once all of them are. The working folder lives
    for one load and the state is restored from the warehouse, so a process killed in the middle
    leaves nothing that a later one could trip over: what it had extracted is extracted again and
    merged onto itself.

    Args:
        source: A dlt source that yields Arrow tables.
        source_name: Name of the source; also the pipeline's, with the company's.
        company_id: Company whose rows they are.
        once_read: Called when all has been read and nothing has been written, for what must be in
            the warehouse before the state says that it was read.
        once_written: Called when all has been written and no model has read it.

    Returns:
        dlt's load id, "" when the source had nothing.

    Raises:
        SourceError: What the source itself raised, unwrapped.
        dlt.pipeline.exceptions.PipelineStepFailed: Any other failure. The state is as before; the
            next load mends what was half done.
    """
    memory.bound()
    dlt.config["runtime.dlthub_telemetry"] = False
    # It warns of every hint that Arrow's schema can't carry, at each load.
    logging.getLogger("dlt").setLevel(logging.ERROR)
    dlt.config["normalize.parquet_normalizer.add_dlt_load_id"] = True
    # One process writes its few pages one after another; a pool costs more than it gives.
    dlt.config["normalize.workers"] = 1
    dlt.config["load.raise_on_failed_jobs"] = True
    # A file is in memory as a whole while it is copied, and as many at once as there are workers.
    dlt.config["data_writer.file_max_items"] = ROWS_PER_FILE
    dlt.config["data_writer.row_group_size"] = ROWS_PER_COPY
    dlt.config["load.workers"] = WORKERS
    # Otherwise a copy of what was loaded last stays in the database until the next load.
    dlt.config["load.truncate_staging_dataset"] = True
    # The default empties the table before it fills it: readers would see nothing in between.
    dlt.config["destination.replace_strategy"] = "insert-from-staging"
    with tempfile.TemporaryDirectory(prefix="clv-dlt-") as folder:
        pipeline = dlt.pipeline(
            pipeline_name=f"{source_name}_{company_id}",
            pipelines_dir=folder,
            # Companies that load at once must not share a staging dataset: they would empty each
            # other's half-loaded tables.
            destination=WarehouseDestination(
                credentials=_credentials(session_name(source_name, company_id)),
                staging_dataset_name_layout=f"%s_staging_{company_id}",
            ),
            dataset_name=f"raw_{source_name}",
        )
        try:
            pipeline.sync_destination()
            with _seldom_collected():
                pipeline.extract(source, loader_file_format="parquet")
            pipeline.normalize()
            memory.give_back()
            with writing(company_id):
                if once_read is not None:
                    once_read()
                if not pipeline.list_normalized_load_packages():
                    return ""
                # Two companies that land at once for the first time would both make the tables.
                with one_at_a_time(f"tables of raw_{source_name}"):
                    pipeline.sync_schema()
                info = pipeline.load()
                if once_written is not None:
                    once_written()
                _settle(pipeline)
        except Exception as error:
            raise _own_error(error) or error from None
        return info.loads_ids[0] if info.loads_ids else ""


def _credentials(application_name: str) -> PostgresCredentials:
    """The warehouse, in sessions that can be told from those of other loads."""
    from dlt.destinations.impl.postgres.configuration import PostgresCredentials

    credentials = PostgresCredentials(url())
    credentials.query = (credentials.query or {}) | {"application_name": application_name}
    return credentials


def _settle(pipeline: dlt.Pipeline) -> None:
    """Makes the indexes that are missing and lets Postgres know what is there now.

    Without statistics it joins new tables row by row, and its own daemon comes too late for the
    checks and models that read next.
    """
    schema = pipeline.dataset_name
    tables = {
        str(table["name"]): _indexes(table) for table in pipeline.default_schema.data_tables()
    }
    with connect() as connection:
        unsettled = [
            name for name, indexes in tables.items() if _lacks(connection, schema, name, indexes)
        ]
    with ThreadPoolExecutor(WORKERS) as pool:
        for settled in [
            pool.submit(_settle_table, schema, name, tables[name]) for name in unsettled
        ]:
            settled.result()


#: Indexes of a table by name: their columns, and whether no two rows may be the same in these.
_Indexes = dict[str, tuple[list[str], bool]]


def _indexes(table: TTableSchema) -> _Indexes:
    """Says by which a merge finds the rows it replaces.

    That of a primary key is unique: should a row ever come twice in spite of all, its load fails
    and none is doubled.
    """
    return {
        f"{table['name']}_{prop}": (columns, prop == "primary_key")
        for prop in ("primary_key", "merge_key")
        if (columns := get_columns_names_with_prop(table, prop))
    }


def _lacks(connection: Connection[Any], schema: str, table: str, indexes: _Indexes) -> bool:
    """Says whether a table lacks an index, or statistics of the rows that there are now."""
    return _is_outdated(connection, schema, table) or not all(
        exists(connection, sql.Identifier(schema, index)) for index in indexes
    )


def _is_outdated(connection: Connection[Any], schema: str, table: str) -> bool:
    found = connection.execute(
        "select tables.reltuples < 0 or counted.n_mod_since_analyze > tables.reltuples / 10"
        " from pg_class as tables join pg_stat_user_tables as counted"
        " on counted.relid = tables.oid where tables.oid = %s::regclass",
        (sql.Identifier(schema, table).as_string(),),
    ).fetchone()
    return bool(found and found[0])


def _settle_table(schema: str, table: str, indexes: _Indexes) -> None:
    """Settles one table; after a first load its indexes take least."""
    name = sql.Identifier(schema, table)
    with one_at_a_time(f"table {schema}.{table}") as connection:
        for index, (columns, unique) in indexes.items():
            # Asked first: "if not exists" waits for every load that writes to the table.
            if not exists(connection, sql.Identifier(schema, index)):
                connection.execute(
                    sql.SQL("create {} index {} on {} ({})").format(
                        sql.SQL("unique" if unique else ""),
                        sql.Identifier(index),
                        name,
                        sql.SQL(", ").join(map(sql.Identifier, columns)),
                    )
                )
        if _is_outdated(connection, schema, table):
            connection.execute(sql.SQL("analyze {}").format(name))


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Looks for garbage in cycles more seldom.

    Parsed JSON is thousands of objects a page and has no cycles; looking for them there takes
    longer than parsing.
    """
    usual = gc.get_threshold()
    gc.set_threshold(500_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _own_error(error: BaseException | None) -> SourceError | None:
    """Finds our own error under those that dlt wraps around it."""
    while error is not None:
        if isinstance(error, SourceError):
            return error
        error = error.__cause__ or error.__context__
    return None
