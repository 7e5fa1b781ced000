"""Executes queries over the committed schema.

How an object's fields are read stands in `tables`, one function each. A field without one is null
or an empty list where the schema lets it be; where it doesn't, asking for it is an error, so that
nobody builds on a made-up value.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    execute,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
)

from demo.stores.business.model import Shop
from demo.stores.shopify.access import may_read, scope_of
from demo.stores.shopify.connections import Page, Row, cursor, page
from demo.stores.shopify.errors import access_denied
from demo.stores.shopify.search import Field, Search, read_search
from demo.stores.shopify.subset import SCHEMA_FILE
from demo.stores.shopify.values import stamp

INPUT_LIMIT = 250
LISTS_KEPT = 16

Kept = TypeVar("Kept")


class Thing(NamedTuple):
    """An object of the graph: its type's name, what it stands for, and what that belongs to."""

    type: str
    value: Any
    owner: Any = None


@dataclass(frozen=True, slots=True)
class Rows:
    """What a connection pages over, in ascending order; `limit` as in `connections.page`."""

    rows: Sequence[Row]
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of a bulk operation's roots that is read now."""

    start: int
    stop: int


@dataclass(slots=True)
class Context:
    """What a request may see.

    Attributes:
        cut: Set while a bulk operation runs: connections are read whole, the outermost in parts.
        roots: The outermost connection's rows, kept when its first part is read in bulk.
        lists: What `kept` keeps, shared by the requests of a shop.
    """

    shop: Shop
    scopes: frozenset[str]
    desk: Any
    lists: dict[Any, Any]
    cut: Cut | None = None
    roots: Sequence[Row] | None = None
    warnings: list[dict[str, Any]] = field(default_factory=list)

    def kept(self, place: Hashable, make: Callable[[], Kept]) -> Kept:
        """Makes something of the shop, and keeps a few such things until the shop changes."""
        key = self.shop.version, place
        if key not in self.lists:
            if len(self.lists) > LISTS_KEPT:
                self.lists.clear()
            self.lists[key] = make()
        return cast(Kept, self.lists[key])

    def search(
        self, text: str | None, fields: Mapping[str, Field], info: GraphQLResolveInfo
    ) -> Search:
        """Reads a ``query:`` argument and keeps its warnings for the answer."""
        found = read_search(text, fields, self.shop.profile.timezone)
        if found.warnings:
            path = [str(each) for each in info.path.as_list()]
            self.warnings.append({"path": path, "query": text, "warnings": list(found.warnings)})
        return found


Read = Callable[[Any, Context, GraphQLResolveInfo, dict[str, Any]], Any]
Table = Mapping[str, Read]
_TABLES: dict[str, dict[str, Read]] = {}


def table(type_name: str, fields: Table) -> None:
    """Says how the fields of a type are read; each gets the `Thing`."""
    _TABLES.setdefault(type_name, {}).update(fields)


def simple(**fields: Callable[[Any], Any]) -> dict[str, Read]:
    """Wraps functions of what a `Thing` stands for."""
    return {name: _simple(read) for name, read in fields.items()}


def _simple(read: Callable[[Any], Any]) -> Read:
    return lambda thing, _context, _info, _args: read(thing.value)


@cache
def schema() -> GraphQLSchema:
    """Returns the committed schema."""
    from demo.stores.shopify import tables  # noqa: F401, PLC0415  # fills _TABLES

    return build_schema(SCHEMA_FILE.read_text(encoding="utf-8"))


def run(
    document: DocumentNode,
    context: Context,
    variables: dict[str, Any] | None = None,
    operation_name: str | None = None,
) -> ExecutionResult:
    """Executes a valid document."""
    result = execute(
        schema(),
        document,
        context_value=context,
        variable_values=variables,
        operation_name=operation_name,
        field_resolver=resolve,
        type_resolver=resolve_type,
        # No field is read asynchronously; finding that out for each costs a tenth of all.
        is_awaitable=lambda _value: False,
    )
    return cast(ExecutionResult, result)


def resolve_type(value: Thing, _info: GraphQLResolveInfo, _abstract: Any) -> str:
    """Returns the name of the concrete type."""
    return value.type


def resolve(source: Any, info: GraphQLResolveInfo, **args: Any) -> Any:
    """Reads one field of the graph.

    Raises:
        GraphQLError: The token lacks the scope; the arguments are wrong; there is no such value.
    """
    context: Context = info.context
    parent, name = info.parent_type.name, info.field_name
    if not may_read(context.scopes, parent, name):
        raise access_denied(name, scope_of(parent, name))
    if isinstance(source, dict):
        return source[name] if name in source else _unknown(info, parent, name)
    if isinstance(source, Page):
        return _page_field(source, name)
    if isinstance(source, _Edge):
        return source.row.thing if name == "node" else cursor(source.row)
    for argument, value in args.items():
        if isinstance(value, list) and len(value) > INPUT_LIMIT:
            raise GraphQLError(
                f"The input array size of {len(value)} is greater than the maximum allowed of "
                f"{INPUT_LIMIT}.",
                extensions={"code": "MAX_INPUT_SIZE_EXCEEDED", "argument": argument},
            )
    fields = _TABLES.get(parent, {})
    if name in fields:
        value = fields[name](source, context, info, args)
        return _paged(value, context, info, args) if isinstance(value, Rows) else value
    if f"{name}Set" in fields and get_named_type(info.return_type).name in {"Money", "MoneyV2"}:
        money = fields[f"{name}Set"](source, context, info, args)
        return _of_bag(money, get_named_type(info.return_type).name)
    return _unknown(info, parent, name)


def _of_bag(money: Any, wanted: str) -> Any:
    shop = money and money["shopMoney"]
    return shop["amount"] if shop and wanted == "Money" else shop


def _unknown(info: GraphQLResolveInfo, parent: str, name: str) -> Any:
    if not is_non_null_type(info.return_type):
        return None
    if is_list_type(get_nullable_type(cast(Any, info.return_type))):
        return []
    raise GraphQLError(
        f"The stand-in has no value for {parent}.{name}", extensions={"code": "NOT_IN_STAND_IN"}
    )


def _paged(found: Rows, context: Context, info: GraphQLResolveInfo, args: dict[str, Any]) -> Page:
    if context.cut is None:
        return page(found.rows, args, limit=found.limit)
    rows = found.rows[::-1] if args.get("reverse") else found.rows
    if info.path.prev is None:
        context.roots = rows = rows if context.roots is None else context.roots
        rows = rows[context.cut.start : context.cut.stop]
    return Page(rows, has_next=False, has_previous=False)


@dataclass(frozen=True, slots=True)
class _Edge:
    row: Row


def _page_field(found: Page, name: str) -> Any:
    if name == "nodes":
        return [row.thing for row in found.rows]
    if name == "edges":
        return [_Edge(row) for row in found.rows]
    return {
        "hasNextPage": found.has_next,
        "hasPreviousPage": found.has_previous,
        "startCursor": cursor(found.rows[0]) if found.rows else None,
        "endCursor": cursor(found.rows[-1]) if found.rows else None,
    }


def in_order(things: Sequence[Any], number: Callable[[Any], int] | None = None) -> Rows:
    """Makes rows of things that have an order of their own, as the lines of an order.

    Args:
        things: In that order.
        number: Their ids, if these ascend; then a vanished one doesn't shift the others.
    """
    places = [number(each.value) if number else place for place, each in enumerate(things)]
    return Rows([Row(place, place, each) for place, each in zip(places, things, strict=True)])


def time_key(at: Any) -> str:
    """Returns a time as a sort value."""
    return stamp(at) or ""
