"""The HTTP side: the API's addresses, keys, headers and errors."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
from dataclasses import dataclass, field
from email.utils import format_datetime
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.stores.control import Fault, Request
from demo.stores.controlled import Controlled, Dropped, ordered
from demo.stores.stripe import truth
from demo.stores.stripe.api import PERMISSIONS, ApiError, Question, Reader, question
from demo.stores.stripe.changes import change
from demo.stores.stripe.model import Account
from demo.stores.stripe.render import API_VERSION
from demo.stores.stripe.webhooks import Teller

Json = dict[str, Any]


def key_for(company: str) -> str:
    """Returns the key that the stand-in of a company lets read everything."""
    return f"rk_standin_{company}"


@dataclass(slots=True)
class Key:
    """A key and the permissions that it lacks."""

    lacks: frozenset[str] = field(default_factory=frozenset)
    expired: bool = False


class StandIn(Controlled):
    """One account's stand-in: `app` serves it."""

    def __init__(self, account: Account) -> None:
        super().__init__(
            account,
            {name: partial(truth.rows, entity=name) for name in truth.ENTITIES},
            "rest",
            change,
            Teller(),
        )
        self.account = account
        self.reader = Reader(account)
        self.requests = 0
        self.keys = {key_for(account.company): Key()}
        self.app = Starlette(
            routes=[
                *self.control_routes(),
                Route("/_control/keys", self.set_key, methods=["POST"]),
                Route("/{path:path}", self.api, methods=["GET"]),
            ]
        )

    # The API

    async def api(self, request: HttpRequest) -> Response:
        """Answers a request."""
        self.requests += 1
        entry: Json = {
            "n": self.requests,
            "path": request.url.path,
            "query": request.url.query,
            "headers": sorted(request.headers.keys()),
        }
        self.plane.log.append(entry)
        try:
            response = await self._answer(request, entry)
        except ApiError as error:
            response = JSONResponse(error.body, error.status)
            response.headers["stripe-should-retry"] = "false"
        entry["status"] = response.status_code
        digest = hashlib.sha256(f"{self.account.company}:{self.requests}".encode()).hexdigest()
        response.headers["Request-Id"] = f"req_{digest[:14]}"
        response.headers["Stripe-Version"] = API_VERSION
        response.headers["Date"] = format_datetime(self.account.now, usegmt=True)
        return response

    async def _answer(self, request: HttpRequest, entry: Json) -> Response:
        key = self._key(request)
        version = request.headers.get("stripe-version", API_VERSION)
        if version != API_VERSION:
            raise ApiError(400, f"Invalid Stripe API version: {version}.")
        asked = question(request.url.path)
        described = Request("rest", asked.operation)
        entry["operation"] = asked.operation
        fault = self.plane.meet(described)
        if fault:
            entry["fault"] = fault.kind
            if (early := await self._before(fault, asked)) is not None:
                return early
        permission = PERMISSIONS[asked.collection]
        if permission in key.lacks:
            raise _forbidden(permission)
        with self.lock:
            params = request.query_params.multi_items()
            answer = self.reader.answer(request.url.path, asked, params)
            self.plane.after(described, self.change)
        content = json.dumps(answer, separators=(",", ":")).encode()
        if fault and fault.kind == "drop":
            return Dropped(content, "application/json")
        if fault and fault.kind == "malformed":
            content = content[: len(content) // 2]
        return Response(content, media_type="application/json")

    def _key(self, request: HttpRequest) -> Key:
        """Finds the key of a request, as a bearer or as the user of Basic authentication."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).decode().partition(":")[0]
            except (binascii.Error, UnicodeDecodeError):
                given = ""
        if not given:
            raise ApiError(
                401,
                "You did not provide an API key. You need to provide your API key in the "
                "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
                "YOUR_SECRET_KEY').",
            )
        key = self.keys.get(given)
        if key is None:
            raise ApiError(401, f"Invalid API Key provided: {given[:3]}{'*' * 8}{given[-4:]}")
        if key.expired:
            raise ApiError(
                401, f"Expired API Key provided: {given[:3]}{'*' * 8}", code="api_key_expired"
            )
        return key

    async def _before(self, fault: Fault, asked: Question) -> Response | None:
        """Answers in place of the API, or delays it."""
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "access_denied":
            raise _forbidden(PERMISSIONS[asked.collection])
        elif fault.kind in {"status", "throttled", "internal"}:
            status = {"throttled": 429, "internal": 500}.get(fault.kind, fault.status)
            return _refused(status, fault)
        return None

    # The control plane

    async def set_key(self, request: HttpRequest) -> Response:
        """Adds a key, or changes which permissions it lacks and whether it is expired."""

        def make(order: Json) -> Json:
            key = self.keys.setdefault(order["key"], Key())
            key.lacks = frozenset(order.get("lacks", key.lacks))
            key.expired = bool(order.get("expired", key.expired))
            return {"lacks": sorted(key.lacks), "expired": key.expired}

        return await ordered(request, make)


def _forbidden(permission: str) -> ApiError:
    return ApiError(
        403,
        "The provided key 'rk_****' does not have the required permissions for this endpoint on "
        f"account 'acct_standin'. Having the '{permission}' permission would allow this request "
        "to continue.",
    )


def _refused(status: int, fault: Fault) -> Response:
    """Builds a refusal as the API writes them; a gateway before it knows no JSON."""
    headers = {}
    if fault.retry_after is not None:
        headers["Retry-After"] = f"{fault.retry_after:g}"
    if fault.retry is not None:
        headers["stripe-should-retry"] = str(fault.retry).lower()
    if status == 429:
        message = "Request rate limit exceeded. Learn more at https://stripe.com/docs/rate-limits."
        error = {"message": message, "type": "invalid_request_error", "code": "rate_limit"}
    elif status == 401:
        error = {"message": "Invalid API Key provided: rk_****", "type": "invalid_request_error"}
    elif status in {502, 503, 504}:
        page = f"<html><body><h1>{status}</h1></body></html>"
        return Response(page, status, headers, "text/html")
    else:
        message = "An unknown error occurred" if status >= 500 else "The request was refused."
        error = {"message": message, "type": "api_error" if status >= 500 else "invalid_request"}
    return JSONResponse({"error": error}, status, headers)
