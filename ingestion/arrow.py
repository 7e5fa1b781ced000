"""JSON objects to typed Arrow tables, a column at a time, and to the reason where they don't fit.

Belongs here: what every API connector shares. Does not belong here: which columns there are
(`sources/<name>/tables.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Literal

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.schema.typing import TColumnSchema
from msgspec import Raw, structs

from ingestion.personal import ERASED, Personal, PersonalTable
from ingestion.records import Record, attribute, record_type

#: An object: a dict, or a record that behaves as one.
Node = Any

#: Money is at most 14 digits before the point and 4 behind it: the warehouse's numeric(18,4).
MONEY = pa.decimal128(18, 4)

Kind = Literal["text", "id", "key", "money", "rate", "number", "flag", "time", "epoch", "json"]

_TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "id": pa.string(),
    "key": pa.string(),
    "money": MONEY,
    "rate": pa.decimal128(38, 18),
    "number": pa.int64(),
    "flag": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
    "epoch": pa.timestamp("us", tz="UTC"),
    "json": pa.string(),
}

_NOTHING: Node = {}

_ID_PREFIX = re.compile(r"gid://\w+/\w+/", re.ASCII)

#: Marks the rows of a staging table that only delete; see `Table.vacancies`. Null in what landed.
VACANT = "_vacant"


class BadColumnError(ValueError):
    """Some rows don't fit a column.

    Attributes:
        column: Where the value stands in the JSON.
        reason: What is wrong.
    """

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.column = column
        self.reason = reason


@dataclass(frozen=True)
class Column:
    """One column and where its values stand in a JSON object.

    Attributes:
        name: Of the column.
        path: Keys from the object down, separated by points.
        kind: What values look like: text; id (a global id, of which the last part is kept); key (a
            whole number that names something, kept as text; 0 names nothing); money and rate
            (decimals as strings); number (an integer, as a string or not); flag; time
            (ISO 8601 with an offset); epoch (whole seconds since 1970); json (anything, kept as it
            is).
        required: Whether a row without it is refused.
        personal: What becomes of it when somebody is erased; None where it is about nobody.
    """

    name: str
    path: str
    kind: Kind = "text"
    required: bool = False
    personal: Personal | None = None

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The path's steps."""
        return tuple(self.path.split("."))

    @property
    def together(self) -> bool:
        """Whether it can be read in one pass with others."""
        return self.kind in _RAW

    def walk(self, nodes: Sequence[Node], keys: Sequence[str] = ()) -> list[Any]:
        """Returns what stands in the JSON, at this path or another; None where nothing does."""
        return _values(nodes, tuple(keys) or self.keys)

    def read(self, nodes: Sequence[Node]) -> pa.Array:
        """Reads the column of all objects by itself; slower than all columns at once.

        Raises:
            BadColumnError: One of them doesn't fit.
        """
        try:
            values = _values(nodes, self.keys)
            if self.kind == "json":
                return self.finish(_dumped(values))
            return self.finish(pa.array(values, _RAW.get(self.kind)))
        except (pa.ArrowException, TypeError, AttributeError, OverflowError) as error:
            raise BadColumnError(self.path, _plainly(error, self.kind)) from None

    def field(self, records: Sequence[Node]) -> pa.Array:
        """Reads the column of records.

        Raises:
            BadColumnError: One of them doesn't fit.
        """
        try:
            values = self._values(records)
            if self.kind == "json":
                texts = [str(value, "utf-8") for value in values]
                missing = {"null", ""}
                return self.finish(_tidied([None if text in missing else text for text in texts]))
            return self.finish(pa.array(values, _RAW.get(self.kind)))
        except (pa.ArrowException, TypeError, OverflowError, ValueError) as error:
            if isinstance(error, BadColumnError):
                raise
            raise BadColumnError(self.path, _plainly(error, self.kind)) from None

    def _values(self, records: Sequence[Node]) -> list[Any]:
        """Reads one value of each record; None where something on the way is null."""
        try:
            return self._getter(records)
        except AttributeError:
            return self._careful_getter(records)

    # Compiled, they take a third of what attrgetter takes; the names are those of a table.

    @cached_property
    def _getter(self) -> Callable[[Sequence[Node]], list[Any]]:
        path = ".".join(attribute(key) for key in self.keys)
        return _compiled(f"lambda records: [each.{path} for each in records]")

    @cached_property
    def _careful_getter(self) -> Callable[[Sequence[Node]], list[Any]]:
        """Reads null where something on the way is null."""
        found = f"each.{attribute(self.keys[0])}"
        for step, key in enumerate(self.keys[1:]):
            found = f"None if (step{step} := {found}) is None else step{step}.{attribute(key)}"
        return _compiled(f"lambda records: [{found} for each in records]")

    def finish(self, raw: pa.Array) -> pa.Array:
        """Turns values as JSON has them into the column.

        Raises:
            BadColumnError: One of them doesn't fit.
        """
        try:
            array = _FINISHERS[self.kind](raw)
        except pa.ArrowException as error:
            raise BadColumnError(self.path, _plainly(error, self.kind)) from None
        except BadColumnError as error:
            raise BadColumnError(self.path, error.reason) from None
        if self.required and array.null_count:
            raise BadColumnError(self.path, "is missing")
        return array


