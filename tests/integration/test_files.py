"""The files source against a real Postgres: what lands, what is quarantined, what a re-run does."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import yaml
from psycopg import Connection

from ingestion.__main__ import main
from ingestion.errors import SourceError
from ingestion.locks import exclusive_load
from ingestion.sources.companies import land_companies
from ingestion.sources.files import FeedLoad, land_files, land_spend
from ingestion.sources.files.reconciliation import compare_feed
from tests.integration.connectors.harness import command_environment, kill
from warehouse.bulk import fingerprint
from warehouse.companies import Company
from warehouse.connection import connect
from warehouse.settings import PROJECT_ROOT, get_settings

HEADER = "who,day,paid,note\n"
LANDED = "raw_files.order_lines"
LOAD_COLUMNS = ["_dlt_load_id"]


def make_company(company_id: str = "shop", path: str = "*.csv") -> Company:
    return Company.model_validate(
        {
            "id": company_id,
            "name": company_id.title(),
            "base_currency": "EUR",
            "timezone": "Europe/Berlin",
            "margin_rate": 0.4,
            "sources": {
                "files": [
                    {
                        "feed": "orders",
                        "path": path,
                        "columns": {"customer_id": "who", "order_date": "day", "amount": "paid"},
                        "currency": "EUR",
                    }
                ]
            },
        }
    )


def land(folder: Path, company: Company | None = None) -> FeedLoad:
    (load,) = land_files(company or make_company(), folder)
    return load


@pytest.fixture
def rows(connection: Connection[Any]) -> Iterator[Any]:
    """Reads rows; every query sees what has been committed by then."""
    connection.autocommit = True

    def read(query: str, *parameters: object) -> list[tuple[Any, ...]]:
        return connection.execute(query, parameters).fetchall()  # type: ignore[arg-type]

    for table in (LANDED, "quarantine.rejected_rows"):
        if read("select to_regclass(%s)", table)[0][0]:
            read(f"delete from {table} returning 1")
    yield read


def test_good_rows_land_and_bad_rows_are_quarantined(tmp_path: Path, rows: Any) -> None:
    (tmp_path / "a.csv").write_text(
        HEADER + '1,2026-01-01,10.00,x\n2,2026-01-02,"1,5",y\n1,2026-01-01,10.00,x\n'
    )
    load = land(tmp_path)
    assert (load.totals.landed_rows, load.totals.rejected_rows) == (2, 1)
    assert rows(
        "select customer_id, order_date::text, amount, currency, line_number, extra ->> 'note'"
        f" from {LANDED} order by line_number"
    ) == [
        ("1", "2026-01-01", Decimal("10.0000"), "EUR", 2, "x"),
        ("1", "2026-01-01", Decimal("10.0000"), "EUR", 4, "x"),
    ]
    assert rows(
        "select company_id, source, feed, source_file, line_number, column_name, raw_row ->> 'paid'"
        " from quarantine.rejected_rows"
    ) == [("shop", "files", "orders", "a.csv", 3, "paid", "1,5")]
    assert "has a comma" in rows("select reason from quarantine.rejected_rows")[0][0]


def test_a_second_load_changes_nothing_and_a_mended_file_empties_the_quarantine(
    tmp_path: Path, rows: Any, connection: Connection[Any]
) -> None:
    file = tmp_path / "a.csv"
    file.write_text(HEADER + "1,2026-01-01,10.00,\n2,soon,5.00,\n")
    land(tmp_path)
    before = fingerprint(connection, LANDED, exclude=LOAD_COLUMNS)
    land(tmp_path)
    assert fingerprint(connection, LANDED, exclude=LOAD_COLUMNS) == before
    file.write_text(HEADER + "1,2026-01-01,11.00,\n2,2026-01-02,5.00,\n")
    land(tmp_path)
    assert rows(f"select amount from {LANDED} order by line_number") == [(11,), (5,)]
    assert rows("select count(*) from quarantine.rejected_rows") == [(0,)]


def test_a_failed_load_leaves_what_was_there(tmp_path: Path, rows: Any) -> None:
    file = tmp_path / "a.csv"
    file.write_text(HEADER + "1,2026-01-01,10.00,\n2,x,1,\n")
    land(tmp_path)
    for broken in ("who,day\n1,2026-01-01\n", HEADER, HEADER + "1,x,y,z\n"):
        file.write_text(broken)
        with pytest.raises(SourceError, match=r"a\.csv"):
            land(tmp_path)
    file.unlink()
    with pytest.raises(SourceError, match="is missing"):
        land(tmp_path)
    assert rows(f"select customer_id from {LANDED}") == [("1",)]
    assert rows("select count(*) from quarantine.rejected_rows") == [(1,)]


def test_companies_do_not_touch_each_other(tmp_path: Path, rows: Any) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text(HEADER + f"{name},2026-01-01,1.00,\n")
        land(tmp_path, make_company(name, f"{name}.csv"))
    (tmp_path / "one.csv").write_text(HEADER + "three,2026-01-01,1.00,\n")
    land(tmp_path, make_company("one", "one.csv"))
    assert rows(f"select company_id, customer_id from {LANDED} order by 1") == [
        ("one", "three"),
        ("two", "two"),
    ]


def test_companies_that_load_at_once_lose_nothing(tmp_path: Path, rows: Any) -> None:
    names = ["east", "west"]
    for name in names:
        lines = "".join(f"{name}{n},2026-01-01,1.00,\n" for n in range(3_000))
        (tmp_path / f"{name}.csv").write_text(HEADER + lines)
        land(tmp_path, make_company(name, f"{name}.csv"))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for _ in range(3):
            companies = [make_company(name, f"{name}.csv") for name in names]
            loads = pool.map(partial(land, tmp_path), companies)
            assert [load.totals.landed_rows for load in loads] == [3_000, 3_000]
    assert rows(
        f"select company_id, count(*), count(distinct customer_id) from {LANDED}"
        " group by 1 order by 1"
    ) == [("east", 3_000, 3_000), ("west", 3_000, 3_000)]


def test_a_second_load_of_a_company_at_once_is_turned_away(tmp_path: Path, rows: Any) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "1,2026-01-01,10.00,x\n")
    with (
        exclusive_load("files", "shop"),
        pytest.raises(SourceError, match="files of company shop is being loaded already"),
    ):
        land(tmp_path)
    assert land(tmp_path).totals.landed_rows == 1


def test_companies_that_are_landed_twice_at_once_are_there_once(rows: Any) -> None:
    land_companies([make_company("one")])
    with (
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool,
        connect() as reader,
    ):
        # Both come as far as they can.
        reader.execute("lock table raw_files.companies in exclusive mode")
        loads = [pool.submit(land_companies, [make_company("one")]) for _ in range(2)]
        while rows("select count(*) from pg_locks where not granted") < [(2,)]:
            time.sleep(0.05)
        reader.rollback()
        assert [load.result() for load in loads] == [1, 1]
    assert rows("select company_id from raw_files.companies") == [("one",)]


def test_companies_are_replaced_as_a_whole(rows: Any) -> None:
    query = "select company_id, base_currency, margin_rate from raw_files.companies order by 1"
    land_companies([make_company("one"), make_company("two")])
    assert [row[0] for row in rows(query)] == ["one", "two"]
    land_companies([make_company("two")])
    assert rows(query) == [("two", "EUR", Decimal("0.400000"))]


def test_the_command_says_what_landed_and_what_is_wrong(
    tmp_path: Path,
    rows: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "companies.yml"
    file.write_text(
        "companies: [{id: shop, name: Shop, base_currency: EUR, timezone: Europe/Berlin,"
        " margin_rate: 0.4, sources: {files: [{feed: orders, path: a.csv, currency: EUR,"
        " columns: {customer_id: who, order_date: day, amount: paid}}]}}]"
    )
    settings = get_settings().model_copy(update={"companies_file": file})
    monkeypatch.setattr("ingestion.__main__.get_settings", lambda: settings)
    assert main(["files", "--company", "shop"]) == 1
    assert "a.csv is missing" in capsys.readouterr().err
    (tmp_path / "a.csv").write_text(HEADER + "1,2026-01-01,10.00,\n2,x,1,\n")
    assert main(["files", "--company", "shop"]) == 0
    said = capsys.readouterr().out
    assert "orders: 1 rows landed, 1 in quarantine, 10.0000 EUR" in said
    assert "a.csv, line 3, day: 'x' is not a date" in said
    assert main(["files", "--company", "nobody"]) == 1
    assert "nobody is not in" in capsys.readouterr().err


SPEND_HEADER = "company,channel,date,amount,currency\n"
SPENT = "raw_files.marketing_spend"


def spending(company_id: str = "shop", **changes: Any) -> Company:
    feed = {
        "feed": "marketing",
        "path": "spend.csv",
        "columns": {name: name for name in SPEND_HEADER.strip().split(",")},
    } | changes
    whole = make_company(company_id).model_dump()
    return Company.model_validate(whole | {"sources": {"spend": [feed]}})


@pytest.fixture
def spent(rows: Any) -> Any:
    if rows("select to_regclass(%s)", SPENT)[0][0]:
        rows(f"delete from {SPENT} returning 1")
    return rows


def test_spend_lands_by_company_and_is_replaced_as_a_whole(tmp_path: Path, spent: Any) -> None:
    file = tmp_path / "spend.csv"
    file.write_text(
        SPEND_HEADER + "shop,google,2026-01-01,12.50,EUR\nother,google,2026-01-01,9,USD\n"
        "shop,,2026-01-02,1,EUR\nshop,facebook,2026-01-02,-2.00,EUR\n,google,2026-01-01,1,EUR\n"
    )
    for company_id, counts in (("shop", (2, 2, 1)), ("other", (1, 1, 3))):
        (load,) = land_spend(spending(company_id), tmp_path)
        totals = load.totals
        assert (totals.landed_rows, totals.rejected_rows, totals.skipped_rows) == counts
    query = (
        f"select company_id, feed, line_number, spend_date::text, channel, amount, currency"
        f" from {SPENT} order by 1, 3"
    )
    assert spent(query) == [
        ("other", "marketing", 3, "2026-01-01", "google", 9, "USD"),
        ("shop", "marketing", 2, "2026-01-01", "google", Decimal("12.5"), "EUR"),
        ("shop", "marketing", 5, "2026-01-02", "facebook", -2, "EUR"),
    ]
    rejected = spent(
        "select line_number, column_name from quarantine.rejected_rows"
        " where company_id = 'shop' order by 1"
    )
    assert rejected == [(4, "channel"), (6, "company")]
    for company in (spending(), spending("other")):
        compared = compare_feed(company, company.sources.spend[0], tmp_path, "marketing_spend")
        assert compared.differences == ()
    file.write_text(SPEND_HEADER + "shop,google,2026-01-01,13,EUR\n")
    land_spend(spending(), tmp_path)
    assert [row[:2] + row[5:6] for row in spent(query)] == [
        ("other", "marketing", 9),
        ("shop", "marketing", 13),
    ]
    with pytest.raises(SourceError, match="1 are left out, so what was loaded before is kept"):
        land_spend(spending("nobody"), tmp_path)


def test_spend_and_purchases_of_a_company_leave_each_other_alone(
    tmp_path: Path, spent: Any
) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "1,2026-01-01,10.00,\n2,x,1,\n")
    (tmp_path / "spend.csv").write_text(SPEND_HEADER + "shop,google,2026-01-01,1,EUR\n")
    both = make_company(path="a.csv").model_dump()
    both["sources"]["spend"] = spending().model_dump()["sources"]["spend"]
    company = Company.model_validate(both)
    for _ in range(2):
        land_files(company, tmp_path)
        land_spend(company, tmp_path)
        assert spent(f"select count(*) from {LANDED}") == [(1,)]
        assert spent(f"select count(*) from {SPENT}") == [(1,)]
        assert spent("select feed from quarantine.rejected_rows") == [("orders",)]


def test_reconciliation_finds_what_is_missing_and_what_is_wrong(tmp_path: Path, rows: Any) -> None:
    (tmp_path / "a.csv").write_bytes(
        'who;day;paid;note\r\nJosé;01.02.2026;"1.234,56 €";x\r\n2;31.02.2026;2,00;"\r\n'
        '3;03.02.2026;(5,00);"two\r\nlines"\r\n4;04.02.2026;7,00\r\n'.encode("cp1252")
    )
    feed = make_company().model_dump()["sources"]["files"][0]
    feed |= {"date_format": "%d.%m.%Y", "decimal": ",", "thousands": "."}
    company = Company.model_validate(make_company().model_dump() | {"sources": {"files": [feed]}})
    load = land(tmp_path, company)
    assert load.totals.formats == ["a.csv: cp1252, semicolon (guessed: encoding, delimiter)"]
    assert rows(f"select customer_id, amount from {LANDED} order by 1") == [
        ("3", -5),
        ("José", Decimal("1234.56")),
    ]

    def differences() -> str:
        (one,) = company.sources.files
        return " ".join(compare_feed(company, one, tmp_path, "order_lines").differences)

    assert differences() == ""
    rows(f"update {LANDED} set amount = amount + 0.01 where customer_id = '3' returning 1")
    assert "the files add up to" in differences()
    rows(f"delete from {LANDED} where customer_id = '3' returning 1")
    assert "4 rows in the files, 1 landed and 2 in quarantine" in differences()


def test_refunds_in_a_column_of_their_own_are_taken_off(tmp_path: Path, rows: Any) -> None:
    (tmp_path / "a.csv").write_text(
        "who,day,paid,note,back\n"
        "1,2026-02-01,10.00,,2.50\n2,2026-02-01,10.00,,-2.50\n3,2026-02-01,10.00,,\n"
        "4,2026-02-01,10.00,,10.00\n5,2026-02-01,10.00,,all of it\n"
    )
    feed = make_company().model_dump()["sources"]["files"][0]
    feed["columns"]["refunded"] = "back"
    company = Company.model_validate(make_company().model_dump() | {"sources": {"files": [feed]}})
    land(tmp_path, company)
    assert rows(f"select customer_id, amount, extra::json ->> 'back' from {LANDED} order by 1") == [
        ("1", Decimal("7.5"), "2.50"),
        ("2", Decimal("7.5"), "-2.50"),
        ("3", Decimal(10), ""),
        ("4", Decimal(0), "10.00"),
    ]
    assert rows("select column_name, raw_row ->> 'who' from quarantine.rejected_rows") == [
        ("back", "5")
    ]
    (one,) = company.sources.files
    assert compare_feed(company, one, tmp_path, "order_lines").differences == ()


@pytest.mark.parametrize("kills", [1, pytest.param(6, marks=pytest.mark.faults)])
def test_killed_at_any_moment(
    tmp_path: Path, rows: Any, connection: Connection[Any], kills: int
) -> None:
    lines = "".join(f"{n},2026-01-01,1.00,\n{n},soon,1.00,\n" for n in range(4_000))
    (tmp_path / "a.csv").write_text(HEADER + lines)
    company = make_company("killed", "a.csv")
    land(tmp_path, company)
    before = fingerprint(connection, LANDED, exclude=LOAD_COLUMNS)
    rows(f"delete from {LANDED} returning 1")
    companies = tmp_path / "companies.yml"
    companies.write_text(yaml.safe_dump({"companies": [company.model_dump(mode="json")]}))
    chance = random.Random(kills)
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-m", "ingestion", "files", "--company", "killed"],
            cwd=PROJECT_ROOT,
            env=os.environ | command_environment(get_settings(), companies),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(1.5, 6))
        kill(process)
    land(tmp_path, company)
    assert fingerprint(connection, LANDED, exclude=LOAD_COLUMNS) == before
    assert rows("select count(*) from quarantine.rejected_rows") == [(4_000,)]
