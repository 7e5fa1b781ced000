"""Bulk operations: a query is checked, runs by itself, and leaves a JSONL file.

The rules and their words are those of the real API: at most five connections in two levels, each
read by edges and node, none inside a list, the parent's id selected. Connections are read whole,
whatever `first` says. Unless objects are grouped, the lines of some hundred roots come shuffled.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    parse,
    validate,
)

from demo.stores.shopify.errors import validation_error
from demo.stores.shopify.graph import Context, Cut, Thing, run, schema, table
from demo.stores.shopify.values import gid, stamp

CONNECTION_LIMIT = 5
DEPTH_LIMIT = 2
RESULT_LIFETIME = timedelta(days=7)
_ROOTS_AT_ONCE = 100
_UNFINISHED = frozenset({"CREATED", "RUNNING", "CANCELING"})

Json = dict[str, Any]


@dataclass(slots=True)
class Operation:
    """One bulk operation; `lines` is its result so far, `failure` what will befall it."""

    id: int
    query: str
    grouped: bool
    created_at: datetime
    failure: str | None = None
    status: str = "CREATED"
    error: str | None = None
    completed_at: datetime | None = None
    roots: int = 0
    lines: list[bytes] = field(default_factory=list)

    @property
    def content(self) -> bytes:
        """The JSONL file."""
        return b"".join(self.lines)


@dataclass(slots=True)
class Plan:
    """What a selection asks for: by response key, whether it is a connection, and its inside."""

    connection: bool
    inner: dict[str, Plan]


class Desk:
    """Takes bulk operations and runs them, one after the other."""

    def __init__(
        self,
        lock: threading.RLock,
        *,
        at_once: int = 1,
        seconds: float = 0.05,
        failure: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Makes a desk.

        Args:
            lock: Held while a part of a query runs, so that the shop stands still meanwhile.
            at_once: How many operations may be unfinished.
            seconds: How long each is CREATED, and then RUNNING at least.
            failure: Called when an operation starts; says what shall befall it.
        """
        self.operations: dict[int, Operation] = {}
        self.base_url = ""
        self._lock = lock
        self._at_once = at_once
        self._seconds = seconds
        self._failure = failure

    def run(self, context: Context, query: str, grouped: bool) -> Json:
        """Answers ``bulkOperationRunQuery``."""
        running = [each for each in self.operations.values() if each.status in _UNFINISHED]
        if len(running) >= self._at_once:
            message = (
                "A bulk query operation for this app and shop is already in progress: "
                f"{gid('BulkOperation', running[-1].id)}."
            )
            return _payload(None, [_user_error(message, "OPERATION_IN_PROGRESS", None)])
        if problems := check(query):
            return _payload(None, [_user_error(each, "INVALID", ["query"]) for each in problems])
        number = context.shop.ids.next("bulk")
        operation = Operation(number, query, grouped, context.shop.now, self._failure())
        self.operations[number] = operation
        own = Context(context.shop, context.scopes, self, {}, cut=Cut(0, _ROOTS_AT_ONCE))
        answer = _payload(_snapshot(operation), [])
        threading.Thread(target=self._work, args=(operation, own), daemon=True).start()
        return answer

    def cancel(self, found: Thing | None) -> Json:
        """Answers ``bulkOperationCancel``."""
        if found is None:
            return _payload(None, [{"field": ["id"], "message": "Bulk operation does not exist"}])
        operation: Operation = found.value
        if operation.status not in _UNFINISHED:
            message = f"A bulk operation cannot be canceled when it is {operation.status.lower()}"
            return _payload(found, [{"field": None, "message": message}])
        operation.status = "CANCELING"
        return _payload(found, [])

    def url(self, operation: Operation, context: Context, *, partial: bool) -> str | None:
        """Returns the signed address of the result, or of the part that a failed one has."""
        if partial != (operation.status == "FAILED") or not operation.lines:
            return None
        if not partial and operation.status != "COMPLETED":
            return None
        if context.shop.now - operation.created_at > RESULT_LIFETIME:
            return None
        return (
            f"{self.base_url}/bulk/{operation.id}/bulk-{operation.id}.jsonl"
            f"?GoogleAccessId=stand-in&Signature={self.signature(operation.id)}"
        )

    def signature(self, number: int) -> str:
        """Returns what proves that an address was handed out."""
        return hashlib.sha256(f"stand-in:{number}".encode()).hexdigest()

    def _work(self, operation: Operation, context: Context) -> None:
        time.sleep(self._seconds)
        if operation.status == "CREATED":
            operation.status = "RUNNING"
        if operation.failure != "bulk_stuck":
            failed = self._read(operation, context)
            time.sleep(self._seconds)
            with self._lock:
                self._finish(operation, context, failed)

    def _read(self, operation: Operation, context: Context) -> str | None:
        """Reads everything into the result; returns the code of the error that stopped it."""
        document = parse(operation.query)
        plan = _plan(document)
        while operation.status == "RUNNING":
            with self._lock:
                answer = run(document, context)
            if answer.errors:
                codes = {(each.extensions or {}).get("code") for each in answer.errors}
                return "ACCESS_DENIED" if "ACCESS_DENIED" in codes else "INTERNAL_SERVER_ERROR"
            self._write(operation, cast(Json, answer.data), plan)
            cut = cast(Cut, context.cut)
            operation.roots = min(cut.stop, len(context.roots or ()))
            if cut.stop >= len(context.roots or ()):
                break
            context.cut = Cut(cut.stop, cut.stop + _ROOTS_AT_ONCE)
        return None

    def _write(self, operation: Operation, data: Json, plan: dict[str, Plan]) -> None:
        found: list[Json] = []
        for key, connection in data.items():
            for edge in connection["edges"]:
                found.extend(_lines(edge["node"], plan[key].inner, None))
        if not operation.grouped:
            random.Random(f"{operation.id}:{len(operation.lines)}").shuffle(found)
        operation.lines += [
            json.dumps(each, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            for each in found
        ]

    def _finish(self, operation: Operation, context: Context, failed: str | None) -> None:
        operation.completed_at = context.shop.now
        if operation.status == "CANCELING" or operation.failure == "bulk_canceled":
            operation.status, operation.lines = "CANCELED", []
        elif failed or operation.failure in {"bulk_failed", "bulk_failed_empty"}:
            operation.status, operation.error = "FAILED", failed or "INTERNAL_SERVER_ERROR"
            kept = 0 if operation.failure == "bulk_failed_empty" else len(operation.lines) // 2
            del operation.lines[kept:]
        elif operation.failure == "bulk_expired":
            operation.status, operation.lines = "EXPIRED", []
        else:
            operation.status = "COMPLETED"


def _payload(operation: Thing | None, errors: list[Json]) -> Json:
    return {"bulkOperation": operation, "userErrors": errors}


def _snapshot(operation: Operation) -> Thing:
    """Returns the operation as it is now, whatever its thread does while the answer is written."""
    copy = Operation(operation.id, operation.query, operation.grouped, operation.created_at)
    return Thing("BulkOperation", copy)


def _user_error(message: str, code: str, path: list[str] | None) -> Json:
    return {"field": path, "message": message, "code": code}


table(
    "BulkOperation",
    {
        "id": lambda thing, *_rest: gid("BulkOperation", thing.value.id),
        "status": lambda thing, *_rest: thing.value.status,
        "type": lambda *_rest: "QUERY",
        "query": lambda thing, *_rest: thing.value.query,
        "errorCode": lambda thing, *_rest: thing.value.error,
        "createdAt": lambda thing, *_rest: stamp(thing.value.created_at),
        "completedAt": lambda thing, *_rest: (
            stamp(thing.value.completed_at) if thing.value.status not in _UNFINISHED else None
        ),
        "objectCount": lambda thing, *_rest: str(len(thing.value.lines)),
        "rootObjectCount": lambda thing, *_rest: str(thing.value.roots),
        "fileSize": lambda thing, *_rest: (
            str(len(thing.value.content))
            if thing.value.status == "COMPLETED" and thing.value.lines
            else None
        ),
        "url": lambda thing, context, *_rest: context.desk.url(thing.value, context, partial=False),
        "partialDataUrl": lambda thing, context, *_rest: context.desk.url(
            thing.value, context, partial=True
        ),
    },
)


def check(query: str) -> list[str]:
    """Returns why a query can't run in bulk, in the API's words; empty if it can."""
    try:
        document = parse(query)
    except GraphQLSyntaxError as error:
        end = "unexpected end of file" if not query.strip() else error.message
        return [f"Invalid bulk query: syntax error, {end}"]
    operations = [
        each for each in document.definitions if isinstance(each, OperationDefinitionNode)
    ]
    if len(operations) != 1 or operations[0].operation.value != "query":
        return ["Invalid operation type. Only `query` operations are supported."]
    if errors := validate(schema(), document):
        return [
            f"Invalid bulk query: {validation_error(each, document)['message']}" for each in errors
        ]
    checker = _Checker(document)
    root = cast(GraphQLObjectType, schema().query_type)
    checker.walk(operations[0].selection_set, root, depth=0, in_list=False, parent=None)
    return checker.problems(len(operations[0].selection_set.selections))


class _Checker:
    def __init__(self, document: DocumentNode) -> None:
        self.fragments = _fragments(document)
        self.connections = 0
        self.deepest = 0
        self.in_list = False
        self.by_nodes: list[str] = []
        self.without_id: list[str] = []
        self.not_nodes: list[str] = []
        self.top_level_node = False

    def walk(
        self,
        selections: SelectionSetNode,
        owner: Any,
        *,
        depth: int,
        in_list: bool,
        parent: tuple[str, bool] | None,
    ) -> None:
        for node, holder in _fields(selections, owner, self.fragments):
            name = node.name.value
            if name.startswith("__") or node.selection_set is None:
                continue
            if depth == 0 and name in {"node", "nodes"} and holder is schema().query_type:
                self.top_level_node = True
            returned = holder.fields[name].type
            named = get_named_type(returned)
            if named.name.endswith("Connection"):
                self.connection(node, named, depth=depth, in_list=in_list, parent=parent)
            elif not is_leaf_type(named):
                listed = in_list or is_list_type(get_nullable_type(returned))
                self.walk(node.selection_set, named, depth=depth, in_list=listed, parent=parent)

    def connection(
        self,
        node: FieldNode,
        named: Any,
        *,
        depth: int,
        in_list: bool,
        parent: tuple[str, bool] | None,
    ) -> None:
        name = node.name.value
        self.connections += 1
        self.deepest = max(self.deepest, depth + 1)
        self.in_list = self.in_list or in_list
        if parent and not parent[1] and parent[0] not in self.without_id:
            self.without_id.append(parent[0])
        for each, _ in _fields(cast(SelectionSetNode, node.selection_set), named, self.fragments):
            if each.name.value == "nodes":
                self.by_nodes.append(name)
            if each.name.value != "edges" or each.selection_set is None:
                continue
            edge = get_named_type(named.fields["edges"].type)
            for inner, _ in _fields(each.selection_set, edge, self.fragments):
                if inner.name.value == "node" and inner.selection_set is not None:
                    item = get_named_type(edge.fields["node"].type)
                    if not _is_node(item):
                        self.not_nodes.append(name)
                    has_id = any(
                        field.name.value == "id" and field.alias is None
                        for field, _ in _fields(inner.selection_set, item, self.fragments)
                    )
                    self.walk(
                        inner.selection_set,
                        item,
                        depth=depth + 1,
                        in_list=False,
                        parent=(name, has_id),
                    )

    def problems(self, roots: int) -> list[str]:
        found = []
        if self.by_nodes:
            found.append(
                "All connection fields in a bulk query must select their contents using "
                "'edges' > 'node', e.g: 'products { edges { node {'. Selecting via 'nodes' is not "
                "supported. Invalid connection fields: '" + "', '".join(self.by_nodes) + "'."
            )
        if self.top_level_node:
            found.append("Bulk queries cannot contain a top level `node` field.")
        if self.deepest > DEPTH_LIMIT:
            found.append(
                "Bulk queries cannot contain connections with a nesting depth greater than 2."
            )
        if self.connections > CONNECTION_LIMIT:
            found.append("Bulk queries cannot contain more than 5 connections.")
        if self.without_id:
            found.append(
                "The parent 'node' field for a nested connection must select the 'id' field "
                "without an alias and must be of 'ID' return type. Connection fields without "
                f"'id': {', '.join(self.without_id)}."
            )
        if self.in_list:
            found.append(
                "Queries that contain a connection field within a list field are not currently "
                "supported."
            )
        if self.not_nodes:
            found.append(
                "Connection fields in a bulk query must implement the 'Node' interface: "
                f"{', '.join(self.not_nodes)}."
            )
        if not self.connections:
            found.append("Bulk queries must contain at least one connection.")
        elif roots > 1:
            found.append("Bulk queries cannot contain more than one top level field.")
        return found


def _is_node(named: Any) -> bool:
    interfaces: tuple[GraphQLInterfaceType, ...] = getattr(named, "interfaces", ())
    return named.name == "Node" or any(each.name == "Node" for each in interfaces)


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }


