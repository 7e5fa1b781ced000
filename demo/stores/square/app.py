"""The HTTP side: the API's addresses, token, headers and errors."""

from __future__ import annotations

import asyncio
import json
from email.utils import format_datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.stores.control import Fault, Request
from demo.stores.controlled import Controlled, Dropped
from demo.stores.square import api
from demo.stores.square.api import ApiError
from demo.stores.square.changes import change
from demo.stores.square.model import Seller
from demo.stores.square.truth import ENTITIES

Json = dict[str, Any]

_LISTS = {"locations": api.locations, "payments": api.payments, "refunds": api.refunds}


def token_for(company: str) -> str:
    """Returns the token that the stand-in of a company lets read everything."""
    return f"square_standin_{company}"


class StandIn(Controlled):
    """One seller's stand-in: `app` serves it."""

    def __init__(self, seller: Seller) -> None:
        super().__init__(seller, ENTITIES, "rest", change)
        self.seller = seller
        self.app = Starlette(
            routes=[
                *self.control_routes(),
                Route("/v2/{name}", self.api, methods=["GET"]),
            ]
        )

    async def api(self, request: HttpRequest) -> Response:
        """Answers a request."""
        name = request.path_params["name"]
        entry: Json = {
            "path": request.url.path,
            "query": request.url.query,
            "headers": sorted(request.headers.keys()),
            "operation": name,
        }
        self.plane.log.append(entry)
        try:
            response = await self._answer(request, name)
        except ApiError as error:
            response = JSONResponse(error.body, error.status)
        entry["status"] = response.status_code
        response.headers["Date"] = format_datetime(self.seller.now, usegmt=True)
        return response

    async def _answer(self, request: HttpRequest, name: str) -> Response:
        if request.headers.get("authorization") != f"Bearer {token_for(self.seller.company)}":
            raise ApiError(
                401,
                "AUTHENTICATION_ERROR",
                "UNAUTHORIZED",
                "This request could not be authorized.",
            )
        if name not in _LISTS:
            raise ApiError(404, "INVALID_REQUEST_ERROR", "NOT_FOUND", "Resource not found.")
        if not request.headers.get("square-version"):
            raise api.refused("BAD_REQUEST", "Name a version.")
        described = Request("rest", name)
        fault = self.plane.meet(described)
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault and fault.kind in {"status", "throttled", "internal", "access_denied"}:
            return _refused(fault)
        with self.lock:
            answer = _LISTS[name](self.seller, dict(request.query_params))
            self.plane.after(described, self.change)
        content = json.dumps(answer, separators=(",", ":")).encode()
        if fault and fault.kind == "drop":
            return Dropped(content, "application/json")
        if fault and fault.kind == "malformed":
            content = content[: len(content) // 2]
        return Response(content, media_type="application/json")


def _refused(fault: Fault) -> Response:
    """Builds a refusal as the API writes them; a gateway before it knows no JSON."""
    status = {"throttled": 429, "internal": 500, "access_denied": 403}.get(fault.kind, fault.status)
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    if status in {502, 503, 504}:
        return Response(f"<html><h1>{status}</h1></html>", status, headers, "text/html")
    category, code = {
        401: ("AUTHENTICATION_ERROR", "UNAUTHORIZED"),
        403: ("AUTHENTICATION_ERROR", "INSUFFICIENT_SCOPES"),
        429: ("RATE_LIMIT_ERROR", "RATE_LIMITED"),
    }.get(status, ("API_ERROR", "INTERNAL_SERVER_ERROR"))
    return JSONResponse({"errors": [{"category": category, "code": code}]}, status, headers)
