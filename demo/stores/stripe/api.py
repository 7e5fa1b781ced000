"""What the API answers to a GET: lists, single objects, lists inside of objects, and errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from demo.stores.stripe import render as rendering
from demo.stores.stripe.changes import DELETABLE
from demo.stores.stripe.model import COLLECTIONS, Account
from demo.stores.stripe.render import Json, render, tombstone

MOST, USUAL = 100, 10
EXPAND_LEVELS = 4
_TYPES_AT_ONCE = 20

Params = Sequence[tuple[str, str]]

_CREATED = re.compile(r"created(?:\[(gt|gte|lt|lte)\])?")
_PAGING = {"limit", "starting_after", "ending_before"}

#: Which fields a list can be filtered by, and what of an object that is.
_FILTERS: dict[str, dict[str, Callable[[Any], str | None]]] = {
    "payment_intents": {"customer": lambda it: it.customer},
    "charges": {"customer": lambda it: it.customer, "payment_intent": lambda it: it.intent},
    "refunds": {"charge": lambda it: it.charge, "payment_intent": lambda it: it.intent},
    "disputes": {"charge": lambda it: it.charge, "payment_intent": lambda it: it.intent},
    "balance_transactions": {"type": lambda it: it.type, "source": lambda it: it.source},
    "prices": {"product": lambda it: it.product},
    "subscriptions": {"customer": lambda it: it.customer},
    "invoices": {
        "customer": lambda it: it.customer,
        "subscription": lambda it: it.subscription,
        "status": lambda it: it.status,
    },
    "invoice_payments": {"invoice": lambda it: it.invoice, "status": lambda it: it.status},
    "credit_notes": {"invoice": lambda it: it.invoice, "customer": lambda it: it.customer},
    "customers": {"email": lambda it: it.email},
}

#: Fields that hold an id and can be expanded, with the list in which it is.
_EXPANDABLE = {
    "balance_transaction": "balance_transactions",
    "charge": "charges",
    "customer": "customers",
    "failure_balance_transaction": "balance_transactions",
    "invoice": "invoices",
    "latest_charge": "charges",
    "latest_invoice": "invoices",
    "payment_intent": "payment_intents",
    "product": "products",
}

#: What a restricted key needs to read a list.
PERMISSIONS = {name: f"rak_{kind.object}_read" for name, kind in COLLECTIONS.items()} | {
    "coupons": "rak_coupon_read",
    "prices": "rak_plan_read",
    "balance_transactions": "rak_balance_transaction_source_read",
}


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {
            "error": {"message": message, "type": "invalid_request_error", **details}
        }


def missing(kind: str, thing_id: str, param: str = "id", status: int = 404) -> ApiError:
    """Builds the error of an object that isn't there."""
    return ApiError(
        status,
        f"No such {kind}: '{thing_id}'",
        code="resource_missing",
        param=param,
        doc_url="https://stripe.com/docs/error-codes/resource-missing",
    )


