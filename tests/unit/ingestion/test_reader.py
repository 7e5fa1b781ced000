import csv
import io
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.errors import SourceError
from ingestion.quarantine import Quarantine
from ingestion.sources.files.reader import FeedTotals, read_feed
from ingestion.sources.files.reconciliation import count_feed
from ingestion.sources.files.schema import ORDER_LINES
from warehouse.companies import Company, FileFeed

COMPANY = Company(
    id="shop", name="Shop", base_currency="USD", timezone="Europe/Berlin", margin_rate=0.3
)


def make_feed(**changes: Any) -> FileFeed:
    settings_: dict[str, Any] = {
        "feed": "orders",
        "path": "*.csv",
        "columns": {"customer_id": "who", "order_date": "day", "amount": "paid"},
        "currency": "USD",
    }
    return FileFeed.model_validate(settings_ | changes)


def read(folder: Path, **changes: Any) -> tuple[list[dict[str, Any]], FeedTotals, Quarantine]:
    totals = FeedTotals()
    quarantine = Quarantine("shop", "files", "orders")
    pages = list(read_feed(COMPANY, make_feed(**changes), folder, totals, quarantine))
    assert all(page.schema == ORDER_LINES for page in pages)
    return [row for page in pages for row in page.to_pylist()], totals, quarantine


def test_every_row_lands_or_is_quarantined_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "who,day,paid\n"
        "1,2026-01-01,10.00\n"
        '2,2026-01-02,"1,000.00"\n'
        "\n"
        '3,2026-01-03,"12.50"\n'
        '"4\n4",2026-01-04,7\n'
        "5,2026-13-01,1\n"
        "6,2026-01-06\n"
    )
    rows, totals, quarantine = read(tmp_path)
    assert [(row["customer_id"], row["line_number"]) for row in rows] == [
        ("1", 2),
        ("3", 5),
        ("4\n4", 6),
    ]
    assert [(row.line_number, row.column_name) for row in quarantine.first] == [
        (3, "paid"),
        (8, "day"),
        (9, "(row)"),
    ]
    assert (totals.rows, totals.landed_rows, totals.rejected_rows) == (6, 3, 3)
    assert totals.amounts == {"USD": Decimal("29.50")}
    assert str(quarantine.first[0]).startswith("a.csv, line 3, paid: '1,000.00' has a comma")


def test_a_missing_file_says_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"is missing\. Put the file there, or correct the path"):
        read(tmp_path)


def test_a_missing_column_names_file_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("who,day\n1,2026-01-01\n")
    with pytest.raises(SourceError, match=r"a.csv, line 1: column 'paid' \(amount\) is missing"):
        read(tmp_path)


@pytest.mark.parametrize("content", ["", "who,day,paid\n", "who,day,paid\n1,x,y\n"])
def test_a_file_in_which_nothing_can_be_read_fails_the_load(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(SourceError):
        read(tmp_path)


def test_wrong_bytes_cost_their_row_only(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(
        b"who,day,paid\nJos\xe9,2026-01-01,1\nnul\x00,2026-01-01,1\nAna,2026-01-01,2\n"
    )
    rows, _, quarantine = read(tmp_path)
    assert [row["customer_id"] for row in rows] == ["Ana"]
    assert [row.line_number for row in quarantine.first] == [2, 3]
    assert "set the feed's encoding" in quarantine.first[0].reason
    rows, _, _ = read(tmp_path, encoding="latin-1")
    assert [row["customer_id"] for row in rows] == ["José", "Ana"]


def test_a_byte_order_mark_and_other_delimiters_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("﻿who; day ;paid\r\n1;01.02.2026;3,50\r\n", newline="")
    changes = {"delimiter": ";", "decimal": ",", "date_format": "%d.%m.%Y"}
    rows, _, _ = read(tmp_path, **changes)
    assert rows[0]["amount"] == Decimal("3.50")
    counted = count_feed(COMPANY, make_feed(**changes), tmp_path)
    assert (counted.rows, counted.amount) == (1, Decimal("3.50"))


def test_files_of_one_pattern_are_one_feed(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("who,day,paid\n2,2026-02-01,2\n")
    (tmp_path / "a.csv").write_text("paid,who,day\n1,1,2026-01-01\n")
    rows, totals, _ = read(tmp_path)
    assert totals.files == ["a.csv", "b.csv"]
    assert [row["source_file"] for row in rows] == ["a.csv", "b.csv"]


FIELD = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8
) | st.sampled_from(["1", "2026-01-01", "9.99", "1,0", '"', "\n", ""])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(FIELD, min_size=1, max_size=5), max_size=12))
def test_no_row_is_ever_lost(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["who", "day", "paid"], ["1", "2026-01-01", "1"], *rows])
    (folder / "a.csv").write_bytes(text.getvalue().encode())
    landed, totals, quarantine = read(folder)
    assert totals.rows == len(rows) + 1
    assert (len(landed), quarantine.rows) == (totals.landed_rows, totals.rejected_rows)


