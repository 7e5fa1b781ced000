"""The HTTP side of the site: REST v3 as WordPress serves it, and the control plane."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.stores.business.model import Shop
from demo.stores.control import Fault, Request
from demo.stores.controlled import Controlled, Dropped, ordered
from demo.stores.requested import change
from demo.stores.woocommerce.access import Key, refused
from demo.stores.woocommerce.lists import InvalidParameterError, Item, page
from demo.stores.woocommerce.truth import ENTITIES
from demo.stores.woocommerce.values import ADMINISTRATOR, Writer, status
from demo.stores.woocommerce.webhooks import Teller

Json = dict[str, Any]
_NAMESPACE = "wc/v3"
_NOTICE = (
    "<br />\n<b>Notice</b>:  Undefined index: page [1] in "
    "<b>/var/www/html/wp-content/plugins/old/old.php</b> on line <b>12</b><br />\n"
)
_PAGE = "<!DOCTYPE html><html><body><h1>Briefly unavailable for maintenance.</h1></body></html>"


def key_for(company: str) -> tuple[str, str]:
    """Returns the key and the secret that a company's stand-in lets read."""
    return f"ck_standin_{company}", f"cs_standin_{company}"


@dataclass(frozen=True, slots=True)
class Setup:
    """How the site is set up.

    Attributes:
        timezone: Of the site; None is the company's.
        permalinks: Whether addresses are pretty; if not, the API is at ?rest_route= alone.
        not_found: Whether the web server answers 404 where the API isn't; else it hands everything
            on to WordPress, which shows its front page.
        folder: Where the site lies below its host, such as "/shop".
        version: Of WooCommerce, major and minor: /refunds came with 9.0, /variations with 10.3.
        decimals: Of every amount. Two is usual; a site that sells in dinars needs three.
    """

    timezone: str | None = None
    permalinks: bool = True
    not_found: bool = False
    folder: str = ""
    version: tuple[int, int] = (11, 0)
    decimals: int = 3


