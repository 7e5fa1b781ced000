"""The application: routes, health and metrics, and what lives as long as it does."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ingestion.receiver import logs
from ingestion.receiver.metrics import Metrics
from ingestion.receiver.setup import Setup, metrics_folder
from ingestion.receiver.uploading import Uploads
from ingestion.receiver.webhooks import Webhooks
from ingestion.receiver.writer import Writer, configured
from warehouse.connection import url
from warehouse.settings import Settings, get_settings

log = structlog.get_logger()

#: For whoever asks whether the database is there.
HEALTH_SECONDS = 2.0

_CONNECTIONS = 4


async def _end_with_parent() -> None:
    """Ends this process when the one that would replace it is gone: nobody would stop it."""
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(1)
    log.error("receiver ends: its parent is gone")
    os.kill(os.getpid(), signal.SIGTERM)


def create() -> FastAPI:
    """Builds the receiver of this installation, in each of its processes."""
    logs.configure()
    return application(get_settings())


def application(settings: Settings) -> FastAPI:
    """Builds the receiver; connections are opened when it starts.

    Args:
        settings: Those of the installation.

    Raises:
        EmbeddedServerError: The embedded server doesn't run.
        ConnectionFailedError: CLV_DATABASE_URL isn't a URL of PostgreSQL.
    """
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        url(settings=settings),
        min_size=1,
        max_size=_CONNECTIONS,
        open=False,
        configure=configured,
        kwargs={"application_name": "clv-receiver", "connect_timeout": 5},
        # The connections of a server that started anew are replaced before anybody is given one.
        check=AsyncConnectionPool.check_connection,
        # A server that starts anew is looked for again and again.
        reconnect_timeout=3600,
    )
    setup, metrics = Setup(settings), Metrics(metrics_folder(settings))
    writer, files = Writer(pool), Uploads(setup, metrics)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Takes a second, which the first delivery must not wait for.
        import ingestion.sources.stripe.reading  # noqa: F401

        await pool.open()
        writer.start()
        await files.resume()
        watch = asyncio.create_task(_end_with_parent())
        log.info("receiver started")
        yield
        watch.cancel()
        await writer.stop()
        await pool.close()
        log.info("receiver ended")

    app = FastAPI(title="clv receiver", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.include_router(Webhooks(setup, writer, metrics, settings.webhook_max_bytes).router)

    app.include_router(files.router)

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Says that the process answers."""
        return {"status": "ok"}

    @app.get("/health/db", response_model=None)
    async def database_health() -> JSONResponse:
        """Says whether what comes can be stored, and what waits."""
        try:
            async with pool.connection(timeout=HEALTH_SECONDS) as connection:
                found = await connection.execute(
                    "select count(*) filter (where status = 'waiting'),"
                    " count(*) filter (where status = 'failed'),"
                    " coalesce(extract(epoch from now() - min(received_at)"
                    " filter (where status = 'waiting')), 0)::double precision"
                    " from inbox.events where status in ('waiting', 'failed')"
                )
                row = await found.fetchone()
        except (psycopg.Error, PoolTimeout) as error:
            return JSONResponse({"status": "failing", "reason": type(error).__name__}, 503)
        waiting, failed, seconds = row or (0, 0, 0.0)
        return JSONResponse(
            {
                "status": "ok",
                "events_waiting": waiting,
                "events_failed": failed,
                "oldest_waiting_seconds": round(seconds, 1),
            }
        )

    @app.get("/metrics", response_model=None)
    async def figures() -> Response:
        """Tells Prometheus."""
        try:
            async with pool.connection(timeout=HEALTH_SECONDS) as connection:
                text = await metrics.text(connection)
        except (psycopg.Error, PoolTimeout):
            text = await metrics.text(None)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return app
