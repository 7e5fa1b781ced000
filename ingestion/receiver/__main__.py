"""Listens: ``python -m ingestion.receiver --port 8600``.

Two processes answer at one port, so that one which ends, however it ends, is not missed: the other
answers until it is replaced.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys

import uvicorn

from ingestion.receiver import logs
from ingestion.receiver.setup import metrics_folder
from warehouse.connection import ConnectionFailedError, url
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
        url(settings=settings)
    except (ConnectionFailedError, EmbeddedServerError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    # Of each process's figures, which whoever is asked adds up; read when the library is imported.
    figures = metrics_folder(settings)
    shutil.rmtree(figures, ignore_errors=True)
    figures.mkdir(parents=True)
    os.environ.update(PROMETHEUS_MULTIPROC_DIR=str(figures))
    uvicorn.run(
        "ingestion.receiver.app:create",
        factory=True,
        workers=settings.receiver_workers,
        host=chosen.host,
        port=chosen.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        # A machine that has too much to do isn't a reason to end one of them.
        timeout_worker_healthcheck=60,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
