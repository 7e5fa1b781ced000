"""From the objects of an API to the pages of a load: typed, counted, and the misfits set aside.

Belongs here: what every API connector does with what it read. Does not belong here: reading
(`sources/<name>/reading.py`) and columns (`sources/<name>/tables.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.arrow import BadColumnError, Node, Table
from ingestion.erasure import Guard
from ingestion.quarantine import ObjectQuarantine, RejectedRow
from ingestion.records import Record, plain

#: Told the entity, and the pages and rows read of it so far.
Progress = Callable[[str, int, int], None]

#: Pages of a load by table.
Pages = dict[str, pa.Table]

#: Nested lists of an object: a dict names fields, a list of one says what each element is.
Shape = dict[str, "Shape"] | list["Shape"]


@dataclass
class Totals:
    """What was read of one table, counted while it is read.

    Attributes:
        landed_rows: Rows that became rows.
        rejected_rows: Rows that went to quarantine.
        amounts: Sums of the landed amounts by column and currency, such as "total_price USD".
    """

    landed_rows: int = 0
    rejected_rows: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)


@dataclass
class Intake:
    """Takes in what one load reads of one company.

    Attributes:
        company_id: Whose it is.
        quarantine: Takes what doesn't fit.
        replaces: Whether the warehouse may hold older versions, so that what has become empty must
            be said to be so.
        progress: Told after each page.
        totals: By table.
        pages: Pages read, by entity.
        guard: Takes out who was erased; None where nobody can have been.
    """

    company_id: str
    quarantine: ObjectQuarantine
    replaces: bool
    progress: Progress
    totals: dict[str, Totals] = field(default_factory=dict)
    pages: dict[str, int] = field(default_factory=dict)
    guard: Guard | None = None

    def family(
        self,
        parent: Table,
        children: Sequence[Table],
        nodes: Mapping[str, Sequence[Node]],
        family_of: Callable[[Node], str],
    ) -> Pages:
        """Builds the pages of objects that come with children.

        Children of a parent that doesn't fit are left out with it: what landed of it earlier stays
        whole.

        Args:
            parent: The parents' table.
            children: The children's tables, replaced as a whole with their parent.
            nodes: Objects by table name; every child of these parents is there.
            family_of: From any object to the id of its parent.

        Returns:
            A page for each table.
        """
        ids = [family_of(node) for node in nodes[parent.name]]
        self.quarantine.read(ids)
        page, refused = self._page(parent, nodes[parent.name], family_of)
        out = {family_of(node) for node in refused}
        pages = {parent.name: page}
        kept = page.column(parent.key[0]).to_pylist() if self.replaces else []
        for table in children:
            found = nodes[table.name]
            if out:
                found = [node for node in found if family_of(node) not in out]
            pages[table.name] = self._children(table, found, family_of, kept)
        self._advance(parent.name, page.num_rows)
        return pages

    def orphans(
        self,
        tables: Sequence[Table],
        nodes: Mapping[str, Sequence[Node]],
        family_of: Callable[[Node], str],
    ) -> Pages:
        """Builds the pages of children that come without their parents, which came before.

        Args:
            tables: The children's tables.
            nodes: Objects by table name.
            family_of: From an object to the id of its parent.
        """
        pages = {
            table.name: self._children(table, nodes[table.name], family_of, []) for table in tables
        }
        self._advance(tables[0].name, pages[tables[0].name].num_rows)
        return pages

    def sound(
        self,
        table: Table,
        nodes: Sequence[Node],
        shape: Shape,
        family_of: Callable[[Node], str],
    ) -> list[Node]:
        """Sorts out objects whose nested lists are none, before anything walks through them.

        Args:
            table: Where they were to land.
            nodes: The objects.
            shape: As for `misshapen`.
            family_of: From an object to the id of its parent.

        Returns:
            Those that have the shape.
        """
        kept: list[Node] = []
        for node in nodes:
            place = misshapen(node, shape)
            if place is None:
                kept.append(node)
                continue
            family = family_of(node)
            self.quarantine.read([family])
            self.totals.setdefault(table.name, Totals()).rejected_rows += 1
            error = BadColumnError(place or "(row)", "has another shape than the API promises")
            self._reject(table, family, node, error)
        return kept

    def single(self, table: Table, nodes: Sequence[Node]) -> Pages:
        """Builds the page of objects that stand alone."""
        self.quarantine.read(node["id"] for node in nodes if isinstance(node.get("id"), str))
        page, _ = self._page(table, nodes, lambda node: str(node.get("id")))
        self._advance(table.name, page.num_rows)
        return {table.name: page}

    def nothing(self, tables: Iterable[Table]) -> Pages:
        """Builds pages that make the tables, should the load have no row for them."""
        return {table.name: table.vacancies(self.company_id, [table.nothing]) for table in tables}

    def _children(
        self,
        table: Table,
        nodes: Sequence[Node],
        family_of: Callable[[Node], str],
        parents: Sequence[str],
    ) -> pa.Table:
        page, _ = self._page(table, nodes, family_of)
        if not parents:
            return page
        there = set(page.column(table.merge_columns[0]).to_pylist())
        empty = [(parent,) for parent in parents if parent not in there]
        return pa.concat_tables([page, table.vacancies(self.company_id, empty)]) if empty else page

    def _page(
        self, table: Table, nodes: Sequence[Node], family_of: Callable[[Node], str]
    ) -> tuple[pa.Table, list[Node]]:
        page, refused = table.split(self.company_id, nodes)
        if self.guard is not None:
            page = self.guard.page(table.personal, page)
        totals = self.totals.setdefault(table.name, Totals())
        totals.landed_rows += page.num_rows
        totals.rejected_rows += len(refused)
        for amount, currency in table.amounts.items():
            _add_up(totals.amounts, page, amount, currency)
        for node, error in refused:
            self._reject(table, family_of(node), node, error)
        return page, [node for node, _ in refused]

    def _reject(self, table: Table, family: str, node: Node, error: BadColumnError) -> None:
        row = _rejected(family, node, error)
        if self.guard is not None:
            row = self.guard.rejected(table.personal, row)
        self.quarantine.add(table.name, row)

    def _advance(self, entity: str, rows: int) -> None:
        self.pages[entity] = self.pages.get(entity, 0) + 1
        self.progress(entity, self.pages[entity], self.totals[entity].landed_rows)


def misshapen(value: Any, shape: Shape, place: str = "") -> str | None:
    """Looks for an object or a list that isn't one.

    Args:
        value: What came.
        shape: `{"lines": [{}]}` is an object whose field lines is a list of objects.
        place: Where the value stands.

    Returns:
        Where the first thing of another shape stands, "" for the value itself; None when all is as
        it should be.
    """
    if isinstance(shape, list):
        if not isinstance(value, list):
            return place
        for each in value:
            found = misshapen(each, shape[0], place)
            if found is not None:
                return found
        return None
    if not isinstance(value, dict):
        # A record has the shape, or it would be none.
        return None if isinstance(value, Record) else place
    for key, inner in shape.items():
        found = misshapen(value.get(key), inner, f"{place}.{key}" if place else key)
        if found is not None:
            return found
    return None


def _add_up(amounts: dict[str, Decimal], page: pa.Table, amount: str, currency: str) -> None:
    codes = pc.unique(page.column(currency)).to_pylist()
    for code in codes:
        values = page.column(amount)
        if len(codes) > 1:
            values = values.filter(pc.equal(page.column(currency), code))
        total = pc.sum(values).as_py() if code else None
        if total is not None:
            key = f"{amount} {code}"
            amounts[key] = amounts.get(key, Decimal(0)) + total


def _rejected(family: str, node: Node, error: BadColumnError) -> RejectedRow:
    return RejectedRow(
        source_file=_storable(family),
        line_number=0,
        column_name=error.column,
        reason=error.reason,
        raw_row=_storable(plain(node)),
    )


def _storable(value: Any) -> Any:
    """Takes out NUL characters: Postgres can't hold them, not even as evidence."""
    if isinstance(value, str):
        return value.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(each) for key, each in value.items()}
    return value
