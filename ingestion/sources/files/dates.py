"""Days and times as files write them, or the reason why not. Pure functions."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

#: Counts since 1970 that stand in for a strptime format, with their steps a second.
EPOCHS = {"epoch": 1, "epoch_ms": 1000}

_EPOCH = re.compile(r"\d{1,14}(\.\d{1,9})?", re.ASCII)

_SPACED_OFFSET = re.compile(r"(?<=\d) (?:([+-]\d\d:?\d\d)|UTC|GMT)$", re.ASCII)

_WORD = re.compile(r"[^\W\d_]+\.?")

_ENGLISH = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)

#: Names and short names of the months in other languages than English, by their number.
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan januar jänner janvier janv enero ene gennaio gen januari janeiro",
            "feb februar février févr fevr febrero febbraio februari fevereiro fev",
            "mär mrz märz mars marzo mar maart mrt março",
            "apr april avril avr abril abr aprile",
            "mai mayo maggio mag mei maio may",
            "jun juni juin junio giugno giu junho",
            "jul juli juillet juil julio luglio lug julho",
            "aug august août agosto ago augustus",
            "sep sept september septembre septiembre settembre set setembro",
            "okt oktober octobre oct octubre ottobre ott outubro out",
            "nov november novembre noviembre novembro",
            "dez dezember décembre déc diciembre dic dicembre december dezembro dec",
        ),
        start=1,
    )
    for name in names.split()
}


def parse_date(text: str, date_format: str | None) -> date:
    """Reads a calendar day.

    Args:
        text: The day.
        date_format: strptime format; None reads ISO 8601 (2026-06-30).

    Raises:
        ValueError: It isn't a day of that format; the message says what to do.
    """
    plain = text.strip()
    try:
        if date_format is None:
            return date.fromisoformat(plain)
        return _read_format(plain, date_format).date()
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is not a date of the form {date_format or 'YYYY-MM-DD'}: "
            "correct it, or set date_format"
        ) from None


def parse_timestamp(text: str, date_format: str | None, zone: ZoneInfo) -> datetime:
    """Reads a point in time; one without an offset is local to the zone.

    A local time that comes twice, when clocks go back, is the first of the two. One that never
    comes, when they go forward, is read by the offset before: 02:30 becomes 03:30.

    Args:
        text: The time.
        date_format: strptime format, "epoch" or "epoch_ms"; None reads ISO 8601.
        zone: Time zone of a time without an offset.

    Returns:
        The time in UTC.

    Raises:
        ValueError: It isn't a time of that format; the message says what to do.
    """
    plain = text.strip()
    try:
        if date_format is None:
            moment = datetime.fromisoformat(_SPACED_OFFSET.sub(_offset, plain))
        else:
            moment = _read_format(plain, date_format)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is not a time of the form {date_format or 'YYYY-MM-DD HH:MM:SS'}: "
            "correct it, or set date_format"
        ) from None


def _offset(found: re.Match[str]) -> str:
    return found[1] or "+00:00"


def _read_format(plain: str, date_format: str) -> datetime:
    """Reads a date or time of a format; English month names, and those of six other languages.

    Raises:
        ValueError: It isn't of that format.
        OverflowError: It is beyond what a datetime can hold.
    """
    if date_format in EPOCHS:
        if not _EPOCH.fullmatch(plain):
            raise ValueError(plain)
        try:
            return datetime.fromtimestamp(float(plain) / EPOCHS[date_format], UTC)
        except OSError:
            raise ValueError(plain) from None
    try:
        return datetime.strptime(plain, date_format)
    except ValueError:
        if "%b" not in date_format and "%B" not in date_format:
            raise
    english = _WORD.sub(lambda word: _in_english(word[0], "%B" in date_format), plain)
    return datetime.strptime(english, date_format)


def _in_english(word: str, in_full: bool) -> str:
    """Returns a month's English name, and any other word as it is."""
    number = _MONTHS.get(word.rstrip(".").lower())
    if number is None:
        return word
    name = _ENGLISH[number - 1]
    return name if in_full else name[:3]


# A file repeats its days many times: strptime is the slowest thing done to a row.
cached_date = lru_cache(maxsize=65_536)(parse_date)
cached_timestamp = lru_cache(maxsize=65_536)(parse_timestamp)
