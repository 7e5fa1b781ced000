"""What PHP and its plugins write, in the one shape that tables read.

PHP has one array: an empty object arrives as ``[]`` and a filtered list as an object. Unset is
"", 0, false or null; numbers come as strings and strings as numbers. What means only one thing is
taken; what means nothing is left as it is, and its table refuses it.

Belongs here: single values and lists. Does not belong here: what objects consist of (`source.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ingestion.arrow import MONEY, Kind, Node, Table

_OFFSET = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$", re.ASCII)
_YES, _NO = {"1", "yes", "true", "on"}, {"", "0", "no", "false", "off"}
_LONGEST_NUMBER = 18

#: Decimals of money in the warehouse.
_CENTS = MONEY.scale


def tidy(table: Table, node: Node) -> Node:
    """Brings the fields that a table reads into shape, in place.

    Args:
        table: Where the object lands.
        node: The object.

    Returns:
        The object.
    """
    for column in table.columns:
        branch = node
        for key in column.keys[:-1]:
            inner = branch.get(key)
            if not isinstance(inner, dict):
                if inner:
                    break
                inner = branch[key] = {}
            branch = inner
        else:
            key = column.keys[-1]
            if key in branch:
                branch[key] = _READERS[column.kind](branch[key])
    node.pop("_links", None)
    return node


def as_list(value: Any) -> Any:
    """Returns a list where one is meant, the value itself where none can be."""
    if not value:
        return []
    if isinstance(value, dict) and all(key.isdecimal() for key in value):
        return list(value.values())
    return value


def _unset(value: Any) -> bool:
    """Says whether nothing is meant: null, false, "", or an array that nobody has filled."""
    return value is None or value is False or value in ([], {}) or _blank(value)


def _blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _text(value: Any) -> Any:
    if value == "" or (not isinstance(value, str) and _unset(value)):
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(value)
    return value


def _whole(value: Any) -> Any:
    if _unset(value):
        return None
    if isinstance(value, str):
        text = value.strip()
        short = len(text.lstrip("-")) <= _LONGEST_NUMBER
        return int(text) if short and text.isascii() and text.lstrip("-").isdecimal() else value
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**_LONGEST_NUMBER:
        return int(value)
    return value


def _money(value: Any) -> Any:
    if isinstance(value, float):
        # No amount is exact as a number: three times 0.1 is 0.30000000000000004.
        number = Decimal(repr(value))
        return f"{round(number, _CENTS):f}" if number.is_finite() else value
    return _decimal(value)


def _decimal(value: Any) -> Any:
    if _unset(value):
        return None
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # The shortest digits that mean this number: 0.1 for 0.1.
        number = Decimal(repr(value))
        return f"{number:f}" if number.is_finite() else value
    return value


def _flag(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (str, int)):
        text = str(value).strip().lower()
        return True if text in _YES else False if text in _NO else value
    return value


def _time(value: Any) -> Any:
    """Says of a time without a zone that it is GMT, as its field's name does."""
    if _unset(value):
        return None
    if not isinstance(value, str):
        return value
    if value.startswith("0000-00-00"):
        return None
    return value if _OFFSET.search(value) else f"{value}Z"


_READERS: dict[Kind, Callable[[Any], Any]] = {
    "text": _text,
    "key": _whole,
    "money": _money,
    "rate": _decimal,
    "number": _whole,
    "flag": _flag,
    "time": _time,
    "json": lambda value: value,
}
