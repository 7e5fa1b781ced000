"""The HTTP side: the GraphQL endpoint, results of bulk operations, and the control plane.

The control plane is no part of the API: it lies under ``/_control`` and asks for no token.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.stores.business.model import Shop
from demo.stores.control import Fault, Request
from demo.stores.controlled import Controlled, Dropped, ordered
from demo.stores.requested import change
from demo.stores.shopify.access import ALL_ORDERS, EVERY_SCOPE
from demo.stores.shopify.bulk import Desk
from demo.stores.shopify.cost import MODELS, QUERY_LIMIT, Bucket, CostReader
from demo.stores.shopify.errors import (
    access_denied,
    execution_error,
    internal,
    max_cost_exceeded,
    throttled,
    validation_error,
)
from demo.stores.shopify.graph import Context, run, schema
from demo.stores.shopify.truth import ENTITIES
from demo.stores.shopify.wanted import API_VERSION
from demo.stores.shopify.webhooks import Teller

TOKEN_HEADER = "X-Shopify-Access-Token"  # noqa: S105  # a name, no token
Json = dict[str, Any]


def token_for(company: str) -> str:
    """Returns the token that the stand-in of a company lets read everything."""
    return f"shpat_standin_{company}"


def recent_token_for(company: str) -> str:
    """Returns its token that sees the orders of the last 60 days only."""
    return f"{token_for(company)}_recent"


@dataclass(frozen=True, slots=True)
class Limits:
    """How generous the stand-in is.

    Attributes:
        bucket: Points that a token's bucket holds; the plan Basic has 2,000.
        restore: Points a second that come back; the plan Basic has 100.
        cost_model: A name of `cost.MODELS`.
        bulk_at_once: Unfinished bulk operations; the API allows five since 2026-01.
        bulk_seconds: What an operation takes at least, twice.
    """

    bucket: float = 2_000
    restore: float = 100
    cost_model: str = "documented"
    bulk_at_once: int = 1
    bulk_seconds: float = 0.05


@dataclass(slots=True)
class Token:
    """A token: what it may read and its points."""

    scopes: frozenset[str]
    bucket: Bucket
    expired: bool = False


@dataclass(slots=True)
class Read:
    """A request's document, once it was read and checked."""

    document: DocumentNode
    operation: OperationDefinitionNode
    variables: Mapping[str, Any]

    def described(self) -> Request:
        """Returns what faults and hooks know the request by."""
        fields = tuple(
            each.name.value
            for each in self.operation.selection_set.selections
            if isinstance(each, FieldNode)
        )
        return Request(
            "graphql", self.operation.name.value if self.operation.name else None, fields
        )