def test_what_a_feed_leaves_to_guessing_is_said(tmp_path: Path) -> None:
    changes = {"decimal": "auto", "date_format": "auto"}
    (tmp_path / "a.csv").write_text("who;day;paid\n1;31/01/2026;1.234,50\n2;01/02/2026;7,00\n")
    rows, totals, _ = read(tmp_path, **changes)
    assert [(str(row["order_date"]), row["amount"]) for row in rows] == [
        ("2026-01-31", Decimal("1234.5")),
        ("2026-02-01", Decimal(7)),
    ]
    assert totals.formats == [
        "orders: decimal ',' (guessed)",
        "orders: thousands '.' (guessed)",
        "orders: date_format '%d/%m/%Y' (guessed)",
        "a.csv: utf-8, semicolon (guessed: encoding, delimiter)",
    ]
    counted = count_feed(COMPANY, make_feed(**changes), tmp_path)
    assert (counted.rows, counted.amount) == (2, Decimal("1241.5"))
    (tmp_path / "a.csv").write_text("who,day,paid\n1,02/01/2026,5.00\n")
    with pytest.raises(SourceError, match=r"could be day or month first\. Set date_format"):
        read(tmp_path, **changes)
    (tmp_path / "a.csv").write_text('who,day,paid\n1,2026-01-31,"1,234"\n')
    with pytest.raises(SourceError, match=r"a point or a comma\. Set decimal"):
        read(tmp_path, **changes)


def test_what_is_set_goes_before_what_would_be_guessed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("who,day,paid\nJosé,2026-01-31,1\n".encode("cp1252"))
    rows, _totals, _quarantine = read(tmp_path)
    assert [row["customer_id"] for row in rows] == ["José"]
    with pytest.raises(SourceError, match="not utf-8 text"):
        read(tmp_path, encoding="utf-8")
    with pytest.raises(SourceError, match=r"'who' \(customer_id\) is missing"):
        read(tmp_path, delimiter=";")


def test_archives_are_told_by_their_content(tmp_path: Path) -> None:
    def archived(**files: str) -> None:
        with zipfile.ZipFile(tmp_path / "a.csv", "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)

    text = "who,day,paid\n1,2026-01-31,5\n"
    archived(**{"orders.csv": text, "__MACOSX/._orders.csv": "x"})
    assert [row["customer_id"] for row in read(tmp_path)[0]] == ["1"]
    assert count_feed(COMPANY, make_feed(), tmp_path).rows == 1
    for files, says in (
        ({"a.csv": text, "b.csv": text}, "holds 2 files"),
        ({"[Content_Types].xml": "", "xl/sheet1.xml": ""}, "is a workbook: save the sheet as CSV"),
        ({}, "holds 0 files"),
    ):
        archived(**files)
        with pytest.raises(SourceError, match=says):
            read(tmp_path)


def test_a_sign_that_is_not_the_currencys_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("who,day,paid\n1,2026-01-31,$5\n2,2026-01-31,€5\n")
    rows, _, quarantine = read(tmp_path)
    assert [row["customer_id"] for row in rows] == ["1"]
    assert "the row's currency is USD" in quarantine.first[0].reason


def test_price_times_quantity_is_the_amount(tmp_path: Path) -> None:
    columns = {
        "customer_id": "who",
        "order_date": "day",
        "unit_price": "price",
        "quantity": "pieces",
    }
    (tmp_path / "a.csv").write_text(
        "who,day,price,pieces\n1,2026-01-31,2.55,12\n1,2026-01-31,2.55,-2\n"
        "1,2026-01-31,0.3333,0.3333\n1,2026-01-31,2,\n1,2026-01-31,99999999999999,99\n"
    )
    rows, _, quarantine = read(tmp_path, columns=columns)
    assert [row["amount"] for row in rows] == [Decimal("30.6"), Decimal("-5.1"), Decimal("0.1111")]
    assert rows[0]["extra"] == '{"price": "2.55"}'
    assert [row.column_name for row in quarantine.first] == ["pieces", "price"]
    counted = count_feed(COMPANY, make_feed(columns=columns), tmp_path)
    assert (counted.rows, counted.amount) == (5, Decimal("25.6111"))


def test_rows_that_are_no_sale_are_left_out_and_counted(tmp_path: Path) -> None:
    columns = {"customer_id": "who", "order_date": "day", "amount": "paid", "order_id": "no"}
    skip = {"state": ("VOID", "failed")}
    (tmp_path / "a.csv").write_text(
        "no,who,day,paid,state\n1,a,2026-01-31,1,paid\n1,a,2026-01-31,2,\n2,b,2026-01-31,4,void\n"
        "2,b,2026-01-31,8,\n3,c,2026-01-31,16,\n2,b,soon,32,Failed\n"
    )
    rows, totals, _ = read(tmp_path, columns=columns, skip=skip)
    assert [row["amount"] for row in rows] == [1, 2, 16]
    assert (totals.skipped_rows, totals.rejected_rows, totals.rows) == (3, 0, 6)
    counted = count_feed(COMPANY, make_feed(columns=columns, skip=skip), tmp_path)
    assert (counted.rows, counted.amount) == (3, Decimal(19))
    with pytest.raises(SourceError, match=r"'status' \(skip\) is missing"):
        read(tmp_path, columns=columns, skip={"status": ("void",)})
