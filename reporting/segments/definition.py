"""What a custom segment is: segments.yml, read and checked.

Belongs here: the shape of the file, what may be asked of which column, and the messages for what is
wrong. Does not belong here: SQL (`compilation.py`) and tables (`publication.py`).
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SkipValidation,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

Value = str | Decimal | float | date | bool
Operator = Literal["=", "<>", ">=", ">", "<=", "<"]

#: What a range may say; the first four are words for numbers, the others for days.
BOUNDS: dict[str, Operator] = {
    "at_least": ">=",
    "more_than": ">",
    "at_most": "<=",
    "less_than": "<",
    "from": ">=",
    "after": ">",
    "to": "<=",
    "before": "<",
}
_WORDS_FOR_DAYS = {"from", "after", "to", "before"}
_TESTS = ("is", "is_not", "in", "not_in", "known")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DEEPEST = 20
_LONGEST_LIST = 10_000

#: How a type of PostgreSQL is asked: the kind of its values, and what they are cast to.
KINDS = {
    "text": ("text", "text"),
    "character varying": ("text", "text"),
    "smallint": ("number", "numeric"),
    "integer": ("number", "numeric"),
    "bigint": ("number", "numeric"),
    "numeric": ("number", "numeric"),
    "real": ("number", "double precision"),
    "double precision": ("number", "double precision"),
    "date": ("date", "date"),
    "boolean": ("boolean", "boolean"),
}
_EXAMPLES = {
    "text": 'text, such as "Active" (in quotes where it is only digits, yes or no)',
    "number": "a number, such as 250 or 0.5",
    "date": "a date, such as 2026-01-31",
    "boolean": "true or false",
}


class SegmentsFileError(Exception):
    """segments.yml can't be used; the message names the file, the segment and the field."""


class CriteriaError(ValueError):
    """Something in criteria is wrong.

    Attributes:
        path: Where, from the criteria down.
        problem: What, and what would be right.
    """

    def __init__(self, path: tuple[str, ...], problem: str) -> None:
        super().__init__(" > ".join((*path, problem)))
        self.path = path
        self.problem = problem


@dataclass(frozen=True)
class Column:
    """A column that criteria may name.

    Attributes:
        name: Its name.
        type: Type of PostgreSQL, without a length.
    """

    name: str
    type: str

    @property
    def kind(self) -> str:
        """Kind of its values; empty where criteria can't ask for them."""
        return KINDS[self.type][0] if self.type in KINDS else ""


@dataclass(frozen=True)
class Every:
    """Customers to whom all parts apply."""

    parts: tuple[Criterion, ...]


@dataclass(frozen=True)
class Some:
    """Customers to whom one part applies at least."""

    parts: tuple[Criterion, ...]


@dataclass(frozen=True)
class Not:
    """Customers to whom the part doesn't apply, those of whom it isn't known included."""

    part: Criterion


@dataclass(frozen=True)
class Compared:
    """Customers whose column compares so with a value; never those in whom it is null."""

    column: Column
    operator: Operator
    value: Value


@dataclass(frozen=True)
class Listed:
    """Customers whose column is one of the values."""

    column: Column
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Known:
    """Customers whose column isn't null."""

    column: Column


