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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
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


@dataclass(slots=True)
class CostReader:
    """Costs of one operation under one model."""

    schema: GraphQLSchema
    document: DocumentNode
    operation: OperationDefinitionNode
    variables: Mapping[str, Any]
    model: Callable[[float], tuple[float, float]] = documented
    _fragments: dict[str, FragmentDefinitionNode] = field(init=False)

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

    def _selections(self, selections: SelectionSetNode, owner: Any, data: Any) -> float:
        """Sums fields; under an abstract type the dearest choice counts, or the one that came."""
        total, choices = 0.0, dict[str, float]()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                total += self._field(node, owner, data)
                continue
            if isinstance(node, FragmentSpreadNode):
                fragment: Any = self._fragments[node.name.value]
            else:
                fragment = cast(InlineFragmentNode, node)
            condition = fragment.type_condition
            inner = self.schema.type_map[condition.name.value] if condition else owner
            amount = self._selections(fragment.selection_set, inner, data)
            if is_abstract_type(owner) and inner is not owner:
                choices[inner.name] = choices.get(inner.name, 0.0) + amount
            else:
                total += amount
        return total + max(choices.values(), default=0.0)

    def _field(self, node: FieldNode, owner: Any, data: Any) -> float:
        name = node.name.value
        if name.startswith("__") or name not in owner.fields:
            return 0
        definition = owner.fields[name]
        named = get_named_type(definition.type)
        if is_leaf_type(named) or node.selection_set is None:
            return 0
        key = node.alias.value if node.alias else name
        came = None if data is None else data.get(key) if isinstance(data, dict) else None
        if data is not None and came is None:
            return 0
        arguments = get_argument_values(definition, node, dict(self.variables))
        # A list of objects by id is as long as its ids.
        size = arguments.get(
            "first", arguments.get("last", len(arguments.get("ids") or ()) or None)
        )
        if named.name.endswith("Connection"):
            return self._connection(node.selection_set, named, size, came)
        return self._object(node.selection_set, definition.type, named, size, came)

    def _object(
        self,
        selections: SelectionSetNode,
        returned: GraphQLOutputType,
        named: Any,
        size: int | None,
        came: Any,
    ) -> float:
        if not is_list_type(get_nullable_type(cast(Any, returned))):
            return 1 + self._selections(selections, named, came)
        if came is None:
            return (size or 1) * (1 + self._selections(selections, named, None))
        return sum(1 + self._selections(selections, named, each) for each in came if each)

    def _connection(
        self, selections: SelectionSetNode, named: Any, size: int | None, came: Any
    ) -> float:
        outside, inside, counts = 0.0, 0.0, float(size or 0)
        for node in self._flat(selections):
            name = node.name.value
            if name not in {"edges", "nodes"}:
                outside += self._field(node, named, came)
                continue
            key = node.alias.value if node.alias else name
            item = get_named_type(named.fields[name].type)
            inner = cast(SelectionSetNode, node.selection_set)
            own = 1 if name == "nodes" else 0
            if came is None:
                inside += own + self._selections(inner, item, None)
            else:
                counts = len(came[key])
                inside += sum(own + self._selections(inner, item, each) for each in came[key]) / (
                    counts or 1
                )
        base, times = self.model(counts)
        return base + outside + times * inside

    def _flat(self, selections: SelectionSetNode) -> list[FieldNode]:
        found: list[FieldNode] = []
        for node in selections.selections:
            if isinstance(node, FieldNode):
                found.append(node)
            elif isinstance(node, FragmentSpreadNode):
                found += self._flat(self._fragments[node.name.value].selection_set)
            else:
                found += self._flat(cast(InlineFragmentNode, node).selection_set)
        return found


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
