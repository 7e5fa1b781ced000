"""The control plane over HTTP: what every stand-in shares of its HTTP side.

It is no part of any API, lies under ``/_control``, and asks for no token.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from demo.stores.control import Plane
from demo.stores.requested import change
from demo.stores.webhooks import Post, Teller

Json = dict[str, Any]


class Controlled:
    """A shop that can be changed and troubled from outside; a stand-in adds the API to it."""

    def __init__(
        self,
        shop: Any,
        entities: Mapping[str, Callable[[Any], Iterable[Json]]],
        kind: str = "graphql",
        change: Callable[[Any, Json], Json] = change,
        teller: Teller | None = None,
    ) -> None:
        """Takes the shop over.

        Args:
            shop: Is changed in place; knows the time (`now`) and counts its changes (`version`).
            entities: What the shop really is, as plain rows by name.
            kind: Of the API's requests, for faults and hooks that name none.
            change: Makes an ordered change.
            teller: Knows the API's webhooks; None where it has none.
        """
        self.shop = shop
        self.entities = entities
        self.change = lambda order: change(self.shop, order)
        self.plane = Plane(kind)
        self.post = None if teller is None else Post(teller)
        self.lock = threading.RLock()

    def control_routes(self) -> list[Route]:
        """Returns the routes of the control plane."""
        return [
            Route("/_control/faults", self.faults, methods=["GET", "POST", "DELETE"]),
            Route("/_control/hooks", self.hooks, methods=["POST"]),
            Route("/_control/changes", self.changes, methods=["POST"]),
            Route("/_control/truth", self.truth_names, methods=["GET"]),
            Route("/_control/truth/{entity}", self.truth, methods=["GET"]),
            Route("/_control/log", self.log, methods=["GET", "DELETE"]),
            Route("/_control/clock", self.clock, methods=["GET"]),
            Route("/_control/webhooks", self.webhooks, methods=["GET", "POST", "DELETE"]),
        ]

    async def faults(self, request: HttpRequest) -> Response:
        """Plans a fault, tells the plans, or forgets all of them and the log."""
        if request.method == "GET":
            return JSONResponse(self.plane.state())
        if request.method == "DELETE":
            self.plane.clear()
            return JSONResponse({})
        return await ordered(request, lambda order: {"kind": self.plane.add_fault(order).kind})

    async def hooks(self, request: HttpRequest) -> Response:
        """Plans changes after a request."""
        return await ordered(request, lambda order: {"nth": self.plane.add_hook(order).nth})

    async def changes(self, request: HttpRequest) -> Response:
        """Changes the shop."""

        def make(order: Json) -> Json:
            with self.lock:
                made = self.change(order)
                if self.post is not None:
                    self.post.changed(self.shop)
                return made

        return await ordered(request, make)

    async def webhooks(self, request: HttpRequest) -> Response:
        """Adds a subscription, tells what was delivered, or ends all."""
        post = self.post
        if post is None:
            return JSONResponse({"error": "this API has no webhooks here"}, 404)
        if request.method == "GET":
            return JSONResponse(post.state())
        if request.method == "DELETE":
            post.forget()
            return JSONResponse({})

        def subscribe(order: Json) -> Json:
            with self.lock:
                return post.subscribe(order, self.shop)

        return await ordered(request, subscribe)

    async def truth_names(self, _request: HttpRequest) -> Response:
        """Names what there is a truth of."""
        return JSONResponse(sorted(self.entities))

    async def truth(self, request: HttpRequest) -> Response:
        """Tells what the shop really is."""
        entity = request.path_params["entity"]
        if entity not in self.entities:
            return JSONResponse({"error": f"no such entity: {entity}"}, 404)
        with self.lock:
            return JSONResponse(list(self.entities[entity](self.shop)))

    async def log(self, request: HttpRequest) -> Response:
        """Tells the requests so far: names of headers, never what they hold."""
        if request.method == "DELETE":
            self.plane.log.clear()
        return JSONResponse(self.plane.log)

    async def clock(self, _request: HttpRequest) -> Response:
        """Tells the shop's time."""
        return JSONResponse({"now": self.shop.now.isoformat(), "version": self.shop.version})


class Dropped(Response):
    """A body of which half arrives before the connection is closed."""

    def __init__(self, content: bytes, media_type: str) -> None:
        super().__init__(content, media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the half; the server closes what an application leaves unfinished."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        half = bytes(self.body[: math.ceil(len(self.body) / 2)])
        await send({"type": "http.response.body", "body": half, "more_body": True})


async def ordered(request: HttpRequest, make: Callable[[Json], Json]) -> Response:
    """Does what a control request orders; 400 or 404 with the reason if it can't be done."""
    try:
        return JSONResponse(make(await request.json()))
    except LookupError as error:
        return JSONResponse({"error": str(error)}, 404)
    except (TypeError, ValueError) as error:
        return JSONResponse({"error": str(error)}, 400)
