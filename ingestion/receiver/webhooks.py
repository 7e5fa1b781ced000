"""POST /webhooks/{company}/{source}: checked, stored, answered.

Belongs here: the order of the checks and their status codes. Does not belong here: the vendors'
rules (`deliveries.py`) and the transaction (`writer.py`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from ingestion.receiver.deliveries import Delivery, RefusedError, is_ping
from ingestion.receiver.metrics import Metrics
from ingestion.receiver.setup import SOURCES, Setup
from ingestion.receiver.writer import UnavailableError, Writer
from warehouse.companies import CompaniesFileError
from warehouse.settings import SecretsFileError, source_variable

log = structlog.get_logger()

#: A body that comes slower than that is not a store's.
BODY_SECONDS = 10.0

_MOST_BYTES_LOGGED = 64


@dataclass
class Webhooks:
    """Takes webhooks in.

    Attributes:
        setup: Companies and their secrets.
        writer: Stores what is good.
        metrics: Counts.
        max_bytes: Of a body.
        now: Seconds since 1970.
    """

    setup: Setup
    writer: Writer
    metrics: Metrics
    max_bytes: int
    now: Callable[[], float] = time.time
    router: APIRouter = field(default_factory=APIRouter)

    def __post_init__(self) -> None:
        self.router.add_api_route(
            "/webhooks/{company_id}/{source}", self.receive, methods=["POST"], response_model=None
        )

    async def receive(self, company_id: str, source: str, request: Request) -> JSONResponse:
        """Answers one delivery: 200 once it is on disk, and for one that is there already."""
        began = time.perf_counter()
        known: dict[str, Any] = {"source": source if source in SOURCES else "unknown"}
        try:
            outcome = await self._take(company_id, source, request, known)
            status, answer = 200, {"status": outcome}
            log.info(outcome, status=status, **known)
        except RefusedError as refused:
            status, outcome = refused.status, "refused"
            answer = {"status": "refused", "reason": refused.reason}
            log.warning("refused", status=status, reason=refused.reason, **known)
        except UnavailableError as error:
            status, outcome = 503, "unavailable"
            answer = {"status": "unavailable"}
            log.error("unavailable", status=status, reason=str(error), **known)
        except (CompaniesFileError, SecretsFileError) as error:
            status, outcome = 503, "unavailable"
            answer = {"status": "unavailable"}
            log.error("not set up", status=status, reason=str(error), **known)
        self.metrics.observe(known["source"], status, outcome, time.perf_counter() - began)
        headers = {"Retry-After": "30"} if status == 503 else None
        return JSONResponse(answer, status, headers)

    async def _take(
        self, company_id: str, source: str, request: Request, known: dict[str, Any]
    ) -> str:
        endpoint = self.setup.endpoint(company_id, source)
        if endpoint is None:
            raise RefusedError(404, "no such company or source")
        known["company_id"] = company_id
        body = await self._body(request)
        known["bytes"] = len(body)
        if source == "woocommerce" and is_ping(request.headers, body):
            return "ping"
        if not endpoint.secrets:
            variable = source_variable(source, company_id, "webhook_secret")
            raise UnavailableError(f"no secret is set: put it into {variable}")
        endpoint.vendor.verify(request.headers, body, endpoint.secrets, self.now())
        # From here on it is the store's own.
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            raise RefusedError(415, "not application/json")
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise RefusedError(400, "not JSON") from None
        if not isinstance(content, dict):
            raise RefusedError(400, "not an object")
        delivery: Delivery = endpoint.vendor.read(request.headers, content)
        known |= {
            "topic": delivery.topic[:_MOST_BYTES_LOGGED],
            "delivery_id": delivery.delivery_id[:_MOST_BYTES_LOGGED],
        }
        if not delivery.objects and delivery.problem is None:
            return "ignored"
        new = await self.writer.store(company_id, source, delivery)
        return "stored" if new else "duplicate"

    async def _body(self, request: Request) -> bytes:
        """Reads the body as it comes.

        Raises:
            RefusedError: It is too long, too slow, or breaks off.
        """
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self.max_bytes:
            raise RefusedError(413, "too large")
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for part in request.stream():
                    size += len(part)
                    if size > self.max_bytes:
                        raise RefusedError(413, "too large")
                    parts.append(part)
        except TimeoutError:
            raise RefusedError(408, "the body didn't come") from None
        except ClientDisconnect:
            raise RefusedError(400, "the body broke off") from None
        return b"".join(parts)
