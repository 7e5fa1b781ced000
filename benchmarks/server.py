"""A Postgres of a benchmark's own, and COPY as the measure beside it."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import Connection, sql

from warehouse.databases import ensure_databases
from warehouse.embedded import embedded_server
from warehouse.settings import get_settings

_CHUNK_BYTES = 1 << 20


@contextmanager
def fresh_server() -> Iterator[Path]:
    """Runs a fresh Postgres in a folder of its own, which the settings point at."""
    home = Path(tempfile.mkdtemp(prefix="clv-bench-"))
    # The server's user has to pass through it.
    home.chmod(0o711)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ |= {"CLV_HOME": str(home), "CLV_POSTGRES_PORT": str(port)}
    os.environ.pop("CLV_DATABASE_URL", None)
    get_settings.cache_clear()
    server = embedded_server(get_settings())
    try:
        server.start()
        ensure_databases()
        yield home
    finally:
        server.stop()
        shutil.rmtree(home)


def copy_table(connection: Connection[Any], table: sql.Composable, file: Path) -> float:
    """Copies a file of COPY's text form into a table; returns the seconds that took."""
    started = time.perf_counter()
    with (
        file.open("rb") as rows,
        connection.cursor().copy(sql.SQL("copy {} from stdin").format(table)) as copy,
    ):
        while data := rows.read(_CHUNK_BYTES):
            copy.write(data)
    return time.perf_counter() - started
