"""Exchange rates against a real Postgres, a real HTTP server and real dbt."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from psycopg import Connection

from ingestion.__main__ import main
from ingestion.errors import SourceError
from ingestion.http import Patience, Transport
from ingestion.locks import exclusive_load
from ingestion.sources.rates import land_rates
from orchestration.environment import runtime_environment
from tests.integration.connectors.harness import command_environment, kill
from warehouse.bulk import fingerprint
from warehouse.companies import NO_COMPANY, ExchangeRates
from warehouse.settings import PROJECT_ROOT, Settings, get_settings

TABLE = "raw_rates.exchange_rates"
FILE = ExchangeRates(path="rates.csv")
HEADER = "Date,USD,JPY,\n"


@pytest.fixture
def rows(connection: Connection[Any]) -> Iterator[Any]:
    connection.autocommit = True

    def read(query: str, *parameters: object) -> list[tuple[Any, ...]]:
        return connection.execute(query, parameters).fetchall()  # type: ignore[arg-type]

    if read("select to_regclass(%s)", TABLE)[0][0]:
        connection.execute(f"truncate {TABLE}")
    connection.execute("delete from quarantine.rejected_rows where source = 'rates'")
    yield read


def test_rates_land_are_corrected_and_never_double(tmp_path: Path, rows: Any) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(HEADER + "2026-04-13,1.1684,186.41,\n2026-04-10,1.1712,N/A,\n2026-04-09,x,1,\n")
    load = land_rates(FILE, tmp_path)
    assert (load.totals.landed_rows, load.totals.rejected_rows) == (4, 1)
    assert rows(
        "select company_id, column_name from quarantine.rejected_rows where source = 'rates'"
    ) == [(NO_COMPANY, "USD")]
    land_rates(FILE, tmp_path)
    # A newer file is shorter and corrects one rate: what it lacks stays.
    file.write_text(HEADER + "2026-04-14,1.17,187,\n2026-04-13,1.1685,186.41,\n")
    land_rates(FILE, tmp_path)
    assert rows(
        f"select rate_date::text, currency, units_per_eur, source from {TABLE} order by 1, 2"
    ) == [
        ("2026-04-09", "JPY", Decimal(1), "rates.csv"),
        ("2026-04-10", "USD", Decimal("1.1712"), "rates.csv"),
        ("2026-04-13", "JPY", Decimal("186.41"), "rates.csv"),
        ("2026-04-13", "USD", Decimal("1.1685"), "rates.csv"),
        ("2026-04-14", "JPY", Decimal(187), "rates.csv"),
        ("2026-04-14", "USD", Decimal("1.17"), "rates.csv"),
    ]
    assert rows("select count(*) from quarantine.rejected_rows where source = 'rates'") == [(0,)]


def test_a_failed_load_leaves_what_was_there(tmp_path: Path, rows: Any) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(HEADER + "2026-04-13,1.1684,186.41,\n")
    land_rates(FILE, tmp_path)
    file.write_text(HEADER + "2026-04-14,N/A,,\n")
    with pytest.raises(SourceError, match="not one rate can be read"):
        land_rates(FILE, tmp_path)
    file.unlink()
    with pytest.raises(SourceError, match=r"is missing\. Put the file there"):
        land_rates(FILE, tmp_path)
    with (
        exclusive_load("rates", NO_COMPANY),
        pytest.raises(SourceError, match="is being loaded already"),
    ):
        land_rates(FILE, tmp_path)
    assert rows(f"select count(*) from {TABLE}") == [(2,)]


class _Server(BaseHTTPRequestHandler):
    """Answers in turn, by 304 to who names the present version (RFC 9110, 13.1)."""

    answers: ClassVar[list[tuple[int, bytes]]] = []
    asked: ClassVar[list[str]] = []
    validators: ClassVar[dict[str, str]] = {}
    sent: ClassVar[list[int]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, body = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if status == 200 and self._is_known():
            status, body = 304, b""
        self.sent.append(status)
        self.send_response(status)
        for name, value in self.validators.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _is_known(self) -> bool:
        etag = self.headers.get("If-None-Match")
        if etag is not None:
            return etag == self.validators.get("ETag")
        since = self.headers.get("If-Modified-Since")
        return since is not None and since == self.validators.get("Last-Modified")

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(*answers: tuple[int, bytes]) -> Iterator[str]:
    _Server.answers, _Server.asked, _Server.sent, _Server.validators = list(answers), [], [], {}
    server = HTTPServer(("127.0.0.1", 0), _Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/eurofxref-hist.csv?key=secret"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fetch(url: str, folder: Path) -> Any:
    patience = Transport("exchange rates", url, patience=Patience(attempts=3), sleep=lambda _: None)
    return land_rates(ExchangeRates(url=url), folder, patience)


def test_rates_are_fetched_with_retries(tmp_path: Path, rows: Any) -> None:
    content = (HEADER + "2026-04-13,1.1684,186.41,\n").encode()
    with served((503, b"busy"), (429, b"slow down"), (200, content)) as url:
        assert fetch(url, tmp_path).totals.landed_rows == 2
        assert len(_Server.asked) == 3
    # The part after the question mark may be a key and stands nowhere.
    assert rows(f"select distinct source from {TABLE}") == [("eurofxref-hist.csv",)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"ETag": 'W/"a"'}, {"ETag": 'W/"b"'}),
        (
            {"Last-Modified": "Mon, 13 Apr 2026 14:10:00 GMT"},
            {"Last-Modified": "Tue, 14 Apr 2026 14:10:00 GMT"},
        ),
    ],
    ids=["etag", "date"],
)
def test_a_file_that_has_not_changed_is_not_fetched(
    tmp_path: Path, rows: Any, first: dict[str, str], second: dict[str, str]
) -> None:
    content = (HEADER + "2026-04-13,1.1684,186.41,\n2026-04-12,x,1,\n").encode()
    rejected = "select count(*) from quarantine.rejected_rows where source = 'rates'"
    with served((200, content)) as url:
        _Server.validators = first
        assert not fetch(url, tmp_path).unchanged
        # What couldn't be read then stays in quarantine.
        again = fetch(url, tmp_path)
        assert again.unchanged and again.load_id == "" and again.totals.landed_rows == 0
        assert rows(rejected) == [(1,)]
        # Another address may hold another file under the same name of its version.
        assert not fetch(f"{url}&other", tmp_path).unchanged
        assert not fetch(url, tmp_path).unchanged
        # Rows that somebody deleted come back.
        rows(f"delete from {TABLE} returning 1")
        assert not fetch(url, tmp_path).unchanged
        _Server.validators = second
        _Server.answers = [(200, (HEADER + "2026-04-14,1.17,187,\n").encode())]
        assert fetch(url, tmp_path).totals.landed_rows == 2
        assert fetch(url, tmp_path).unchanged
        assert _Server.sent == [200, 304, 200, 200, 200, 200, 304]
    assert rows(f"select count(*) from {TABLE}") == [(5,)]
    assert rows(rejected) == [(0,)]


def test_a_version_that_could_not_be_read_is_fetched_again(tmp_path: Path, rows: Any) -> None:
    with served((200, (HEADER + "2026-04-14,N/A,,\n").encode())) as url:
        _Server.validators = {"ETag": '"a"'}
        for _ in range(2):
            with pytest.raises(SourceError, match="not one rate can be read"):
                fetch(url, tmp_path)
        assert _Server.sent == [200, 200]


@pytest.mark.parametrize(
    ("answer", "says"),
    [((404, b""), "Nothing is at this address"), ((500, b""), "given up after 3")],
)
def test_an_outage_says_what_to_do_and_no_secret(
    tmp_path: Path, rows: Any, answer: tuple[int, bytes], says: str
) -> None:
    with served(answer) as url, pytest.raises(SourceError, match=says) as raised:
        fetch(url, tmp_path)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("kills", [1, pytest.param(6, marks=pytest.mark.faults)])
def test_killed_at_any_moment(
    tmp_path: Path,
    rows: Any,
    connection: Connection[Any],
    warehouse_settings: Settings,
    kills: int,
) -> None:
    file = PROJECT_ROOT / "demo" / "data" / "exchange_rates.csv"
    rates = ExchangeRates(path=str(file))
    land_rates(rates, tmp_path)
    before = fingerprint(connection, TABLE, exclude=["_dlt_load_id"])
    connection.execute(f"truncate {TABLE}")
    companies = tmp_path / "companies.yml"
    company = {
        "id": "a",
        "name": "A",
        "base_currency": "EUR",
        "timezone": "UTC",
        "margin_rate": 0.3,
    }
    companies.write_text(
        yaml.safe_dump({"companies": [company], "exchange_rates": {"path": str(file)}})
    )
    chance = random.Random(kills)
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-m", "ingestion", "rates"],
            cwd=PROJECT_ROOT,
            env=runtime_environment(warehouse_settings)
            | command_environment(warehouse_settings, companies),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(1.5, 6))
        kill(process)
    land_rates(rates, tmp_path)
    assert fingerprint(connection, TABLE, exclude=["_dlt_load_id"]) == before


def test_the_command_says_what_landed(
    tmp_path: Path, rows: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    company = "companies: [{id: a, name: A, base_currency: EUR, timezone: UTC, margin_rate: 0.3}]\n"
    file = tmp_path / "companies.yml"
    file.write_text(company)
    settings = get_settings().model_copy(update={"companies_file": file})
    monkeypatch.setattr("ingestion.__main__.get_settings", lambda: settings)
    assert main(["rates"]) == 1
    assert "names no exchange rates. Add exchange_rates" in capsys.readouterr().err
    file.write_text(company + "exchange_rates: {path: rates.csv}\n")
    (tmp_path / "rates.csv").write_text(HEADER + "2026-04-13,1.1684,0,\n")
    assert main(["rates"]) == 0
    said = capsys.readouterr().out
    assert "exchange_rates: 1 rows landed, 1 in quarantine" in said
    assert "rates.csv, line 2, JPY: '0' is not a rate" in said


def test_dbt_fills_gaps_of_at_most_five_days(
    tmp_path: Path, rows: Any, connection: Connection[Any], warehouse_settings: Settings
) -> None:
    (tmp_path / "rates.csv").write_text(
        HEADER + "2026-03-02,1.16,N/A,\n2026-03-12,1.17,180,\n2026-03-13,1.18,181,\n"
    )
    land_rates(FILE, tmp_path)
    built = subprocess.run(
        [
            *("dbt", "build", "--target-path", str(tmp_path / "target")),
            *("--select", "stg_rates__exchange_rates", "int_exchange_rates_filled"),
        ],
        cwd=PROJECT_ROOT / "dbt_project",
        env=runtime_environment(warehouse_settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout[-6000:]
    assert "gaps_are_filled_forward_five_days_and_no_more" in built.stdout
    found = rows(
        "select currency, array_agg(to_char(rate_date, 'DD') || ':' || rate_age_days"
        " order by rate_date) from intermediate.int_exchange_rates_filled"
        " where currency <> 'EUR' group by 1 order by 1"
    )
    ages = ["12:0", "13:0", "14:1", "15:2", "16:3", "17:4", "18:5"]
    assert found == [
        ("JPY", ages),
        ("USD", ["02:0", "03:1", "04:2", "05:3", "06:4", "07:5", *ages]),
    ]
