"""No row of a file is ever lost: what the reader makes of any bytes, judged by another counter."""

import codecs
import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.errors import SourceError
from ingestion.quarantine import Quarantine
from ingestion.sources.files import reconciliation, rows
from ingestion.sources.files.reader import FeedTotals, read_feed
from ingestion.sources.files.reconciliation import count_feed, row_amount
from ingestion.sources.files.rows import read_rows
from warehouse.companies import Company, FileFeed

COMPANY = Company(
    id="shop", name="Shop", base_currency="USD", timezone="Europe/Berlin", margin_rate=0.3
)


def feed(**changes: Any) -> FileFeed:
    return FileFeed.model_validate(
        {
            "feed": "orders",
            "path": "a.csv",
            "columns": {"customer_id": "who", "order_date": "day", "amount": "paid"},
            "currency": "USD",
        }
        | changes
    )


def split(text: str, delimiter: str = ",") -> list[tuple[int, list[str], bool]]:
    found = read_rows(io.StringIO(text, newline=""), delimiter)
    return [(row.line_number, row.fields, row.broken is not None) for row in found]


def test_rows_keep_the_line_on_which_they_start() -> None:
    assert split('a,b\r\n\r\n"1\n2",x\ry,"z""z"') == [
        (1, ["a", "b"], False),
        (3, ["1\n2", "x"], False),
        (5, ["y", 'z"z'], False),
    ]


def test_a_quote_that_never_ends_costs_its_line_only() -> None:
    assert split('a,b\n1,"x\n2,y\n3,z\n') == [
        (1, ["a", "b"], False),
        (2, ['1,"x'], True),
        (3, ["2", "y"], False),
        (4, ["3", "z"], False),
    ]


def test_a_stray_quote_costs_its_line_only() -> None:
    assert split('1,"x"y\n2,5" pipe\n"3,a\n4,b\n"5",c\n') == [
        (1, ['1,"x"y'], True),
        (2, ["2", '5" pipe'], False),
        (3, ['"3,a'], True),
        (4, ["4", "b"], False),
        (5, ["5", "c"], False),
    ]


def test_a_row_that_is_too_long_is_cut_and_the_next_one_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rows, "LONGEST_ROW", 50)
    text = "a,b\n" + "x" * 500 + ',1\n2,y\n3,"' + "z\n" * 60 + '"\n4,w\n'
    found = split(text)
    assert found[1][2] and len(found[1][1][0]) <= 52
    assert found[2] == (3, ["2", "y"], False)
    assert found[3][2]
    assert found[-1] == (65, ["4", "w"], False)


def judge(folder: Path, content: bytes, **changes: Any) -> FeedTotals | None:
    """Reads a file and compares what came of its rows with the other counter."""
    (folder / "a.csv").write_bytes(content)
    one = feed(**changes)
    totals, quarantine = FeedTotals(), Quarantine("shop", "files", "orders")
    landed = []
    with quarantine:
        try:
            for page in read_feed(COMPANY, one, folder, totals, quarantine):
                landed += page.to_pylist()
        except SourceError as error:
            assert "a.csv" in str(error)
            if totals.rows == 0:
                return None
        quarantined = list(quarantine._tuples())
    counted = count_feed(COMPANY, one, folder)
    assert (len(landed), len(quarantined)) == (totals.landed_rows, totals.rejected_rows)
    assert counted.rows == len(landed) + len(quarantined)
    refused = sum(row_amount(json.loads(row[7]), one) for row in quarantined if row[5] != "(row)")
    assert counted.amount == sum(row["amount"] for row in landed) + refused
    numbers = [row["line_number"] for row in landed] + [row[4] for row in quarantined]
    assert len(set(numbers)) == len(numbers)
    assert all(row[6] for row in quarantined)
    return totals


PIECES = st.sampled_from(
    [
        *(b'"', b'""', b",", b";", b"\t", b"\n", b"\r", b"\r\n", b"\x00", b"\xff", b"\xe9", b"a"),
        *(b"1,2026-01-01,5\n", b'"1","2026-01-01","5.00"\n', b"2026-01-01", b"-3.5", b"(4)", b"$7"),
        *("é".encode(), "注文".encode(), b"9" * 30, b"'", b"\\", b"\x1a", b"\x85", b"\xc2\x85"),
    ]
)
MESS = st.lists(PIECES | st.binary(max_size=6), max_size=30).map(b"".join)

HEADERS = [
    b"who,day,paid\n",
    b'"who","day","paid"\r\n',
    b"who;day;paid\r",
    b"\xef\xbb\xbfwho,day,paid\n",
]

quickly = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@quickly
@given(st.sampled_from(HEADERS), MESS, st.sampled_from([None, "utf-8", "cp1252", "cp932"]))
def test_any_bytes_land_or_are_quarantined(
    tmp_path: Path, header: bytes, mess: bytes, encoding: str | None
) -> None:
    judge(tmp_path, header + b"1,2026-01-01,1\n" + mess, encoding=encoding)


@quickly
@given(MESS)
def test_any_file_is_read_or_refused_in_words(tmp_path: Path, mess: bytes) -> None:
    judge(tmp_path, mess)


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
ENCODINGS += ["cp1252", "cp932", "gb18030", "euc_kr", "big5"]
FIELD = st.text(max_size=8) | st.sampled_from(
    ["1", "2026-01-01", "9.99", "1,0", '"', "\n", "", "é"]
)


@quickly
@given(
    st.lists(st.lists(FIELD, min_size=1, max_size=5), max_size=12),
    st.sampled_from(ENCODINGS),
    st.sampled_from(",;\t|"),
    # The writer leaves a lone \r or \n unquoted unless the line end holds it.
    st.sampled_from([("\n", csv.QUOTE_ALL), ("\r", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_MINIMAL)]),
    st.booleans(),
)
def test_every_row_that_a_program_writes_is_accounted_for(
    tmp_path: Path,
    written: list[list[str]],
    encoding: str,
    delimiter: str,
    style: tuple[str, Any],
    zipped: bool,
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=style[0], quoting=style[1])
    clean = [[field.replace("\x00", "") for field in row] for row in written]
    writer.writerows([["who", "day", "paid"], ["1", "2026-01-01", "1"], *clean])
    content = text.getvalue().encode(encoding, "replace")
    totals = judge(tmp_path, gzip.compress(content) if zipped else content, encoding=encoding)
    assert totals is not None
    assert totals.rows == len(written) + 1


@quickly
@given(MESS)
def test_a_torn_archive_is_refused_in_words(tmp_path: Path, mess: bytes) -> None:
    whole = gzip.compress(b"who,day,paid\n1,2026-01-01,1\n")
    judge(tmp_path, whole[:15] + mess)
    judge(tmp_path, b"PK\x03\x04" + mess)
    judge(tmp_path, codecs.BOM_UTF16_LE + mess)


@quickly
@given(st.integers(5, 40), MESS)
def test_long_rows_are_counted_alike(tmp_path: Path, longest: int, mess: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in (rows, reconciliation):
            patch.setattr(module, "LONGEST_ROW", longest + 12)
        patch.setattr(reconciliation, "_CHUNK", longest * 3 + 50)
        judge(tmp_path, b"who,day,paid\n1,2026-01-01,1\n" + mess, encoding="utf-8")
