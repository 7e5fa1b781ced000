"""Listens: ``python -m ingestion.receiver --port 8600``."""

from __future__ import annotations

import argparse
import sys

import uvicorn

from ingestion.receiver import logs
from ingestion.receiver.app import application
from warehouse.connection import ConnectionFailedError
from warehouse.embedded import HOST, EmbeddedServerError
from warehouse.settings import get_settings


def main(arguments: list[str] | None = None) -> int:
    """Listens until it is stopped; returns the exit code."""
    settings = get_settings()
    parser = argparse.ArgumentParser(prog="python -m ingestion.receiver", description=__doc__)
    parser.add_argument("--host", default=HOST, help="address to listen at")
    parser.add_argument("--port", type=int, default=settings.receiver_port)
    chosen = parser.parse_args(arguments)
    logs.configure()
    try:
        app = application(settings)
    except (ConnectionFailedError, EmbeddedServerError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    uvicorn.run(
        app,
        host=chosen.host,
        port=chosen.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