class StandIn(Controlled):
    """One shop's stand-in: `app` serves it."""

    def __init__(self, shop: Shop, limits: Limits | None = None) -> None:
        super().__init__(shop, ENTITIES, teller=Teller())
        self.limits = limits or Limits()
        self.lists: dict[Any, list[Any]] = {}
        self.requests = 0
        self.desk = Desk(
            self.lock,
            at_once=self.limits.bulk_at_once,
            seconds=self.limits.bulk_seconds,
            failure=self._bulk_failure,
        )
        company = shop.profile.company
        self.tokens = {
            token_for(company): self._token(EVERY_SCOPE),
            recent_token_for(company): self._token(EVERY_SCOPE - {ALL_ORDERS}),
        }
        self.app = Starlette(
            routes=[
                Route("/admin/api/{version}/graphql.json", self.graphql, methods=["POST"]),
                Route("/bulk/{number:int}/{name}", self.result, methods=["GET"]),
                Route("/_control/tokens", self.set_token, methods=["POST"]),
                *self.control_routes(),
            ]
        )

    def _token(self, scopes: frozenset[str]) -> Token:
        return Token(scopes, Bucket(self.limits.bucket, self.limits.restore))

    def _bulk_failure(self) -> str | None:
        fault = self.plane.meet(Request("bulk"))
        return fault.kind if fault else None

    # The API

    async def graphql(self, request: HttpRequest) -> Response:
        """Answers a query or a mutation."""
        self.requests += 1
        entry: Json = {
            "n": self.requests,
            "path": request.url.path,
            "headers": sorted(request.headers.keys()),
        }
        self.plane.log.append(entry)
        response = await self._graphql(request, entry)
        entry["status"] = response.status_code
        response.headers["X-Request-Id"] = self._request_id()
        response.headers["X-Shopify-API-Version"] = API_VERSION
        response.headers["Date"] = format_datetime(self.shop.now, usegmt=True)
        return response

    async def _graphql(self, request: HttpRequest, entry: Json) -> Response:
        if request.path_params["version"] != API_VERSION:
            return JSONResponse({"errors": "Not Found"}, 404)
        token = self.tokens.get(request.headers.get(TOKEN_HEADER, ""))
        if token is None or token.expired:
            return _unauthorized()
        try:
            body = _body(request.headers.get("content-type", ""), await request.body())
        except ValueError as error:
            return JSONResponse({"errors": {"query": str(error)}}, 400)
        read = self._read(body)
        if not isinstance(read, Read):
            return JSONResponse({"errors": read})
        described = read.described()
        entry |= {"operation": described.operation, "fields": list(described.fields)}
        fault = self.plane.meet(described)
        if fault:
            entry["fault"] = fault.kind
            if (early := await self._before(fault, token, read)) is not None:
                return early
        self.desk.base_url = f"{request.url.scheme}://{request.url.netloc}"
        with self.lock:
            answer = self._execute(read, token, entry)
            self.plane.after(described, lambda order: change(self.shop, order))
        return _after(fault, answer)

    def _read(self, body: Json) -> Read | list[Json]:
        """Parses and validates; returns the errors if there are any."""
        document = _document(body["query"])
        if not isinstance(document, DocumentNode):
            return document
        operation = get_operation_ast(document, body.get("operationName"))
        if operation is None:
            return [{"message": "An operation name is required"}]
        variables = get_variable_values(
            schema(), operation.variable_definitions, body.get("variables") or {}
        )
        if isinstance(variables, list):
            return [
                {"message": each.message, "extensions": {"code": "INVALID_VARIABLE"}}
                for each in variables
            ]
        return Read(document, operation, {**(body.get("variables") or {}), **variables})

    def _execute(self, read: Read, token: Token, entry: Json) -> Json:
        costs = CostReader(
            schema(),
            read.document,
            read.operation,
            read.variables,
            MODELS[self.limits.cost_model],
        )
        requested = costs.requested()
        entry["cost"] = requested
        if requested > QUERY_LIMIT:
            return {"errors": [max_cost_exceeded(requested, QUERY_LIMIT)]}
        if token.bucket.available() < requested:
            entry["throttled"] = True
            return _throttled(token, requested)
        context = Context(self.shop, token.scopes, self.desk, self.lists)
        name = read.operation.name.value if read.operation.name else None
        done = run(read.document, context, dict(read.variables), name)
        actual = costs.actual(done.data)
        token.bucket.charge(actual)
        answer: Json = {"data": done.data}
        if done.errors:
            answer = {"errors": [execution_error(each) for each in done.errors], **answer}
        answer["extensions"] = {"cost": _cost(token, requested, actual)}
        if context.warnings:
            answer["extensions"]["search"] = context.warnings
        return answer

    async def _before(self, fault: Fault, token: Token, read: Read) -> Response | None:
        """Answers in place of the query, or delays it."""
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "status":
            return _refused(fault)
        elif fault.kind == "throttled":
            token.bucket.drain()
            costs = CostReader(schema(), read.document, read.operation, read.variables)
            return JSONResponse(_throttled(token, min(QUERY_LIMIT, costs.requested())))
        elif fault.kind == "internal":
            return JSONResponse({"errors": [internal(self._request_id())]})
        elif fault.kind == "access_denied":
            name = read.described().fields[0]
            error = execution_error(access_denied(name, fault.scope))
            return JSONResponse({"errors": [{**error, "path": [name]}], "data": None})
        return None

    async def result(self, request: HttpRequest) -> Response:
        """Serves the result of a bulk operation to whoever has its address."""
        operation = self.desk.operations.get(request.path_params["number"])
        signed = operation and request.query_params.get("Signature") == self.desk.signature(
            operation.id
        )
        self.requests += 1
        entry: Json = {
            "n": self.requests,
            "path": request.url.path,
            "headers": sorted(request.headers.keys()),
        }
        self.plane.log.append(entry)
        fault = self.plane.meet(Request("result"))
        entry["fault"] = fault.kind if fault else None
        response = self._result(operation, fault) if signed and operation else _no_result(403)
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        entry["status"] = response.status_code
        return response

    def _result(self, operation: Any, fault: Fault | None) -> Response:
        content = operation.content
        kind = fault.kind if fault else None
        if fault and kind in {"result_missing", "result_expired", "status"}:
            return _no_result(
                {"result_missing": 404, "result_expired": 403}.get(kind, fault.status)
            )
        if kind == "result_cut":
            content = content[: len(content) // 2] or content[:1]
        elif kind == "result_short":
            content = b"".join(operation.lines[: len(operation.lines) // 2])
        elif kind == "drop":
            return Dropped(content, "application/jsonl")
        return Response(content, media_type="application/jsonl")

    def _request_id(self) -> str:
        digest = hashlib.sha256(f"{self.shop.profile.company}:{self.requests}".encode()).hexdigest()
        return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))

    # The control plane, as far as it is this API's own

    async def set_token(self, request: HttpRequest) -> Response:
        """Adds a token, or changes its scopes, its points, or whether it is expired."""

        def make(order: Json) -> Json:
            name = order["token"]
            known = self.tokens.get(name)
            scopes = order.get("scopes")
            token = known or self._token(EVERY_SCOPE)
            token.scopes = token.scopes if scopes is None else frozenset(scopes)
            token.expired = bool(order.get("expired", token.expired))
            if "bucket" in order or "restore" in order:
                token.bucket = Bucket(
                    order.get("bucket", token.bucket.size), order.get("restore", token.bucket.rate)
                )
            self.tokens[name] = token
            return {"scopes": sorted(token.scopes), "expired": token.expired}

        return await ordered(request, make)


@lru_cache(maxsize=64)
def _document(query: str) -> DocumentNode | list[Json]:
    """Parses and validates; returns the errors if there are any.

    Clients ask the same few queries all the time, which takes as long as answering them.
    """
    try:
        document = parse(query)
    except GraphQLSyntaxError as error:
        return [validation_error(error, None)]
    errors = validate(schema(), document)
    return [validation_error(each, document) for each in errors] or document


def _after(fault: Fault | None, answer: Json) -> Response:
    content = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
    if fault and fault.kind == "drop":
        return Dropped(content, "application/json")
    if fault and fault.kind == "malformed":
        content = content[: len(content) // 2]
    return Response(content, media_type="application/json; charset=utf-8")


def _body(content_type: str, content: bytes) -> Json:
    """Reads what was posted.

    Raises:
        ValueError: It is no query.
    """
    text = content.decode("utf-8", "strict")
    if content_type.startswith("application/graphql"):
        return {"query": text}
    try:
        body = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError("Required parameter missing or invalid") from error
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        raise ValueError("Required parameter missing or invalid")
    return body


def _cost(token: Token, requested: int, actual: int | None) -> Json:
    return {
        "requestedQueryCost": requested,
        "actualQueryCost": actual,
        "throttleStatus": token.bucket.status(),
    }


def _throttled(token: Token, requested: int) -> Json:
    return {"errors": [throttled()], "extensions": {"cost": _cost(token, requested, None)}}


def _unauthorized() -> Response:
    message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
    return JSONResponse({"errors": message}, 401)


_REFUSALS = {
    402: "Unavailable Shop",
    403: "[API] This action requires merchant approval",
    423: "Locked",
    429: "Exceeded 2 calls per second for api client. Reduce request rates to resume "
    "uninterrupted service.",
}


def _refused(fault: Fault) -> Response:
    if fault.status == 401:
        return _unauthorized()
    headers = {}
    if fault.retry_after is not None:
        # A decimal, as the real one is.
        headers["Retry-After"] = f"{float(fault.retry_after)}"
    if fault.status in _REFUSALS:
        return JSONResponse({"errors": _REFUSALS[fault.status]}, fault.status, headers)
    page = f"<html><body><h1>{fault.status}</h1></body></html>"
    return Response(page, fault.status, headers, "text/html")


def _no_result(status: int) -> Response:
    code = {403: "AccessDenied", 404: "NoSuchKey"}.get(status, "InternalError")
    xml = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code></Error>"
    return Response(xml, status, media_type="application/xml")
