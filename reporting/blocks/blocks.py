"""The parts of a page, each a value that templates render and tests read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from reporting.blocks.formats import written

Kind = Literal["text", "words", "money", "count", "percent", "number", "day", "month", "customer"]

#: A longer caption repeats what the picture shows.
LONGEST_CAPTION = 140

#: Kinds that are read from the right.
NUMERIC = frozenset({"money", "count", "percent", "number"})


@dataclass(frozen=True)
class Tile:
    """One number that is read first.

    Attributes:
        label: What it is.
        value: The number, with its unit.
        change: How it moved, such as "+5.0 %"; empty where nothing is comparable.
        since: What it is compared with, such as "since 31 May 2026".
        tone: Whether that is "good", "bad" or neither ("").
        definition: What exactly it is.
    """

    label: str
    value: str
    change: str = ""
    since: str = ""
    tone: Literal["good", "bad", ""] = ""
    definition: str = ""


@dataclass(frozen=True)
class Tiles:
    """Tiles side by side."""

    tiles: Sequence[Tile]
    kind: str = "tiles"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Key in the rows, and header of an export.
        label: Header for people.
        kind: How values are written; words may be broken into lines.
        hint: What it is, where the label doesn't say.
    """

    name: str
    label: str
    kind: Kind = "text"
    hint: str = ""

    @property
    def is_numeric(self) -> bool:
        """Whether it is read from the right."""
        return self.kind in NUMERIC


@dataclass(frozen=True)
class Table:
    """Rows for people, and for export.

    Attributes:
        title: What it shows.
        columns: Its columns.
        rows: Values by the columns' names.
        currency: Of the money in it.
        definition: What exactly it is, in one line.
        export: Name under which the dashboard exports it; empty where it doesn't.
        folded: Whether it opens on demand only.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    currency: str = ""
    definition: str = ""
    export: str = ""
    folded: bool = False
    kind: str = "table"

    def label(self, column: Column) -> str:
        """Returns a header with its unit."""
        return f"{column.label}, {self.currency}" if column.kind == "money" else column.label

    def filled(self) -> Table:
        """Returns it without the columns that have no value at all."""
        there = [c for c in self.columns if any(row.get(c.name) is not None for row in self.rows)]
        return replace(self, columns=there)

    def cells(self, row: Mapping[str, Any]) -> list[str]:
        """Returns a row as it is written; the header has the currency."""
        return [written(row.get(c.name), c.kind, self.currency) for c in self.columns]


@dataclass(frozen=True)
class Chart:
    """A picture of numbers.

    Attributes:
        title: What it shows.
        definition: What exactly it is, in one line.
        figure: data and layout for plotly.js.
        summary: What is seen in it, for those who don't see it.
        height: In pixels.
        min_width: Below it the picture scrolls sideways, in pixels.
        table: Its numbers.
    """

    title: str
    definition: str
    figure: Mapping[str, Any]
    summary: str
    height: int = 340
    min_width: int = 0
    table: Table | None = None
    kind: str = "chart"

    @property
    def caption(self) -> str:
        """The summary, where it is a sentence and no list of all the numbers."""
        return self.summary if len(self.summary) <= LONGEST_CAPTION else ""

    @property
    def json(self) -> str:
        """The figure, safe to stand inside a script element."""
        text = json.dumps(self.figure, separators=(",", ":"), allow_nan=False)
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@dataclass(frozen=True)
class Note:
    """Words instead of numbers: why something isn't there, or how to read it."""

    text: str
    kind: str = "note"


Block = Tiles | Table | Chart | Note


@dataclass(frozen=True)
class Section:
    """A part of a page under a heading.

    Attributes:
        anchor: Its address within the page.
        title: Its heading.
        blocks: What is in it.
        lead: A sentence that says what it is for.
    """

    anchor: str
    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)
    lead: str = ""