@dataclass(frozen=True)
class Table:
    """One landed table: its columns, and what a load replaces.

    Attributes:
        name: Of the table and the dlt resource.
        columns: All but company_id, extra and the like, which every table has.
        key: Columns, besides company_id, that identify a row; a row replaces the one of its key.
        parent: Column that names the parent, where rows are replaced as a whole with it: what
            vanished from the parent then vanishes here. Takes the place of `key` in the merge.
        amounts: Columns of money to add up in the report, each with the column of its currency.
        unique: Whether no load brings a row twice, which whoever reads it answers for (`once.py`).
            Otherwise the rows of a load are sorted by their key before they are merged.
        owners: Columns that say whose a row is, each with what it names (`personal.py`).
        account: Columns of an account's id and e-mail, where a row is an account.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("id",)
    parent: str | None = None
    amounts: dict[str, str] = field(default_factory=dict)
    unique: bool = False
    owners: tuple[tuple[str, str], ...] = ()
    account: tuple[str, str] | None = None

    @cached_property
    def personal(self) -> PersonalTable:
        """The table as erasure and export see it; what has no column is erased too."""
        declared = {column.name: column.personal for column in self.columns if column.personal}
        return PersonalTable(
            self.name,
            self.owners,
            {**declared, "extra": ERASED} if self.owners else {},
            self.account,
            "id" if self.owners and self.key == ("id",) else None,
            {column.name: column.keys for column in self.columns},
        )

    @cached_property
    def schema(self) -> pa.Schema:
        """Arrow's schema of a page."""
        merged = {*self.merge_columns}
        return pa.schema(
            [
                pa.field("company_id", pa.string(), nullable=False),
                *(
                    pa.field(column.name, _TYPES[column.kind], nullable=column.name not in merged)
                    for column in self.columns
                ),
                pa.field("extra", pa.string()),
                pa.field(VACANT, pa.bool_()),
            ]
        )

    @property
    def merge_columns(self) -> tuple[str, ...]:
        """Columns, besides company_id, by which a load finds the rows that it replaces."""
        return self.key if self.parent is None else (self.parent,)

    def hints(self, *, first: bool = False) -> dict[str, Any]:
        """Says what dlt must know of the resource.

        Args:
            first: Whether the table holds no row of the company, so that there is nothing to
                replace: rows are then written once, not staged and moved.
        """
        columns: dict[str, TColumnSchema] = {
            column.name: {"data_type": "json"} for column in self.columns if column.kind == "json"
        }
        columns["extra"] = {"data_type": "json"}
        # dlt deletes by such a row like by any other and then leaves it out.
        columns[VACANT] = {"data_type": "bool", "hard_delete": True}
        merged = ("company_id", *self.merge_columns)
        merge = {
            "disposition": "merge",
            "strategy": "delete-insert",
            "deduplicated": self.unique,
        }
        once = self.unique or self.parent is not None
        return {
            "name": self.name,
            "write_disposition": "append" if first and once else merge,
            # Both keys at once would become an OR, which Postgres can't hash.
            ("primary_key" if self.parent is None else "merge_key"): merged,
            "columns": columns,
        }

    def build(self, company_id: str, nodes: Sequence[Node]) -> pa.Table:
        """Turns objects into a page.

        What no column is read from goes into `extra`, so that a field which is new lands too.

        Args:
            company_id: Whose rows they are.
            nodes: One object a row.

        Raises:
            BadColumnError: A row doesn't fit; `split` finds out which.
        """
        records = [node for node in nodes if isinstance(node, Record)]
        if records and len(records) == len(nodes):
            return self._table(company_id, len(nodes), [*self._fields(nodes), self._rest(nodes)])
        if records:
            dicts = [node for node in nodes if not isinstance(node, Record)]
            return pa.concat_tables(
                [self.build(company_id, dicts), self.build(company_id, records)]
            )
        read = [*self._read(nodes), _extra(nodes, self._known)]
        return self._table(company_id, len(nodes), read)

    def _table(self, company_id: str, rows: int, read: list[pa.Array]) -> pa.Table:
        company = pa.repeat(pa.scalar(company_id, pa.string()), rows)
        return pa.Table.from_arrays(
            [company, *read, pa.nulls(rows, pa.bool_())], schema=self.schema
        )

    def record(
        self,
        lists: Mapping[str, type] = {},
        connections: Mapping[str, type] = {},
        rest: Sequence[str] = (),
    ) -> type[Record]:
        """Makes the type of the records that land here.

        Args:
            lists: Lists inside of them, each with the type of its elements.
            connections: Pages of lists inside of them, each with the type of its nodes.
            rest: Fields that no column is read from.
        """
        tree: dict[str, Any] = {}
        for column in self.columns:
            branch = tree
            for key in column.keys[:-1]:
                branch = branch.setdefault(key, {})
            branch[column.keys[-1]] = Raw if column.kind == "json" else Any
        return record_type(self.name, tree, lists, connections, rest)

    def _fields(self, records: Sequence[Node]) -> list[pa.Array]:
        """Reads all columns of records."""
        return [column.field(records) for column in self.columns]

    def _rest(self, records: Sequence[Node]) -> pa.Array:
        """Gathers the fields of records that no column is read from."""
        kind: Any = type(records[0])
        names = sorted(_raw_fields(kind) - self._known)
        if not names:
            return pa.nulls(len(records), pa.string())
        columns = [[str(getattr(each, name), "utf-8") for each in records] for name in names]
        rows = zip(*columns, strict=True)
        if all(map(all, columns)):
            pattern = "{" + ",".join(f'"{name}":%s' for name in names) + "}"
            return _json(_tidied([pattern % row for row in rows]))
        left = [
            ",".join(f'"{name}":{text}' for name, text in zip(names, row, strict=True) if text)
            for row in rows
        ]
        return _json(_tidied([f"{{{each}}}" if each else None for each in left]))

    def _read(self, nodes: Sequence[Node]) -> list[pa.Array]:
        """Reads all columns, those that can be in one pass of compiled code.

        That is six times faster than a column at a time, but can't name the one at fault.
        """
        try:
            together = pa.array(nodes, self._shape)
        except (pa.ArrowException, TypeError) as error:
            for column in self.columns if len(nodes) == 1 else ():
                column.read(nodes)
            raise BadColumnError("(row)", "has another shape than the API promises") from error
        return [
            column.finish(pc.struct_field(together, self._places[column.name]))
            if column.together
            else column.read(nodes)
            for column in self.columns
        ]

    @cached_property
    def _shape(self) -> pa.StructType:
        """What is read of an object in one pass."""
        tree: dict[str, Any] = {}
        for column in self.columns:
            if column.together:
                branch = tree
                for key in column.keys[:-1]:
                    branch = branch.setdefault(key, {})
                branch[column.keys[-1]] = _RAW[column.kind]
        return _struct(tree)

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """Where each column stands in the shape."""
        places: dict[str, list[int]] = {}
        for column in self.columns:
            if column.together:
                branch, place = self._shape, []
                for key in column.keys:
                    place.append(branch.get_field_index(key))
                    branch = branch.field(place[-1]).type
                places[column.name] = place
        return places

    def split(
        self, company_id: str, nodes: Sequence[Node]
    ) -> tuple[pa.Table, list[tuple[Node, BadColumnError]]]:
        """Turns objects into a page and sorts out those that don't fit.

        Args:
            company_id: Whose rows they are.
            nodes: One object a row.

        Returns:
            The page, and each object that isn't in it with the reason.
        """
        refused: list[tuple[Node, BadColumnError]] = []
        pages = list(self._halved(company_id, nodes, refused))
        return pa.concat_tables(pages) if pages else self.schema.empty_table(), refused

    def _halved(
        self, company_id: str, nodes: Sequence[Node], refused: list[tuple[Node, BadColumnError]]
    ) -> Iterator[pa.Table]:
        """Builds halves of halves until the bad rows stand alone: good pages cost nothing extra."""
        try:
            yield self.build(company_id, nodes)
        except BadColumnError as error:
            if len(nodes) == 1:
                refused.append((nodes[0], error))
                return
            middle = len(nodes) // 2
            yield from self._halved(company_id, nodes[:middle], refused)
            yield from self._halved(company_id, nodes[middle:], refused)

    def vacancies(self, company_id: str, keys: Sequence[tuple[str, ...]]) -> pa.Table:
        """Builds rows that only delete: nothing stands under these keys any more.

        Args:
            company_id: Whose rows they are.
            keys: Values of the merge columns.
        """
        rows = len(keys)
        values: dict[str, pa.Array] = {
            "company_id": pa.repeat(pa.scalar(company_id, pa.string()), rows),
            VACANT: pa.repeat(pa.scalar(True), rows),
        }
        for place, name in enumerate(self.merge_columns):
            values[name] = pa.array([key[place] for key in keys], pa.string())
        return pa.Table.from_arrays(
            [
                values[column.name] if column.name in values else pa.nulls(rows, column.type)
                for column in self.schema
            ],
            schema=self.schema,
        )

    @cached_property
    def nothing(self) -> tuple[str, ...]:
        """A key that no row has: its vacancy makes a table of a load that has no rows for it."""
        return ("",) * len(self.merge_columns)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(column.keys[0] for column in self.columns)


