"""What a file looks like, guessed from its bytes and values, once and never for a single row.

Belongs here: encoding, delimiter, decimal mark, date format. Does not belong here: which column
means what (`mapping.py`).
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from charset_normalizer import from_bytes

from ingestion.sources.files.dates import parse_timestamp
from ingestion.sources.files.opening import open_bytes
from warehouse.companies import DecimalMark, ThousandsMark

SAMPLE_BYTES = 64 * 1024

DELIMITERS = ",;\t|"

#: Share of the values that must agree before a guess is one.
AGREEMENT = 0.9

_CHUNK_BYTES = 1 << 20

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")

#: Signs that stand beside letters where a text of Central Europe is read as cp1252.
_SIGN_IN_WORD = re.compile("[£¥¦§¯³¹¿](?=[a-z])|(?<=[a-zA-Z])[£¥¦³¹¿]")

#: More than this many bytes above 127 in a row, on average, are no Latin text.
_LATIN_RUN = 2.5


def sample(path: Path, name: str) -> tuple[bytes, bytes]:
    """Takes the start of a file, and lines from anywhere in it that aren't ASCII.

    Accents are rare in many files: their first 64 KiB wouldn't say how they are written.

    Args:
        path: The file.
        name: What errors call it.

    Returns:
        At most `SAMPLE_BYTES` of the start, and about as many of such lines, whole.

    Raises:
        SourceError: The file can't be read.
    """
    telling = bytearray()
    with open_bytes(path, name) as content:
        start = content.read(SAMPLE_BYTES)
        chunk = start
        while chunk and len(telling) < SAMPLE_BYTES:
            if not chunk.isascii():
                chunk += content.readline(SAMPLE_BYTES)
                telling += (
                    b"\n".join(line for line in chunk.split(b"\n") if not line.isascii())[
                        :SAMPLE_BYTES
                    ]
                    + b"\n"
                )
            chunk = content.read(_CHUNK_BYTES)
    return start, bytes(telling)


def guess_encoding(start: bytes, telling: bytes) -> str:
    """Guesses how text is encoded.

    Args:
        start: The first bytes of the file.
        telling: Lines of it that aren't ASCII.

    Returns:
        A codec's name; "utf-8" too where nothing fits, so that the misfits show.
    """
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    wide = _guess_wide(start)
    if wide is not None:
        return wide
    lines = [line for line in telling.split(b"\n") if line]
    if not lines or _CONTROLS.search(start) or _CONTROLS.search(telling):
        return "utf-8"
    # Bytes of another encoding are hardly ever valid UTF-8 by chance.
    valid = sum(_decodes(line, "utf-8") for line in lines)
    if valid * 2 >= len(lines):
        return "utf-8"
    runs = re.findall(rb"[\x80-\xff]+", telling)
    if sum(map(len, runs)) <= _LATIN_RUN * len(runs) and _decodes(telling, "cp1252"):
        odd = len(_SIGN_IN_WORD.findall(telling.decode("cp1252")))
        if odd * 10 <= len(runs):
            return "cp1252"
    return _guess_eastern(telling) or _guess_statistically(telling)


def _guess_wide(start: bytes) -> str | None:
    """Tells UTF-16 without a mark by where the zeros are: in ASCII text, every other byte."""
    pairs = len(start) // 2
    if pairs == 0:
        return None
    zeros = start[1::2].count(0) / pairs, start[0::2].count(0) / pairs
    if zeros[0] > 0.4 and zeros[1] < 0.05:
        return "utf-16-le"
    if zeros[1] > 0.4 and zeros[0] < 0.05:
        return "utf-16-be"
    return None


def _guess_eastern(telling: bytes) -> str | None:
    """Tells the encodings of China, Japan and Korea by the characters that only one would give."""
    for encoding, first, last, share in (
        ("cp932", "\u3041", "\u30fe", 0.1),
        ("euc_jp", "\u3041", "\u30fe", 0.1),
        ("cp949", "\uac00", "\ud7a3", 0.9),
        ("gb18030", "\u4e00", "\u9fff", 0.9),
        ("big5", "\u4e00", "\u9fff", 0.9),
    ):
        if _decodes(telling, encoding):
            wide = [char for char in telling.decode(encoding) if char > "\u007f"]
            found = sum(first <= char <= last for char in wide)
            odd = sum("\uff61" <= char <= "\uff9f" or char < "\u0400" for char in wide)
            if found >= share * len(wide) and odd * 10 <= len(wide):
                return encoding
    return None


def _guess_statistically(text: bytes) -> str:
    found = from_bytes(
        text,
        cp_isolation=["cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256"],
    ).best()
    return found.encoding if found is not None else "utf-8"


def _decodes(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def guess_delimiter(header: str, expected: Collection[str] = ()) -> str:
    """Guesses what stands between fields.

    Args:
        header: First line of the file.
        expected: Headers that have to be among its fields, where that is known.

    Returns:
        The delimiter with which most of them are, then the one that gives most fields; a comma
        where there is but one field.
    """

    def score(delimiter: str) -> tuple[int, int]:
        try:
            fields = next(csv.reader([header], delimiter=delimiter), [])
        except csv.Error:
            fields = []
        names = {field.strip() for field in fields}
        return len(names.intersection(expected)), len(fields)

    return max(DELIMITERS, key=score)


_GROUPS: tuple[tuple[ThousandsMark, str], ...] = ((" ", r"\s"), ("'", "['’]"))

_NUMBER = re.compile(r"\d(?:[\d.,'’\s]*\d)?")


def guess_decimal(texts: Iterable[str]) -> tuple[DecimalMark | None, ThousandsMark | None]:
    """Guesses decimal mark and thousands separator of amounts.

    Args:
        texts: Amounts, signs and currency symbols and all.

    Returns:
        The decimal mark, None where the values don't say it ("1,234" alone could be either); and
        the thousands separator, None where there is none.
    """
    decimal: dict[DecimalMark, int] = {".": 0, ",": 0}
    grouped: dict[ThousandsMark, int] = {".": 0, ",": 0, " ": 0, "'": 0}
    unsure: dict[DecimalMark, int] = {".": 0, ",": 0}
    for text in texts:
        number = _NUMBER.search(text)
        digits = number.group() if number else ""
        for group, variants in _GROUPS:
            if re.search(rf"\d{variants}\d{{3}}(?!\d)", digits):
                grouped[group] += 1
            digits = re.sub(variants, "", digits)
        points, commas = digits.count("."), digits.count(",")
        if points and commas:
            last: DecimalMark = "." if digits.rfind(".") > digits.rfind(",") else ","
            decimal[last] += 1
            grouped["," if last == "." else "."] += 1
        elif points > 1 or commas > 1:
            grouped["." if points else ","] += 1
            decimal["," if points else "."] += 1
        elif points or commas:
            only: DecimalMark = "." if points else ","
            whole, fraction = digits.split(only)
            if len(fraction) == 3 and 1 <= len(whole) <= 3 and whole.strip("0"):
                unsure[only] += 1
            else:
                decimal[only] += 1
    mark = _agreed(decimal["."], decimal[","])
    if mark is None:
        nothing = not any(decimal.values()) and not any(unsure.values())
        return ("." if nothing else None), _most(grouped, None)
    other: DecimalMark = "," if mark == "." else "."
    grouped[other] += unsure[other]
    return mark, _most(grouped, mark)


def _agreed(points: int, commas: int) -> DecimalMark | None:
    most = max(points, commas)
    if most == 0 or most < AGREEMENT * (points + commas):
        return None
    return "." if points > commas else ","


def _most(grouped: dict[ThousandsMark, int], decimal: DecimalMark | None) -> ThousandsMark | None:
    counted = [(count, group) for group, count in grouped.items() if count and group != decimal]
    return max(counted)[1] if counted else None


_UTC = ZoneInfo("UTC")

_DAYS = (
    *("%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d/%m/%y", "%m/%d/%y", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d", "%Y%m%d"),
    *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%d. %B %Y", "%d. %b %Y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%Y年%m月%d日"),
)
_CLOCKS = (
    *("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p"),
    *(", %H:%M", ", %H:%M:%S", ", %I:%M %p", ", %I:%M:%S %p", "T%H:%M:%S"),
    *(" %H:%M %z", " %H:%M:%S %z", " %H:%M:%S UTC", " %I:%M:%S %p %z"),
)
DATE_FORMATS: tuple[str | None, ...] = (
    None,
    "epoch",
    "epoch_ms",
    *(day + clock for day in _DAYS for clock in _CLOCKS),
)


#: Values that are tried with every format before only those that fit are kept.
_OPEN_VALUES = 20


class DateGuess:
    """Narrows down the formats in which dates can be read, value by value."""

    def __init__(self) -> None:
        self.values = 0
        self._fitting = dict.fromkeys(DATE_FORMATS, 0)

    def see(self, text: str) -> None:
        """Takes one date."""
        self.values += 1
        for candidate in self._fitting:
            self._fitting[candidate] += is_date(text, candidate)
        if self.values in {_OPEN_VALUES, 10 * _OPEN_VALUES}:
            self._fitting = {name: count for name, count in self._fitting.items() if count}

    def formats(self, agreement: float = AGREEMENT) -> list[str | None]:
        """Formats that read a share of the values, the best first; several where they don't say."""
        best = max(self._fitting.values(), default=0)
        if best == 0 or best < agreement * self.values:
            return []
        # A few bad days don't make two orders of day and month equal.
        return [name for name, count in self._fitting.items() if count == best]


