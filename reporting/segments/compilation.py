"""Criteria as SQL: names quoted, values as parameters, never one pasted into the other.

Belongs here: the meaning of criteria. Every criterion is true or false of every customer: what asks
for a value that isn't known is false, and its negation true.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from psycopg import sql

from reporting.segments.definition import (
    KINDS,
    Compared,
    Criterion,
    Every,
    Known,
    Listed,
    Not,
    Segment,
    Some,
)


@dataclass(frozen=True)
class Condition:
    """A condition of SQL over the rows of a table.

    Attributes:
        text: With a placeholder for every value.
        parameters: The values, in the order of the placeholders.
    """

    text: sql.Composable
    parameters: tuple[object, ...]


def compile_criteria(criterion: Criterion) -> Condition:
    """Returns the condition that criteria stand for; it is never null."""
    match criterion:
        case Every(parts):
            return _together([compile_criteria(part) for part in parts], " and ")
        case Some(parts):
            return _together([compile_criteria(part) for part in parts], " or ")
        case Not(part):
            negated = compile_criteria(part)
            return Condition(sql.SQL("not {}").format(negated.text), negated.parameters)
        case Known(column):
            return Condition(sql.SQL("({} is not null)").format(sql.Identifier(column.name)), ())
        case Compared(column, operator, value):
            text = sql.SQL("coalesce({} {} cast({} as {}), false)").format(
                sql.Identifier(column.name),
                sql.SQL(operator),
                sql.Placeholder(),
                sql.SQL(KINDS[column.type][1]),
            )
            return Condition(text, (value,))
        case Listed(column, values):
            text = sql.SQL("coalesce({} = any(cast({} as {}[])), false)").format(
                sql.Identifier(column.name),
                sql.Placeholder(),
                sql.SQL(KINDS[column.type][1]),
            )
            return Condition(text, (list(values),))
        case _:
            assert_never(criterion)


def _together(conditions: Sequence[Condition], word: str) -> Condition:
    text = sql.SQL("({})").format(sql.SQL(word).join([each.text for each in conditions]))
    return Condition(text, tuple(value for each in conditions for value in each.parameters))


def membership(segments: Sequence[Segment]) -> Condition:
    """Returns rows (segment, is_member) for a VALUES list beside a customer's row.

    Args:
        segments: One at least.
    """
    compiled = [compile_criteria(segment.criteria) for segment in segments]
    rows = [
        sql.SQL("(cast({} as text), {})").format(sql.Placeholder(), each.text) for each in compiled
    ]

    def parameters() -> Iterator[object]:
        for segment, condition in zip(segments, compiled, strict=True):
            yield segment.name
            yield from condition.parameters

    return Condition(sql.SQL(", ").join(rows), tuple(parameters()))
