"""What a query costs, and the bucket that pays for it.

As documented: a scalar nothing, an object 1, an interface or union the dearest of its choices, a
mutation 10, a connection by its `first` or `last`. How a connection's size counts is not
documented any more; of two models the stricter is the default:

- ``documented``: 2 and every object once, as shopify.engineering explained it in 2021. A query
  that passes here passes there.
- ``observed``: 2 and the objects by their logarithm, so that 250 count as 11. It gives the
  requested costs that people have reported since 2023; for other sizes it is a guess.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
)
from graphql.execution.values import get_argument_values

QUERY_LIMIT = 1_000
MUTATION_COST = 10
_OBSERVED_SLOPE = 10 / math.log(250)


def documented(size: float) -> tuple[float, float]:
    """Returns what a connection of a size costs by itself, and how often its content counts."""
    return 2, size


def observed(size: float) -> tuple[float, float]:
    """As `documented`, by the logarithm of the size."""
    return 2, min(size, 1 + _OBSERVED_SLOPE * math.log(size)) if size >= 1 else size


MODELS: dict[str, Callable[[float], tuple[float, float]]] = {
    "documented": documented,
    "observed": observed,
}


class _Field(NamedTuple):
    """A field that can cost something: an object, a list of objects, or a connection."""

    key: str
    name: str
    type: Any
    plural: bool
    size: int | None
    selections: SelectionSetNode


class _Plan(NamedTuple):
    """What of a selection can cost something: fields, and fragments with the type they are on."""

    fields: list[_Field]
    fragments: list[tuple[SelectionSetNode, Any]]


@dataclass(slots=True)
class CostReader:
    """Costs of one operation under one model."""

    schema: GraphQLSchema
    document: DocumentNode
    operation: OperationDefinitionNode
    variables: Mapping[str, Any]
    model: Callable[[float], tuple[float, float]] = documented
    _fragments: dict[str, FragmentDefinitionNode] = field(init=False)
    # An answer repeats the same selections for each of its objects.
    _plans: dict[tuple[int, str], _Plan] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._fragments = {
            each.name.value: each
            for each in self.document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }

    def requested(self) -> int:
        """Returns the cost that is known before the query runs."""
        return math.floor(self._root(None) + 0.5)

    def actual(self, data: dict[str, Any] | None) -> int:
        """Returns the cost of what came back; never more than was requested."""
        return min(self.requested(), math.floor(self._root(data or {}) + 0.5))

    def _root(self, data: dict[str, Any] | None) -> float:
        root = self.schema.get_root_type(self.operation.operation)
        if root is self.schema.mutation_type:
            return MUTATION_COST * len(self.operation.selection_set.selections)
        return self._selections(self.operation.selection_set, cast(GraphQLObjectType, root), data)

    def _plan(self, selections: SelectionSetNode, owner: Any) -> _Plan:
        place = id(selections), owner.name
        if place not in self._plans:
            self._plans[place] = self._planned(selections, owner)
        return self._plans[place]

    def _planned(self, selections: SelectionSetNode, owner: Any) -> _Plan:
        plan = _Plan([], [])
        for node in selections.selections:
            if isinstance(node, FieldNode):
                plan.fields.extend(self._priced(node, owner))
                continue
            if isinstance(node, FragmentSpreadNode):
                fragment: Any = self._fragments[node.name.value]
            else:
                fragment = cast(InlineFragmentNode, node)
            condition = fragment.type_condition
            inner = self.schema.type_map[condition.name.value] if condition else owner
            plan.fragments.append((fragment.selection_set, inner))
        return plan

    def _priced(self, node: FieldNode, owner: Any) -> Iterator[_Field]:
        name = node.name.value
        definition = None if name.startswith("__") else owner.fields.get(name)
        if definition is None or node.selection_set is None:
            return
        arguments = get_argument_values(definition, node, dict(self.variables))
        # A list of objects by id is as long as its ids.
        size = arguments.get(
            "first", arguments.get("last", len(arguments.get("ids") or ()) or None)
        )
        yield _Field(
            node.alias.value if node.alias else name,
            name,
            get_named_type(definition.type),
            is_list_type(get_nullable_type(cast(Any, definition.type))),
            size,
            node.selection_set,
        )

    def _selections(self, selections: SelectionSetNode, owner: Any, data: Any) -> float:
        """Sums fields; under an abstract type the dearest choice counts, or the one that came."""
        plan = self._plan(selections, owner)
        total, choices = 0.0, dict[str, float]()
        for part in plan.fields:
            total += self._field(part, data)
        for content, inner in plan.fragments:
            amount = self._selections(content, inner, data)
            if is_abstract_type(owner) and inner is not owner:
                choices[inner.name] = choices.get(inner.name, 0.0) + amount
            else:
                total += amount
        return total + max(choices.values(), default=0.0)

    def _field(self, part: _Field, data: Any) -> float:
        came = data.get(part.key) if isinstance(data, dict) else None
        if data is not None and came is None:
            return 0
        if part.type.name.endswith("Connection"):
            return self._connection(part, came)
        if not part.plural:
            return 1 + self._selections(part.selections, part.type, came)
        if came is None:
            return (part.size or 1) * (1 + self._selections(part.selections, part.type, None))
        return sum(1 + self._selections(part.selections, part.type, each) for each in came if each)

    def _connection(self, connection: _Field, came: Any) -> float:
        outside, inside, counts = 0.0, 0.0, float(connection.size or 0)
        for part in self._flat(connection.selections, connection.type):
            if part.name not in {"edges", "nodes"}:
                outside += self._field(part, came)
                continue
            own = 1 if part.name == "nodes" else 0
            if came is None:
                inside += own + self._selections(part.selections, part.type, None)
            else:
                rows = came[part.key]
                counts = len(rows)
                inside += sum(
                    own + self._selections(part.selections, part.type, each) for each in rows
                ) / (counts or 1)
        base, times = self.model(counts)
        return base + outside + times * inside

    def _flat(self, selections: SelectionSetNode, owner: Any) -> Iterator[_Field]:
        plan = self._plan(selections, owner)
        yield from plan.fields
        for content, _ in plan.fragments:
            yield from self._flat(content, owner)


@dataclass(slots=True)
class Bucket:
    """A leaky bucket of points: full at first, refilled all the time, never above its size."""

    size: float
    rate: float
    clock: Callable[[], float] = time.monotonic
    _level: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._level, self._at = self.size, self.clock()

    def available(self) -> int:
        """Returns the points that are there now."""
        now = self.clock()
        self._level = min(self.size, self._level + (now - self._at) * self.rate)
        self._at = now
        return math.floor(self._level)

    def charge(self, points: float) -> None:
        """Takes points out."""
        self.available()
        self._level = max(0.0, self._level - points)

    def drain(self) -> None:
        """Empties it."""
        self.charge(self.size)

    def status(self) -> dict[str, float]:
        """Returns what a response says of it."""
        return {
            "maximumAvailable": float(self.size),
            "currentlyAvailable": self.available(),
            "restoreRate": float(self.rate),
        }