class Site(Controlled):
    """One site's stand-in: `app` serves it."""

    def __init__(self, shop: Shop, setup: Setup | None = None) -> None:
        self.setup = setup or Setup()
        self.zone = ZoneInfo(self.setup.timezone or shop.profile.timezone)
        self.writer = Writer(shop, self.zone, self.setup.decimals)
        super().__init__(shop, ENTITIES, "rest", teller=Teller(self.writer))
        self.key = Key(*key_for(shop.profile.company))
        self.requests = 0
        folder = self.setup.folder
        self.app = Starlette(
            routes=[
                Route("/_control/key", self.set_key, methods=["POST"]),
                *self.control_routes(),
                Route(f"{folder}/wp-json/{{route:path}}", self.pretty),
                Route(f"{folder}/", self.plain),
                Route(f"{folder}/index.php", self.plain),
                # Without pretty permalinks the front page is wherever nothing else is.
                Route(f"{folder}/{{anything:path}}", self.front),
            ]
        )

    # The API

    async def pretty(self, request: HttpRequest) -> Response:
        """Answers at an address of the usual kind, if the site has such."""
        if not self.setup.permalinks:
            return await self.front(request)
        return await self._answer(request, request.path_params["route"])

    async def front(self, request: HttpRequest) -> Response:
        """Shows a page for people, or none."""
        if self.setup.permalinks or self.setup.not_found:
            return Response("<html>Not Found</html>", 404, media_type="text/html")
        return Response("<!DOCTYPE html><html>A shop</html>", media_type="text/html")

    async def plain(self, request: HttpRequest) -> Response:
        """Answers at the address that every site has."""
        route = request.query_params.get("rest_route")
        if route is None:
            return Response("<!DOCTYPE html><html>A shop</html>", media_type="text/html")
        return await self._answer(request, route.strip("/"))

    async def _answer(self, request: HttpRequest, route: str) -> Response:
        self.requests += 1
        entry: Json = {
            "n": self.requests,
            "path": request.url.path,
            "query": sorted(request.query_params.keys()),
            "headers": sorted(request.headers.keys()),
        }
        self.plane.log.append(entry)
        response = await self._served(request, route.strip("/"), entry)
        entry["status"] = response.status_code
        response.headers["Date"] = format_datetime(self.shop.now, usegmt=True)
        return response

    async def _served(self, request: HttpRequest, route: str, entry: Json) -> Response:
        name = "/".join(
            part for part in route.removeprefix(_NAMESPACE).strip("/").split("/") if part
        )
        described = Request("rest", name.split("/")[-1] if not name[-1:].isdecimal() else name)
        entry["operation"] = described.operation
        if wrong := refused(request, self.key):
            return _error(wrong[0], wrong[1], 401)
        fault = self.plane.meet(described)
        if fault:
            entry["fault"] = fault.kind
            if fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
            elif fault.kind == "status":
                return _failed(fault)
            elif fault.kind == "webpage":
                return Response(_PAGE, media_type="text/html")
        with self.lock:
            response = self._result(request, name)
            self.plane.after(described, lambda order: change(self.shop, order))
        return _spoilt(fault, response)

    def _result(self, request: HttpRequest, name: str) -> Response:
        query = dict(request.query_params)
        parts = name.split("/")
        one = parts.pop() if len(parts) % 2 == 0 and parts[-1].isdecimal() else None
        items = self._items(parts)
        if items is None:
            return _error(
                "rest_no_route", "No route was found matching the URL and request method.", 404
            )
        if one is not None:
            found = next((each for each in items() if each.id == int(one)), None)
            if found is None:
                # An order is a post of the type shop_order; a customer is none.
                kind = {"orders": "shop_order", "coupons": "shop_coupon"}.get(
                    parts[-1], parts[-1].removesuffix("s")
                )
                return _error(f"woocommerce_rest_{kind}_invalid_id", "Invalid ID.", 404)
            return JSONResponse(found.write())
        try:
            shown = page(items(), query, self.zone, users=parts == ["customers"])
        except InvalidParameterError as error:
            details = {"params": {error.name: str(error)}}
            return _error("rest_invalid_param", f"Invalid parameter(s): {error.name}", 400, details)
        headers = {"X-WP-Total": str(shown.total), "X-WP-TotalPages": str(shown.pages)}
        number = int(query.get("page", 1))
        if number < shown.pages:
            # All of the query, keys included: that is how they leak.
            onwards = urlencode({**query, "page": number + 1})
            headers["Link"] = f'<{request.url.path}?{onwards}>; rel="next"'
        return Response(
            json.dumps(shown.rows, ensure_ascii=False, separators=(",", ":")),
            media_type="application/json",
            headers=headers,
        )

    def _items(self, parts: list[str]) -> Callable[[], Iterator[Item]] | None:
        version = self.setup.version
        lists: dict[str, Callable[[], Iterator[Item]]] = {
            "orders": self._orders,
            "customers": self._customers,
            "products": self._products,
            "coupons": self._coupons,
        }
        if version >= (9, 0):
            lists["refunds"] = self._refunds
        if version >= (10, 3):
            lists["variations"] = self._variations
        if len(parts) == 1:
            return lists.get(parts[0])
        match parts:
            case ["orders", number, "refunds"] if number.isdecimal():
                return lambda: self._refunds(int(number))
            case ["products", number, "variations"] if number.isdecimal():
                return lambda: self._variations(int(number))
        return None

    def _orders(self) -> Iterator[Item]:
        for each in self.shop.orders.values():
            yield Item(
                each.id,
                status(each),
                each.created_at,
                each.updated_at,
                lambda each=each: self.writer.order(each),  # type: ignore[misc]
            )

    def _refunds(self, order_id: int | None = None) -> Iterator[Item]:
        for order in self.shop.orders.values():
            if order_id not in (None, order.id):
                continue
            # A refund of an order in the trash lies there with it.
            state = "trash" if order.trashed else "completed"
            for each in order.refunds:
                yield Item(
                    each.id,
                    state,
                    each.created_at,
                    each.created_at,
                    lambda order=order, each=each: self._refund(order, each, order_id),  # type: ignore[misc]
                )

    def _refund(self, order: Any, each: Any, order_id: int | None) -> Json:
        written = self.writer.refund(order, each)
        if order_id is not None:
            # The list of one order's refunds doesn't say whose they are.
            del written["parent_id"]
        return written

    def _customers(self) -> Iterator[Item]:
        for each in self.shop.customers.values():
            yield Item(
                each.id,
                "",
                each.created_at,
                each.updated_at,
                lambda each=each: self.writer.customer(each),  # type: ignore[misc]
                "customer",
            )
        opened = self.shop.opened_at
        yield Item(ADMINISTRATOR, "", opened, None, self.writer.administrator, "administrator")

    def _products(self) -> Iterator[Item]:
        for each in self.shop.products.values():
            yield Item(
                each.id,
                "trash" if each.trashed else "publish",
                each.created_at,
                each.updated_at,
                lambda each=each: self.writer.product(each),  # type: ignore[misc]
            )

    def _variations(self, product_id: int | None = None) -> Iterator[Item]:
        for product in self.shop.products.values():
            if product_id not in (None, product.id) or len(product.variants) < 2:
                continue
            for each in product.variants:
                yield Item(
                    each.id,
                    "trash" if product.trashed else "publish",
                    each.created_at,
                    each.updated_at,
                    lambda product=product, each=each: self._variation(product, each, product_id),  # type: ignore[misc]
                )

    def _variation(self, product: Any, each: Any, product_id: int | None) -> Json:
        written = self.writer.variation(product, each)
        if product_id is not None:
            del written["parent_id"]
        return written

    def _coupons(self) -> Iterator[Item]:
        for each in self.shop.discounts.values():
            yield Item(
                each.id,
                "publish",
                each.created_at,
                each.updated_at,
                lambda each=each: self.writer.coupon(each),  # type: ignore[misc]
            )

    # The control plane, as far as it is this API's own

    async def set_key(self, request: HttpRequest) -> Response:
        """Lets the key expire, or changes what it may do."""

        def make(order: Json) -> Json:
            self.key.expired = bool(order.get("expired", self.key.expired))
            self.key.permissions = order.get("permissions", self.key.permissions)
            return {"expired": self.key.expired, "permissions": self.key.permissions}

        return await ordered(request, make)


def _spoilt(fault: Fault | None, response: Response) -> Response:
    kind = fault.kind if fault else None
    content = bytes(response.body)
    if kind not in {"drop", "malformed", "notice"}:
        return response
    headers = {
        name: value
        for name, value in response.headers.items()
        if name not in {"content-length", "content-type"}
    }
    if kind == "drop":
        return Dropped(content, "application/json")
    half = content[: len(content) // 2]
    content = half if kind == "malformed" else _NOTICE.encode() + content
    return Response(content, response.status_code, headers, "application/json")


def _failed(fault: Fault) -> Response:
    headers = {} if fault.retry_after is None else {"Retry-After": str(int(fault.retry_after))}
    if fault.status in {301, 302, 307, 308}:
        return Response("", fault.status, {"Location": "https://www.example.com/wp-json/wc/v3/"})
    page_of = f"<html><body><h1>{fault.status}</h1></body></html>"
    return Response(page_of, fault.status, headers, "text/html")


def _error(code: str, message: str, number: int, more: Json | None = None) -> Response:
    data = {"status": number} | (more or {})
    return JSONResponse({"code": code, "message": message, "data": data}, number)