def is_ambiguous(formats: Sequence[str | None]) -> bool:
    """Says whether formats differ in what comes first, day or month."""
    first = formats[0] if formats else None
    if first is None or "%d" not in first:
        return False
    swapped = first.translate(str.maketrans("dm", "md"))
    return swapped != first and swapped in formats


def guess_date_formats(texts: Iterable[str], agreement: float = AGREEMENT) -> list[str | None]:
    """Guesses how dates are written.

    Args:
        texts: Dates or times.
        agreement: Share of them that must agree.

    Returns:
        Formats for `date_format` that read all but a few; none where they are no dates, several
        where the values don't say what is day and what is month.
    """
    guess = DateGuess()
    for text in texts:
        guess.see(text)
    return guess.formats(agreement)


def is_date(text: str, date_format: str | None) -> bool:
    """Says whether a text is a date or a time of a format, in a year that a shop can have."""
    try:
        return 1990 <= parse_timestamp(text, date_format, _UTC).year <= 2100
    except ValueError:
        return False


def has_clock(texts: Sequence[str], date_format: str | None) -> bool:
    """Says whether dates of a format have a time of day."""
    if date_format is None:
        return any(re.search(r"\d[T ]\d\d?:\d", text) for text in texts)
    return date_format.startswith("epoch") or "%H" in date_format or "%I" in date_format
