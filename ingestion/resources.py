"""Readers of pages as dlt resources: one resource a table, whatever is read together.

Belongs here: what every API connector's source is made of. Does not belong here: what is read
(`sources/<name>/source.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import dlt
import pyarrow as pa
from dlt.extract import DltResource

from ingestion import memory
from ingestion.arrow import Table
from ingestion.intake import Pages

#: Rows of all tables that are gathered before dlt is given them: each step of it takes as long as
#: reading thirty orders.
ROWS_AT_ONCE = 10_000

Reader = Callable[[], Iterator[Pages]]


def every_table(
    groups: Mapping[str, tuple[Table, ...]],
    readers: Mapping[str, Reader],
    nothing: Callable[[Iterable[Table]], Pages],
    skip: Collection[str] = (),
    *,
    first: bool = False,
) -> list[DltResource]:
    """Builds the resources of all tables: whatever is read, no table is missing afterwards.

    Args:
        groups: Tables that are read together, by name.
        readers: What reads a group, by its name; a group without one is only made.
        nothing: Builds the pages that make tables without a row.
        skip: Groups that aren't read.
        first: Whether the tables hold no row of the company.
    """

    def unread() -> Iterator[Pages]:
        yield from ()

    found: list[DltResource] = []
    for name, group in groups.items():
        read = unread if name in skip else readers.get(name, unread)
        found += resources(group, partial(_after, nothing(group), read), first=first)
    return found


def resources(group: tuple[Table, ...], read: Reader, *, first: bool = False) -> list[DltResource]:
    """Builds one resource a table, all fed by one reader, which runs once.

    The reader is a resource too, under which its state is kept, but has no table.

    Args:
        group: The tables.
        read: Yields their pages.
        first: Whether the tables hold no row of the company.
    """

    def pages() -> Iterator[Pages]:
        yield from _gathered(read())

    source = dlt.resource(pages, name=f"{group[0].name}_pages", selected=False)

    def of_table(name: str) -> Callable[[Pages], Iterator[Any]]:
        def pick(page: Pages) -> Iterator[Any]:
            if name in page:
                yield page[name]

        return pick

    return [
        dlt.transformer(of_table(table.name), data_from=source, **table.hints(first=first))
        for table in group
    ]


def _after(first: Pages, read: Reader) -> Iterator[Pages]:
    yield first
    yield from read()


def _gathered(found: Iterator[Pages]) -> Iterator[Pages]:
    """Joins pages into larger ones; none of them is empty."""
    waiting: dict[str, list[pa.Table]] = {}
    rows = 0
    for pages in found:
        for name, page in pages.items():
            # A table of which a load has only empty pages makes a file that ADBC can't take.
            if page.num_rows:
                waiting.setdefault(name, []).append(page)
                rows += page.num_rows
        if rows >= ROWS_AT_ONCE:
            yield {name: pa.concat_tables(each) for name, each in waiting.items()}
            waiting, rows = {}, 0
            memory.give_back()
    if waiting:
        yield {name: pa.concat_tables(each) for name, each in waiting.items()}