def _compiled(getter: str) -> Callable[[Sequence[Node]], list[Any]]:
    made: Callable[[Sequence[Node]], list[Any]] = eval(getter)  # noqa: S307
    return made


def last_part(global_id: str) -> str:
    """Returns the part of a global id that is a key here: 7 of gid://shopify/Order/7."""
    return global_id.rsplit("/", 1)[-1]


def _values(nodes: Sequence[Node], keys: tuple[str, ...]) -> list[Any]:
    """Reads one value of each object; None where something on the way is missing or null."""
    if len(keys) == 1:
        (a,) = keys
        return [node.get(a) for node in nodes]
    if len(keys) == 2:
        a, b = keys
        return [(node.get(a) or _NOTHING).get(b) for node in nodes]
    a, b, *rest = keys
    values: list[Any] = [(node.get(a) or _NOTHING).get(b) for node in nodes]
    for key in rest:
        values = [(value or _NOTHING).get(key) for value in values]
    return values


def _struct(tree: dict[str, Any]) -> pa.StructType:
    return pa.struct(
        [
            (name, _struct(branch) if isinstance(branch, dict) else branch)
            for name, branch in tree.items()
        ]
    )


def _text(array: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring(array, "\x00")).as_py():
        raise BadColumnError("", "holds a NUL character, which no text in Postgres can")
    return array