def no_url(path: str) -> ApiError:
    """Builds the error of an address that isn't there."""
    return ApiError(
        404,
        f"Unrecognized request URL (GET: {path}). Please see https://stripe.com/docs or we can "
        "help at https://support.stripe.com/.",
    )


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for.

    Attributes:
        operation: Name of the request: a list's name, or the type of a single object.
        collection: List in which it is, and by which a key is permitted.
        thing_id: Of a single object, or of that which holds the list.
    """

    operation: str
    collection: str
    thing_id: str | None = None


_INSIDE = {("invoices", "lines"): "invoice_lines", ("credit_notes", "lines"): "credit_note_lines"}


def question(path: str) -> Question:
    """Reads a path below the API's address.

    Raises:
        ApiError: There is nothing.
    """
    parts = path.strip("/").split("/")
    if parts[0] == "v1" and len(parts) > 1:
        collection, rest = parts[1], parts[2:]
        if collection == "subscription_items" and not rest:
            return Question("subscription_items", "subscriptions")
        if collection in COLLECTIONS:
            if not rest:
                return Question(collection, collection)
            if len(rest) == 1:
                return Question(COLLECTIONS[collection].object, collection, rest[0])
            if len(rest) == 2 and (collection, rest[1]) in _INSIDE:
                return Question(_INSIDE[collection, rest[1]], collection, rest[0])
    raise no_url(path)


class Reader:
    """Answers questions about one account."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._lists: dict[str, tuple[Any, list[Any]]] = {}

    def answer(self, path: str, asked: Question, params: Params) -> Json:
        """Answers one question.

        Raises:
            ApiError: It can't be answered.
        """
        expand, given = _split_expand(params)
        if asked.operation == "subscription_items":
            owner = dict(given).get("subscription")
            if owner is None:
                raise ApiError(
                    400,
                    "Missing required param: subscription.",
                    code="parameter_missing",
                    param="subscription",
                )
            found = self._owned("subscriptions", owner, rendering.items)
            rest = [(key, value) for key, value in given if key != "subscription"]
            return self._inside(path, "subscription_item", found, rest)
        if asked.thing_id is None:
            return self._list(path, asked.collection, given, expand)
        if asked.operation == "invoice_lines":
            found = self._owned("invoices", asked.thing_id, rendering.lines)
            return self._inside(path, "line_item", found, given)
        if asked.operation == "credit_note_lines":
            found = self._owned("credit_notes", asked.thing_id, rendering.credit_lines)
            return self._inside(path, "credit_note_line_item", found, given)
        _refuse_unknown(given, set())
        return self._single(asked.collection, asked.thing_id, expand)

    def _single(self, collection: str, thing_id: str, expand: list[str]) -> Json:
        thing = self.account.of(collection).get(thing_id)
        kind = COLLECTIONS[collection].object
        if thing is not None:
            return self._expanded(render(self.account, thing), expand)
        gone = (collection, thing_id) in {(name, key) for name, key, _ in self.account.deleted}
        if gone and DELETABLE[collection][1]:
            return tombstone(kind, thing_id)
        raise missing(kind, thing_id)

    def _owned(
        self, collection: str, thing_id: str, read: Callable[[Account, Any], list[Json]]
    ) -> list[Json]:
        thing = self.account.of(collection).get(thing_id)
        if thing is None:
            raise missing(COLLECTIONS[collection].object, thing_id)
        return read(self.account, thing)

    def _inside(self, path: str, kind: str, found: list[Json], given: Params) -> Json:
        _refuse_unknown(given, _PAGING)
        page, more = _page(found, [each["id"] for each in found], kind, dict(given))
        return {"object": "list", "url": path, "has_more": more, "data": page}

    def _list(self, path: str, collection: str, given: Params, expand: list[str]) -> Json:
        found = self._newest_first(collection)
        filters = _FILTERS.get(collection, {})
        simple = dict(given)
        types: list[str] = []
        for key, value in given:
            if (created := _CREATED.fullmatch(key)) is not None:
                found = _created(found, created.group(1), value)
            elif collection == "events" and re.fullmatch(r"types\[\d*\]|type", key):
                types.append(value)
            elif collection == "subscriptions" and key == "status":
                continue
            elif key in filters:
                found = [each for each in found if filters[key](each) == value]
            elif key not in _PAGING:
                _refuse_unknown([(key, value)], set())
        if types:
            found = _of_types(found, types)
        if collection == "subscriptions":
            found = _of_status(found, simple.get("status"))
        kind = COLLECTIONS[collection].object
        things, more = _page(found, [each.id for each in found], kind, simple)
        data = [render(self.account, each) for each in things]
        inner = []
        for each in expand:
            if not each.startswith("data."):
                raise _unexpandable(each)
            inner.append(each.removeprefix("data."))
        for node in data:
            self._expanded(node, inner)
        return {"object": "list", "url": path, "has_more": more, "data": data}

    def _newest_first(self, collection: str) -> list[Any]:
        mark = self.account.version, len(self.account.of(collection))
        known = self._lists.get(collection)
        if known is None or known[0] != mark:
            known = mark, self.account.newest_first(collection)
            self._lists[collection] = known
        return known[1]

    def _expanded(self, node: Json, expand: list[str]) -> Json:
        for path in expand:
            self._expand(node, path.split("."), path)
        return node

    def _expand(self, node: Json, steps: list[str], path: str) -> None:
        key, rest = steps[0], steps[1:]
        if node["object"] == "invoice" and key == "payments":
            found = [
                render(self.account, each)
                for each in self._newest_first("invoice_payments")
                if each.invoice == node["id"]
            ]
            url = f"/v1/invoice_payments?invoice={node['id']}"
            node[key] = rendering.nested(url, found)
        elif node["object"] == "charge" and key == "refunds":
            found = [
                render(self.account, each)
                for each in self._newest_first("refunds")
                if each.charge == node["id"]
            ]
            node[key] = rendering.nested(f"/v1/charges/{node['id']}/refunds", found)
        elif key in _EXPANDABLE and key in node:
            if isinstance(node[key], str):
                node[key] = self._single(_EXPANDABLE[key], node[key], [])
        elif not isinstance(node.get(key), dict):
            raise _unexpandable(path)
        if rest and node.get(key) is not None:
            for each in node[key]["data"] if rest[0] == "data" else [node[key]]:
                deeper = rest[1:] if rest[0] == "data" else rest
                if deeper:
                    self._expand(each, deeper, path)


