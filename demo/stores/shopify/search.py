"""The ``query:`` argument: terms, comparisons, AND, OR, NOT, parentheses.

A term on a field that the resource doesn't have is left out, and a warning says so under
``extensions.search``; so does Shopify, and a misspelt filter then returns everything.
A comparison ``>`` of times behaves like ``>=``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

Predicate = Callable[[Any], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))
    |(?P<minus>-)?(?:(?P<field>[A-Za-z_]+):(?P<op><=|>=|<|>|)\s*)?
     (?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s()]+))""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Field:
    """Something that can be searched: `kind` is time, number, text, flag or texts."""

    kind: str
    read: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Search:
    """A search that was read: which rows it keeps, and what of it was ignored."""

    keeps: Predicate
    warnings: tuple[dict[str, str], ...]


class _Reader:
    def __init__(self, text: str, fields: Mapping[str, Field], zone: ZoneInfo) -> None:
        self.tokens = [match for match in _TOKEN.finditer(text) if match.group().strip()]
        self.fields = fields
        self.zone = zone
        self.at = 0
        self.warnings: list[dict[str, str]] = []

    def _word(self) -> str | None:
        if self.at < len(self.tokens):
            match = self.tokens[self.at]
            if not match["field"] and not match["minus"]:
                return match["value"] or match["open"] or match["close"]
        return None

    def either(self) -> Predicate:
        parts = [self.all()]
        while self._word() == "OR":
            self.at += 1
            parts.append(self.all())
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def all(self) -> Predicate:
        parts: list[Predicate] = []
        while self.at < len(self.tokens) and self._word() not in {"OR", ")"}:
            if self._word() == "AND":
                self.at += 1
                continue
            parts.append(self.one())
        return lambda row: all(part(row) for part in parts)

    def one(self) -> Predicate:
        if self._word() == "NOT" and self.at + 1 < len(self.tokens):
            self.at += 1
            inner = self.one()
            return lambda row: not inner(row)
        if self._word() == "(":
            self.at += 1
            inner = self.either()
            if self._word() == ")":
                self.at += 1
            return inner
        match = self.tokens[self.at]
        self.at += 1
        found = self.term(match["field"], match["op"] or "", _unquoted(match["value"] or ")"))
        return (lambda row: not found(row)) if match["minus"] else found

    def term(self, name: str | None, op: str, value: str) -> Predicate:
        if name is None:
            needle = value.casefold()
            texts = [field for field in self.fields.values() if field.kind == "text"]
            return lambda row: any(needle in str(each.read(row) or "").casefold() for each in texts)
        field = self.fields.get(name)
        if field is None:
            return self.ignore(name, "Invalid search field for this query.", "invalid_field")
        if value == "*":
            return lambda row: field.read(row) not in (None, "", [], ())
        wanted = _wanted(field.kind, value, self.zone)
        if wanted is None:
            return self.ignore(name, f"Input `{value}` is not a valid value.", "invalid_value")
        return lambda row: _compare(field, field.read(row), op, wanted)

    def ignore(self, name: str, message: str, code: str) -> Predicate:
        self.warnings.append({"field": name, "message": message, "code": code})
        return lambda row: True


def read_search(text: str | None, fields: Mapping[str, Field], timezone: str) -> Search:
    """Reads a search.

    Args:
        text: As it was sent; nothing keeps every row.
        fields: What the resource can be searched by.
        timezone: In which a time without an offset is meant.
    """
    reader = _Reader(text or "", fields, ZoneInfo(timezone))
    keeps = reader.either()
    return Search(keeps, tuple(reader.warnings))


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]:
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _wanted(kind: str, value: str, zone: ZoneInfo) -> Any:
    if kind == "time":
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return None
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    if kind == "number":
        number = value.rsplit("/", 1)[-1]
        return int(number) if number.isdecimal() else None
    if kind == "flag":
        return {"true": True, "false": False}.get(value.lower())
    return value.casefold()


def _compare(field: Field, value: Any, op: str, wanted: Any) -> bool:
    if value is None:
        return False
    if field.kind == "texts":
        return wanted in [each.casefold() for each in value]
    if field.kind == "text":
        text = str(value).casefold()
        return text.startswith(wanted[:-1]) if wanted.endswith("*") else text == wanted
    if op == ">":
        return bool(value >= wanted if field.kind == "time" else value > wanted)
    checks: dict[str, Callable[[], bool]] = {
        ">=": lambda: value >= wanted,
        "<": lambda: value < wanted,
        "<=": lambda: value <= wanted,
        "": lambda: value == wanted,
    }
    return bool(checks[op]())