def _id(array: pa.Array) -> pa.Array:
    if array.null_count == len(array):
        return array
    # Nearly always all of a column are of one type and end in digits, which is quickly seen.
    prefix = _ID_PREFIX.match(array.drop_null()[0].as_py())
    if prefix and pc.all(pc.starts_with(array, prefix.group())).as_py():
        ends = pc.utf8_slice_codeunits(array, prefix.end())
        if pc.all(pc.ascii_is_decimal(ends)).as_py():
            return ends
    if not pc.all(pc.match_substring_regex(array, r"^gid://\w+/\w+/[^/?\s\x00]+$")).as_py():
        raise BadColumnError("", "is not a global id such as gid://shopify/Order/1")
    return pc.replace_substring_regex(array, r"^gid://\w+/\w+/", "")


def _key(array: pa.Array) -> pa.Array:
    numbers = _number(array)
    if pc.any(pc.less(numbers, 0)).as_py():
        raise BadColumnError("", "is not a whole number that can be a key")
    return pc.if_else(pc.equal(numbers, 0), None, numbers).cast(pa.string())


def _number(array: pa.Array) -> pa.Array:
    # Read without a type: given one, Arrow would cut 1.5 down to 1.
    kinds = pa.types
    if kinds.is_integer(array.type) or kinds.is_string(array.type) or kinds.is_null(array.type):
        return array.cast(pa.int64())
    raise BadColumnError("", "is not a whole number")


