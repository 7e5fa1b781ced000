"""Lines of text to CSV rows, of which none is lost, whatever the quotes.

A quoted field may hold line ends. Where a quote doesn't end as it should, its line alone is a bad
row and reading goes on with the next line, so that a stray quote doesn't swallow what follows it.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

#: A row has less characters than this.
LONGEST_ROW = 1 << 20

#: Characters of a broken row that are shown.
_SHOWN = 10_000

#: Put in place of NUL, at which Python 3.11's csv stops: like a byte that can't be decoded.
_NUL = "\udc00"


@dataclass(frozen=True)
class Row:
    """One row of a file.

    Attributes:
        line_number: Line of the file on which it starts; the first line is 1.
        fields: Its fields; the line as it is where `broken` says what is wrong with it.
        broken: Why it can't be split into fields.
    """

    line_number: int
    fields: list[str]
    broken: str | None = None


class _TooLongError(Exception):
    """A row takes more characters than it may."""


class _Lines:
    """Hands out lines, and takes back those that turned out to be no part of a row."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._returned: deque[str] = deque()
        self.number = 0
        self.taken: list[str] = []
        self._length = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._length > LONGEST_ROW:
            raise _TooLongError
        line = self._returned.popleft() if self._returned else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self._length += len(line)
        self.taken.append(line)
        if _length(line) >= LONGEST_ROW:
            raise _TooLongError
        return line.replace("\x00", _NUL) if "\x00" in line else line

    def _read(self) -> str:
        """Reads a line; of one that is too long only the start is kept."""
        line = more = self._file.readline(LONGEST_ROW + 2)
        while len(more) == LONGEST_ROW + 2 and not more.endswith(("\n", "\r")):
            more = self._file.readline(LONGEST_ROW + 2)
        return line

    def start(self) -> None:
        """Begins a row."""
        self.taken.clear()
        self._length = 0

    def give_back(self) -> str:
        """Takes back all lines of the row but the first, which it returns."""
        first, *rest = self.taken
        self._returned.extendleft(reversed(rest))
        self.number -= len(rest)
        return first


def read_rows(file: IO[str], delimiter: str) -> Iterator[Row]:
    """Splits a file into rows; empty lines are none.

    Args:
        file: Text whose line ends are as they are (`newline=""`).
        delimiter: What stands between fields.

    Yields:
        Every row, in the order of the file.
    """
    csv.field_size_limit(LONGEST_ROW)
    source = _Lines(file)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        source.start()
        line_number = source.number + 1
        try:
            fields = next(reader)
            if len(source.taken) > 1 and _length("".join(source.taken)) >= LONGEST_ROW:
                raise _TooLongError
        except StopIteration:
            return
        except (csv.Error, _TooLongError) as error:
            first = source.give_back()
            yield Row(line_number, [first[:_SHOWN].rstrip("\r\n")], _reason(error))
            reader = csv.reader(source, delimiter=delimiter, strict=True)
            continue
        if fields:
            yield Row(line_number, fields)


def _length(text: str) -> int:
    """Characters of a line or row without its end."""
    return len(text.removesuffix("\n").removesuffix("\r"))


def _reason(error: Exception) -> str:
    if isinstance(error, _TooLongError) or "field limit" in str(error):
        return f"takes more than {LONGEST_ROW:,} characters: look for a quote that never ends"
    if "unexpected end" in str(error):
        return "a quote never ends: write it twice within a quoted field, or take it out"
    return "text follows a closing quote: write a quote within a quoted field twice"
