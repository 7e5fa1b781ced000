"""Objects of an API, decoded straight into fields: a third of the time that dicts take.

A record stands for an object whose fields are known beforehand and behaves as a dict as far as
reading needs it. Single values are taken as they come, whatever their type: whether they fit is
the table's to say. Where objects or lists are others than promised, or fields that nobody asked
for, no record can be made, and the answer is read as dicts.

Belongs here: what a record is. Does not belong here: what becomes of it (`arrow.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
import orjson

#: Python keeps names that begin with two underscores to itself, so these stand under others.
_ATTRIBUTES: dict[str, str] = {}

#: A field that didn't come.
ABSENT = msgspec.Raw(b"")


class Record(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One object."""

    def get(self, key: str, default: Any = None) -> Any:
        """Returns a field, the default where the object has none of that name."""
        return getattr(self, _ATTRIBUTES.get(key, key), default)

    def pop(self, key: str, default: Any = None) -> Any:
        """Returns a field and lets go of it."""
        value = getattr(self, key, default)
        if value is not default:
            setattr(self, key, None)
        return value

    def __getitem__(self, key: str) -> Any:
        return getattr(self, _ATTRIBUTES.get(key, key))

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self, _ATTRIBUTES.get(key, key), value)


class _Connection(Record):
    """A page of a list."""

    pageInfo: dict[str, Any]  # noqa: N815  the API's name


def attribute(key: str) -> str:
    """Returns the name of the attribute in which a field stands."""
    if key.startswith("__"):
        _ATTRIBUTES[key] = f"dunder_{key[2:]}"
    return _ATTRIBUTES.get(key, key)


def record_type(
    name: str,
    fields: Mapping[str, Any],
    lists: Mapping[str, type] = {},
    connections: Mapping[str, type] = {},
    rest: Sequence[str] = (),
    base: type[Record] = Record,
) -> type[Record]:
    """Makes the type of an object.

    Args:
        name: Of the type.
        fields: What may be missing or null: fields of an object inside it, a type, or Any.
        lists: Lists, which have to be there, each with the type of its elements.
        connections: Pages of lists, which have to be there, each with the type of its nodes.
        rest: Fields that are kept as the JSON they came as.
        base: What the type has besides.
    """
    wanted: list[Any] = [(attribute(key), _list_of(kind)) for key, kind in lists.items()]
    wanted += [(attribute(key), _connection_type(kind)) for key, kind in connections.items()]
    for key, kind in fields.items():
        if isinstance(kind, Mapping):
            inner = record_type(f"{name}_{attribute(key)}", kind)
            wanted.append((attribute(key), inner | None, None))
        elif kind is msgspec.Raw:
            wanted.append((attribute(key), kind, ABSENT))
        else:
            wanted.append((attribute(key), kind, None))
    wanted += [(attribute(key), msgspec.Raw, ABSENT) for key in rest]
    made = msgspec.defstruct(
        name,
        wanted,
        bases=(base,),
        rename=_json_name,
        forbid_unknown_fields=True,
        gc=False,
        kw_only=True,
    )
    return cast(type[Record], made)


def page_type(connection: str, node: type[Record]) -> type[Record]:
    """Makes the type of the data of an answer that is one page of a list."""
    return record_type(f"{connection}_page", {}, connections={connection: node})


def _connection_type(node: type) -> type[Record]:
    return record_type(f"{node.__name__}_connection", {}, {"nodes": node}, base=_Connection)


def _list_of(kind: type) -> Any:
    return list[kind]  # type: ignore[valid-type]


def plain(value: Any) -> Any:
    """Turns records into dicts, of the fields that there are."""
    if isinstance(value, Record):
        fields = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
        found = {name: plain(getattr(value, key)) for key, name in fields}
        return {key: each for key, each in found.items() if each is not None}
    if isinstance(value, msgspec.Raw):
        return orjson.loads(bytes(value)) if bytes(value) else None
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


def _json_name(name: str) -> str | None:
    return next((key for key, other in _ATTRIBUTES.items() if other == name), None)
