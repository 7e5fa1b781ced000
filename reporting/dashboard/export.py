"""Tables as CSV that a spreadsheet opens without running what a customer typed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from reporting.blocks.blocks import Table

#: With these a spreadsheet begins a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")

#: Tells spreadsheets that the file is UTF-8.
BYTE_ORDER_MARK = "\ufeff"

_ROWS_AT_ONCE = 500


def safe(value: Any) -> str:
    """Returns a value as text of a CSV; what could be a formula is marked as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, int | float):
        return repr(value)
    text = value.isoformat() if isinstance(value, date) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def lines(table: Table) -> Iterator[str]:
    """Yields a table as CSV (RFC 4180): a header of names, ISO days, a point as decimal mark."""
    buffer = io.StringIO()
    buffer.write(BYTE_ORDER_MARK)
    writer = csv.writer(buffer)
    columns = [column.name for column in table.columns]
    currency = ["currency"] if table.currency else []
    writer.writerow([*columns, *currency])
    for place, row in enumerate(table.rows, start=1):
        writer.writerow(
            [*(safe(row.get(name)) for name in columns), *([table.currency] if currency else [])]
        )
        if place % _ROWS_AT_ONCE == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
