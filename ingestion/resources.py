"""dlt resources for tables that one reader fills together.

Belongs here: what every API connector shares. Does not belong here: what a reader reads
(`sources/<name>/source.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dlt
import pyarrow as pa
from dlt.extract import DltResource

from ingestion.arrow import Table
from ingestion.intake import Pages

#: Rows of all tables that are gathered before dlt is given them: each step of it takes as long as
#: reading thirty orders.
ROWS_AT_ONCE = 20_000

#: Reads pages to the end.
Reader = Callable[[], Iterator[Pages]]


def resources(group: Sequence[Table], read: Reader) -> list[DltResource]:
    """Makes one resource a table, all fed by one reader, which runs once.

    The reader is a resource too, under which its state is kept, but has no table.

    Args:
        group: The tables; the reader is called by the name of the first.
        read: Yields pages of these tables, and perhaps of others, which are left out.
    """

    def pages() -> Iterator[Pages]:
        yield from gathered(read())

    source = dlt.resource(pages, name=f"{group[0].name}_pages", selected=False)

    def of_table(name: str) -> Callable[[Pages], Iterator[Any]]:
        def pick(page: Pages) -> Iterator[Any]:
            if name in page:
                yield page[name]

        return pick

    return [
        dlt.transformer(of_table(table.name), data_from=source, **table.hints) for table in group
    ]


def after(first: Pages, read: Reader) -> Iterator[Pages]:
    """Yields some pages before those of a reader."""
    yield first
    yield from read()


def gathered(found: Iterator[Pages]) -> Iterator[Pages]:
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
    if waiting:
        yield {name: pa.concat_tables(each) for name, each in waiting.items()}
