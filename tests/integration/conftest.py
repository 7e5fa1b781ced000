"""One embedded server for the whole session, and folders in which a test may start its own."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from warehouse.connection import connect
from warehouse.databases import ensure_databases
from warehouse.embedded import EmbeddedServer, embedded_server
from warehouse.settings import Settings, get_settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_folder() -> Path:
    """Makes a folder that the server's user may pass through, unlike those of tmp_path."""
    made = Path(tempfile.mkdtemp(prefix="clv-test-"))
    made.chmod(0o711)
    return made


def forget(settings: Settings) -> None:
    """Takes the care of a crash of the machine from a running server that is thrown away."""
    with connect("postgres", settings=settings, autocommit=True) as connection:
        for option in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"alter system set {option} = off")
        connection.execute("select pg_reload_conf()")


@pytest.fixture(scope="session")
def warehouse_settings() -> Iterator[Settings]:
    """Settings of a running installation; they are the process's own while the session lasts."""
    home = make_folder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLV_HOME", str(home))
        patch.setenv("CLV_POSTGRES_PORT", str(free_port()))
        patch.delenv("CLV_DATABASE_URL", raising=False)
        get_settings.cache_clear()
        settings = get_settings()
        server = embedded_server(settings)
        try:
            server.start()
            forget(settings)
            ensure_databases()
            yield settings
        finally:
            server.stop()
            shutil.rmtree(home)
            get_settings.cache_clear()


@pytest.fixture
def connection(warehouse_settings: Settings) -> Iterator[psycopg.Connection]:
    """A connection to the warehouse of the session."""
    with connect(settings=warehouse_settings) as opened:
        yield opened


@pytest.fixture
def folder() -> Iterator[Path]:
    """A private folder for a server of the test's own, which is stopped afterwards."""
    made = make_folder()
    try:
        yield made
    finally:
        for lock in made.rglob("postgres/lock"):
            EmbeddedServer(lock.parent).stop()
        shutil.rmtree(made)


@pytest.fixture
def server(folder: Path) -> EmbeddedServer:
    """A server of the test's own, not made yet."""
    return EmbeddedServer(folder / "postgres", free_port())