def _fields(
    selections: SelectionSetNode, owner: Any, fragments: dict[str, FragmentDefinitionNode]
) -> Iterator[tuple[FieldNode, Any]]:
    """Yields the fields with the type that they are of, fragments unfolded."""
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node, owner
            continue
        if isinstance(node, FragmentSpreadNode):
            fragment: Any = fragments[node.name.value]
        else:
            fragment = cast(InlineFragmentNode, node)
        condition = fragment.type_condition
        inner = schema().type_map[condition.name.value] if condition else owner
        yield from _fields(fragment.selection_set, inner, fragments)


def _plan(document: DocumentNode) -> dict[str, Plan]:
    fragments = _fragments(document)
    operation = next(
        each for each in document.definitions if isinstance(each, OperationDefinitionNode)
    )
    return _plan_of(operation.selection_set, schema().query_type, fragments)


def _plan_of(
    selections: SelectionSetNode, owner: Any, fragments: dict[str, FragmentDefinitionNode]
) -> dict[str, Plan]:
    found: dict[str, Plan] = {}
    for node, holder in _fields(selections, owner, fragments):
        if node.selection_set is None:
            continue
        key = node.alias.value if node.alias else node.name.value
        named = get_named_type(holder.fields[node.name.value].type)
        inner = _plan_of(node.selection_set, named, fragments)
        connection = named.name.endswith("Connection")
        if connection:
            inner = inner["edges"].inner["node"].inner
        found[key] = Plan(connection, inner)
    return found


def _lines(node: Json, plan: dict[str, Plan], parent: str | None) -> Iterator[Json]:
    """Yields a node without its connections, then their nodes, each naming its parent."""
    children: list[tuple[Json, dict[str, Plan]]] = []
    line = _without_connections(node, plan, children)
    if parent is not None:
        line["__parentId"] = parent
    yield line
    for child, inner in children:
        yield from _lines(child, inner, node["id"])


def _without_connections(
    value: Any, plan: dict[str, Plan], children: list[tuple[Json, dict[str, Plan]]]
) -> Any:
    if isinstance(value, list):
        return [_without_connections(each, plan, children) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, inside in value.items():
        below = plan.get(key)
        if below is None:
            kept[key] = inside
        elif below.connection:
            children += [(edge["node"], below.inner) for edge in inside["edges"]]
        else:
            kept[key] = _without_connections(inside, below.inner, children)
    return kept