def _unexpandable(path: str) -> ApiError:
    return ApiError(
        400,
        f"This property cannot be expanded ({path}). You may want to try expanding 'data.{path}' "
        "instead.",
        param="expand",
    )


def _split_expand(params: Params) -> tuple[list[str], list[tuple[str, str]]]:
    expand, given = [], []
    for key, value in params:
        if re.fullmatch(r"expand\[\d*\]", key):
            if value.count(".") >= EXPAND_LEVELS:
                raise ApiError(
                    400,
                    f"You cannot expand more than {EXPAND_LEVELS} levels of a property.",
                    param="expand",
                )
            expand.append(value)
        else:
            given.append((key, value))
    return expand, given


def _refuse_unknown(given: Params, known: set[str]) -> None:
    for key, _ in given:
        if key not in known:
            raise ApiError(
                400, f"Received unknown parameter: {key}", code="parameter_unknown", param=key
            )


def _created(found: list[Any], how: str | None, value: str) -> list[Any]:
    if not re.fullmatch(r"-?\d+", value):
        raise ApiError(400, f"Invalid integer: {value}", param="created")
    limit = int(value)
    holds: Mapping[str | None, Callable[[int], bool]] = {
        None: lambda at: at == limit,
        "gt": lambda at: at > limit,
        "gte": lambda at: at >= limit,
        "lt": lambda at: at < limit,
        "lte": lambda at: at <= limit,
    }
    return [each for each in found if holds[how](int(each.created.timestamp()))]


def _of_types(found: list[Any], types: list[str]) -> list[Any]:
    if len(types) > _TYPES_AT_ONCE:
        raise ApiError(400, f"You can't ask for more than {_TYPES_AT_ONCE} types.", param="types")
    patterns = [re.compile(re.escape(each).replace(r"\*", ".*")) for each in types]
    return [each for each in found if any(it.fullmatch(each.type) for it in patterns)]


def _of_status(found: list[Any], status: str | None) -> list[Any]:
    if status == "all":
        return found
    if status is None:
        return [each for each in found if each.status != "canceled"]
    if status == "ended":
        return [each for each in found if each.status in {"canceled", "incomplete_expired"}]
    return [each for each in found if each.status == status]


def _page(
    found: list[Any], ids: list[str], kind: str, simple: dict[str, str]
) -> tuple[list[Any], bool]:
    """Cuts a page out of a list."""
    limit = simple.get("limit", str(USUAL))
    if not limit.isdecimal() or not 1 <= int(limit) <= MOST:
        raise ApiError(
            400,
            "Invalid limit: must be between 1 and 100.",
            code="parameter_invalid_integer",
            param="limit",
        )
    after, before = simple.get("starting_after"), simple.get("ending_before")
    if after is not None and before is not None:
        raise ApiError(
            400, "You may only specify one of these parameters: ending_before, starting_after."
        )
    places = {each: place for place, each in enumerate(ids)}
    for key, value in (("starting_after", after), ("ending_before", before)):
        if value is not None and value not in places:
            raise missing(kind, value, key, 400)
    if before is not None:
        end = places[before]
        start = max(0, end - int(limit))
        return found[start:end], start > 0
    start = places[after] + 1 if after is not None else 0
    return found[start : start + int(limit)], start + int(limit) < len(found)
