"""Dates and times as files write them, and hours that come twice or never."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.sources.files.dates import parse_date, parse_timestamp

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("text", "date_format", "day"),
    [
        ("31/01/2026", "%d/%m/%Y", date(2026, 1, 31)),
        ("01/31/26", "%m/%d/%y", date(2026, 1, 31)),
        ("31 Jan 2026", "%d %b %Y", date(2026, 1, 31)),
        ("3. März 2026", "%d. %B %Y", date(2026, 3, 3)),
        ("3 mars 2026", "%d %B %Y", date(2026, 3, 3)),
        ("1 août 2026", "%d %B %Y", date(2026, 8, 1)),
        ("15-ene-2026", "%d-%b-%Y", date(2026, 1, 15)),
        ("2026年1月5日", "%Y年%m月%d日", date(2026, 1, 5)),
        ("20260105", None, date(2026, 1, 5)),
        ("1767571200", "epoch", date(2026, 1, 5)),
        ("1767571200000", "epoch_ms", date(2026, 1, 5)),
    ],
)
def test_days_of_many_formats(text: str, date_format: str | None, day: date) -> None:
    assert parse_date(text, date_format) == day


@pytest.mark.parametrize(
    "text", ["2026-01-31 12:34:56 -0500", "2026-01-31T17:34:56Z", "2026-01-31 17:34:56 UTC"]
)
def test_offsets_as_exports_write_them(text: str) -> None:
    assert parse_timestamp(text, None, BERLIN) == datetime(2026, 1, 31, 17, 34, 56, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        # Clocks go forward: 02:30 never comes and is 03:30 of summer time.
        ("2026-03-29 02:30:00", BERLIN, datetime(2026, 3, 29, 1, 30)),
        ("2026-03-08 02:30:00", NEW_YORK, datetime(2026, 3, 8, 7, 30)),
        # Clocks go back: 02:30 comes twice and is the first of the two.
        ("2026-10-25 02:30:00", BERLIN, datetime(2026, 10, 25, 0, 30)),
        ("2026-11-01 01:30:00", NEW_YORK, datetime(2026, 11, 1, 5, 30)),
    ],
)
def test_hours_that_come_twice_or_never(text: str, zone: ZoneInfo, utc: datetime) -> None:
    assert parse_timestamp(text, None, zone) == utc.replace(tzinfo=UTC)


@given(st.text(max_size=20), st.sampled_from([None, "epoch", "epoch_ms", "%d. %B %Y", "%d/%m/%y"]))
def test_any_text_is_a_time_or_refused_in_words(text: str, date_format: str | None) -> None:
    for parse in (
        lambda: parse_date(text, date_format),
        lambda: parse_timestamp(text, date_format, BERLIN),
    ):
        try:
            parse()
        except ValueError as error:
            assert "correct it, or set date_format" in str(error)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)))
def test_an_instant_is_read_back(moment: datetime) -> None:
    assert parse_timestamp(moment.isoformat(), None, BERLIN) == moment
    assert parse_timestamp(f"{moment.timestamp():.6f}", "epoch", BERLIN) == moment