Criterion = Every | Some | Not | Compared | Listed | Known


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Segment(_Strict):
    """One segment.

    Attributes:
        name: Key of the segment in the tables.
        description: For people.
        criteria: Who is in it.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    description: Annotated[str, Field(min_length=1)]
    criteria: SkipValidation[Criterion]

    @field_validator("criteria", mode="before")
    @classmethod
    def _read_criteria(cls, raw: object, info: ValidationInfo) -> Criterion:
        return read_criteria(raw, info.context or {})

    @field_validator("description")
    @classmethod
    def _printable(cls, text: str) -> str:
        return _check_text((), text)


class Segments(_Strict):
    """All segments, in the order of the file."""

    segments: tuple[Segment, ...]

    @model_validator(mode="after")
    def _unique(self) -> Segments:
        names = [segment.name for segment in self.segments]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"segment {', '.join(doubled)} is there twice")
        return self


class _Loader(yaml.SafeLoader):
    """Reads days as text, so that a wrong one has its place in the message."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if keys.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} is there twice in one mapping", key.start_mark
                )
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    start: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
    for start, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_segments(path: Path, columns: Mapping[str, str]) -> tuple[Segment, ...]:
    """Reads segments.yml.

    Args:
        path: The file.
        columns: Names and types of the columns that criteria may name, those of
            reporting.customer_360.

    Returns:
        The segments, in the order of the file.

    Raises:
        SegmentsFileError: The file is missing, isn't YAML, or something in it is wrong; the message
            lists every segment that is, with the field.
    """
    try:
        # A SafeLoader that leaves days to us and lets no entry be written twice.
        raw: Any = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506
    except FileNotFoundError:
        raise SegmentsFileError(
            f"{path} is missing. Write it (README, 'Segments of your own'; `segments: []` is none) "
            "or point CLV_SEGMENTS_FILE at it."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SegmentsFileError(f"{path} can't be read: {error}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise SegmentsFileError(f"{path} is not valid YAML: {error}") from None
    known = {name: Column(name, kind.partition("(")[0]) for name, kind in columns.items()}
    try:
        return Segments.model_validate(raw, context=known).segments
    except ValidationError as error:
        problems = [_explained(raw, dict(problem)) for problem in error.errors()]
    listed = f"\nThe columns are: {', '.join(columns)}." if any(p[1] for p in problems) else ""
    lines = "\n".join(f"  {line}" for line, _ in problems)
    raise SegmentsFileError(f"{path} has a mistake:\n{lines}{listed}")


def _explained(raw: Any, problem: dict[str, Any]) -> tuple[str, bool]:
    """Returns a problem with its place, and whether it is about a column."""
    words: list[str] = []
    node = raw
    for step in problem["loc"]:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            node = None
        named = isinstance(step, int) and isinstance(node, dict) and node.get("name")
        words.append(str(named or (step + 1 if isinstance(step, int) else step)))
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, CriteriaError):
        return f"{' > '.join([*words, *cause.path])}: {cause.problem}", True
    return f"{' > '.join(words) or 'the file'}: {problem['msg']}", False


def read_criteria(
    raw: object, columns: Mapping[str, Column], path: tuple[str, ...] = ()
) -> Criterion:
    """Reads criteria: a mapping, all of whose entries must apply.

    Args:
        raw: As YAML has it. `and` and `or` hold lists of mappings, `not` one mapping; every other
            key is a column, with a value, a list of values, or a mapping of tests.
        columns: The columns by name.
        path: Where the mapping stands.

    Raises:
        CriteriaError: Something is wrong.
    """
    if len(path) > _DEEPEST:
        raise CriteriaError(path, f"is nested more than {_DEEPEST} deep")
    if not isinstance(raw, dict):
        raise CriteriaError(path, "must be a mapping, such as {country: [US, CA]}")
    if not raw:
        raise CriteriaError(path, "is empty; name a column, and, or, not")
    return _joined([part for key, what in raw.items() for part in _entry(key, what, columns, path)])


def _joined(parts: list[Criterion]) -> Criterion:
    return parts[0] if len(parts) == 1 else Every(tuple(parts))


def _entry(
    key: object, raw: object, columns: Mapping[str, Column], path: tuple[str, ...]
) -> Iterator[Criterion]:
    here = (*path, str(key))
    if key in {"and", "or"}:
        if not isinstance(raw, list) or not raw:
            raise CriteriaError(here, "must be a list of mappings, one at least")
        parts = tuple(
            read_criteria(each, columns, (*here, str(place)))
            for place, each in enumerate(raw, start=1)
        )
        yield Every(parts) if key == "and" else Some(parts)
    elif key == "not":
        yield Not(read_criteria(raw, columns, here))
    elif not isinstance(key, str) or key not in columns:
        close = difflib.get_close_matches(str(key), columns, n=1)
        hint = f"; {close[0]} is meant, perhaps" if close else ""
        raise CriteriaError(here, f"no column of reporting.customer_360{hint}")
    else:
        column = columns[key]
        if not column.kind:
            raise CriteriaError(here, f"is {column.type}, for which there are no criteria")
        yield from _tests(column, raw, here)


def _tests(column: Column, raw: object, path: tuple[str, ...]) -> Iterator[Criterion]:
    if isinstance(raw, list):
        yield Listed(column, _values(column, raw, path))
        return
    if not isinstance(raw, dict):
        yield Compared(column, "=", _value(column, raw, path))
        return
    if not raw:
        raise CriteriaError(path, f"is empty; say {', '.join((*_TESTS, *BOUNDS))}")
    for name, wanted in raw.items():
        here = (*path, str(name))
        if name in {"is", "is_not"}:
            found: Criterion = Compared(column, "=", _value(column, wanted, here))
            yield Not(found) if name == "is_not" else found
        elif name in {"in", "not_in"}:
            found = Listed(column, _values(column, wanted, here))
            yield Not(found) if name == "not_in" else found
        elif name == "known":
            if not isinstance(wanted, bool):
                raise CriteriaError(here, "must be true or false")
            yield Known(column) if wanted else Not(Known(column))
        elif isinstance(name, str) and name in BOUNDS:
            yield _bound(column, name, wanted, here)
        else:
            said = "yes and no, or on and off, need quotes; " if isinstance(name, bool) else ""
            raise CriteriaError(here, f"no test; {said}say {', '.join((*_TESTS, *BOUNDS))}")
    _check_range(raw, path)


def _bound(column: Column, name: str, raw: object, path: tuple[str, ...]) -> Criterion:
    if column.kind not in {"number", "date"}:
        raise CriteriaError(path, f"is for numbers and dates; {column.name} is {column.kind}")
    if name in _WORDS_FOR_DAYS and column.kind != "date":
        raise CriteriaError(
            path,
            f"is for dates; {column.name} is a number: at_least, more_than, at_most, less_than",
        )
    return Compared(column, BOUNDS[name], _value(column, raw, path))


def _check_range(raw: dict[Any, Any], path: tuple[str, ...]) -> None:
    lower = [raw[name] for name, sign in BOUNDS.items() if sign[0] == ">" and name in raw]
    upper = [raw[name] for name, sign in BOUNDS.items() if sign[0] == "<" and name in raw]
    for side, bounds in (("lower", lower), ("upper", upper)):
        if len(bounds) > 1:
            raise CriteriaError(path, f"has two {side} bounds; leave one")
    # Days are compared rightly as text, too.
    if lower and upper and lower[0] > upper[0]:
        raise CriteriaError(path, f"{lower[0]} to {upper[0]} holds nobody")


def _values(column: Column, raw: object, path: tuple[str, ...]) -> tuple[Value, ...]:
    if not isinstance(raw, list) or not raw:
        raise CriteriaError(path, "must be a list of values, one at least")
    if len(raw) > _LONGEST_LIST:
        raise CriteriaError(path, f"has {len(raw):,} values; {_LONGEST_LIST:,} are the most")
    return tuple(
        _value(column, each, (*path, str(place))) for place, each in enumerate(raw, start=1)
    )


def _value(column: Column, raw: object, path: tuple[str, ...]) -> Value:
    """Reads a value of the column's kind; nothing is guessed from another one."""
    wrong = CriteriaError(
        path, f"{raw!r:.60} is not {_EXAMPLES[column.kind]}; {column.name} is {column.type}"
    )
    if column.kind == "boolean":
        if isinstance(raw, bool):
            return raw
    elif column.kind == "text":
        if isinstance(raw, str):
            return _check_text(path, raw)
    elif column.kind == "number":
        if isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw):
            return Decimal(str(raw)) if column.type != "double precision" else float(raw)
    elif isinstance(raw, str) and _DAY.fullmatch(raw):
        try:
            return date.fromisoformat(raw)
        except ValueError as error:
            raise CriteriaError(path, f"{raw} is not a date: {error}") from None
    raise wrong


def _check_text(path: tuple[str, ...], text: str) -> str:
    """Refuses what PostgreSQL can't hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise CriteriaError(path, f"{text!r} is not text that can be written as UTF-8") from None
    if "\0" in text:
        raise CriteriaError(path, f"{text!r} has a null character")
    return text