def _epoch(array: pa.Array) -> pa.Array:
    return _number(array).cast(pa.timestamp("s", tz="UTC")).cast(_TYPES["epoch"])


def _json(array: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring(array, "\\u0000")).as_py():
        raise BadColumnError("(json)", "holds a NUL character, which no text in Postgres can")
    return array


def _dumped(values: list[Any]) -> pa.Array:
    texts = [None if value is None else orjson.dumps(value).decode() for value in values]
    return pa.array(texts, pa.string())


def _tidied(texts: list[str | None]) -> pa.Array:
    """Writes JSON anew where it has escapes, of which Postgres doesn't take all.

    Raises:
        ValueError: It is no JSON.
    """
    array = pa.array(texts, pa.string())
    if not pc.any(pc.match_substring(array, "\\u")).as_py():
        return array
    return pa.array(
        [
            orjson.dumps(orjson.loads(text)).decode() if text and "\\u" in text else text
            for text in texts
        ],
        pa.string(),
    )


@cache
def _raw_fields(record: type) -> frozenset[str]:
    return frozenset(each.encode_name for each in structs.fields(record) if each.type is Raw)


def _extra(nodes: Sequence[Node], known: frozenset[str]) -> pa.Array:
    texts: list[str | None] = []
    keys: tuple[str, ...] = ()
    rest: list[str] = []
    for node in nodes:
        # The answers to one query have the same fields in the same order.
        if tuple(node) != keys:
            keys = tuple(node)
            rest = sorted(node.keys() - known)
        left = {key: node[key] for key in rest}
        texts.append(orjson.dumps(left, option=orjson.OPT_SORT_KEYS).decode() if left else None)
    return _json(pa.array(texts, pa.string()))


#: Values as JSON has them, of the kinds that are read in one pass.
_RAW: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "id": pa.string(),
    "money": pa.string(),
    "rate": pa.string(),
    "time": pa.string(),
    "flag": pa.bool_(),
}

_FINISHERS: dict[Kind, Callable[[pa.Array], pa.Array]] = {
    "text": _text,
    "id": _id,
    "key": _key,
    "money": lambda array: array.cast(_TYPES["money"]),
    "rate": lambda array: array.cast(_TYPES["rate"]),
    "number": _number,
    "flag": lambda array: array,
    "time": lambda array: array.cast(_TYPES["time"]),
    "epoch": _epoch,
    "json": _json,
}


def _plainly(error: Exception, kind: Kind) -> str:
    """Says what is wrong; Arrow's own words only where they hold the value."""
    if isinstance(error, (TypeError, AttributeError)):
        return f"has the wrong type for a {kind}"
    return f"is not a {kind}: {str(error).splitlines()[0][:200]}"
