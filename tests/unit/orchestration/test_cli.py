"""The command as people call it: in a process of its own, in a home where nothing runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

Clv = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def clv(tmp_path: Path) -> Clv:
    def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CLV_")}
        return subprocess.run(
            [sys.executable, "-c", "from orchestration.cli import main; main()", *arguments],
            env={**inherited, "CLV_HOME": str(tmp_path / ".clv"), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return call


def is_one_clear_message(result: subprocess.CompletedProcess[str], *words: str) -> bool:
    return (
        result.returncode == 1
        and "Traceback" not in result.stderr
        and all(word in result.stderr for word in words)
        and result.stdout.strip() == ""
    )


def test_a_folder_that_cannot_be_written(clv: Clv, tmp_path: Path) -> None:
    (tmp_path / ".clv").write_text("a file")
    assert is_one_clear_message(clv("up"), str(tmp_path / ".clv"), "CLV_HOME")
    assert is_one_clear_message(clv("down"), str(tmp_path / ".clv"), "CLV_HOME")


def test_an_old_data_directory(clv: Clv, tmp_path: Path) -> None:
    data = tmp_path / ".clv" / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")
    assert is_one_clear_message(clv("up"), "Old data directory", "PostgreSQL 16", f"mv '{data}'")


def test_a_setting_that_makes_no_sense(clv: Clv) -> None:
    assert is_one_clear_message(clv("status", CLV_POSTGRES_PORT="many"), "CLV_POSTGRES_PORT")
    assert is_one_clear_message(clv("status", CLV_POSTGRES_PORT="80"), "CLV_POSTGRES_PORT")


def test_a_server_of_ones_own_that_is_not_there(clv: Clv) -> None:
    result = clv("up", CLV_DATABASE_URL="postgresql://me:secret@127.0.0.1:1/clv")
    assert is_one_clear_message(result, "me@127.0.0.1:1/clv", "refused")
    assert "secret" not in result.stderr


def test_a_url_before_there_is_a_server(clv: Clv) -> None:
    assert is_one_clear_message(clv("url"), "clv up")


def test_the_url_of_a_server_of_ones_own(clv: Clv) -> None:
    result = clv("url", CLV_DATABASE_URL="postgres://me:secret@here/shop")
    assert result.stdout == "postgresql://me:secret@here/shop\n"
    assert result.returncode == 0


def test_nothing_runs(clv: Clv, tmp_path: Path) -> None:
    result = clv("status", "--json")
    assert json.loads(result.stdout) == [
        {"name": name, "address": None, "state": "stopped"}
        for name in (
            "postgres",
            "dagster-code-server",
            "mlflow",
            "dagster-webserver",
            "dagster-daemon",
            "receiver",
            "dashboard",
            "demo-shop-acme",
            "demo-account-acme",
            "demo-site-acme",
            "demo-shop-bolt",
        )
    ]
    assert clv("down").stdout == "Nothing was running.\n"
    assert not (tmp_path / ".clv").exists(), "looking leaves no trace"


def test_a_service_that_died_is_named_by_the_doctor(clv: Clv, tmp_path: Path) -> None:
    for folder in ("run", "logs"):
        (tmp_path / ".clv" / folder).mkdir(parents=True)
    record = {"pid": 2**22 + 1, "born": 1.0, "port": 5000, "launch": "", "log_offset": 0}
    (tmp_path / ".clv" / "run" / "mlflow.json").write_text(json.dumps(record))
    (tmp_path / ".clv" / "logs" / "mlflow.log").write_text("out of memory\n")
    result = clv("doctor")
    assert result.returncode == 1
    assert re.search(r"problem mlflow: has ended by itself.*\n.*out of memory", result.stdout)
    assert "clv up" in result.stdout


def test_the_doctor_names_what_is_wrong_with_the_companies(clv: Clv, tmp_path: Path) -> None:
    companies = tmp_path / "companies.yml"
    companies.write_text("companies: [{id: acme}]")
    result = clv("doctor", CLV_COMPANIES_FILE=str(companies))
    assert result.returncode == 1
    assert "problem Companies" in result.stdout
    assert "acme > base_currency" in result.stdout
    assert f"Mend {companies}" in result.stdout


def test_the_doctor_names_an_old_data_directory(clv: Clv, tmp_path: Path) -> None:
    data = tmp_path / ".clv" / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")
    result = clv("doctor")
    assert result.returncode == 1
    assert "problem Data directory" in result.stdout
    assert f"mv '{data}' '{data}-16'" in result.stdout


def test_the_doctor_names_a_folder_that_cannot_be_written(clv: Clv, tmp_path: Path) -> None:
    (tmp_path / ".clv").write_text("a file")
    result = clv("doctor")
    assert result.returncode == 1
    assert "problem Folder" in result.stdout
    assert "Traceback" not in result.stderr


def test_help_names_the_commands(clv: Clv) -> None:
    result = clv("--help")
    assert result.returncode == 0
    commands = ("demo", "run", "up", "down", "status", "url", "doctor")
    assert all(word in result.stdout for word in commands)


def test_help_loads_nothing_heavy() -> None:
    command = (
        "import sys; import orchestration.cli;"
        "print([m for m in sys.modules if m.split('.')[0] in"
        " ('dagster', 'mlflow', 'pandas', 'psycopg', 'pydantic', 'psutil', 'grpc')])"
    )
    result = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "[]"


def test_map_shows_what_would_land_and_writes_only_when_asked(clv: Clv, tmp_path: Path) -> None:
    file = tmp_path / "Bestellungen-2026.csv"
    file.write_bytes(
        "Bestellnummer;Kunde;Bestelldatum;Betrag\n1;Zoë;31.01.2026;1.012,50 €\n"
        "2;Jörg;01.02.2026;viel\n".encode("cp1252")
    )
    companies = tmp_path / "companies.yml"
    where = {"CLV_COMPANIES_FILE": str(companies)}
    shown = clv("map", str(file), **where)
    assert shown.returncode == 0, shown.stderr
    for words in (
        "feed: bestellungen",
        "order_date: Bestelldatum",
        "thousands: .",
        "encoding: cp1252",
        "Of 2 rows 1 would land, 1,012.5000 EUR; 1 would be quarantined",
        "Bestellungen-2026.csv, line 3, Betrag: 'viel' is not a number",
        "Nothing is written yet: add --write",
    ):
        assert words in shown.stdout, shown.stdout
    assert not companies.exists()
    written = clv("map", str(file), "--company", "mine", "--feed", "sold", "--write", **where)
    assert written.returncode == 0, written.stderr
    assert "clv run mine" in written.stdout
    (company,) = yaml.safe_load(companies.read_text())["companies"]
    assert (company["id"], company["base_currency"]) == ("mine", "EUR")
    (feed,) = company["sources"]["files"]
    assert (feed["feed"], feed["path"]) == ("sold", "Bestellungen-2026.csv")
    # No database was needed, and none was made.
    assert not (tmp_path / ".clv").exists()


def test_map_says_what_is_wrong_and_asks_what_it_cannot_know(clv: Clv, tmp_path: Path) -> None:
    where = {"CLV_COMPANIES_FILE": str(tmp_path / "companies.yml")}
    assert is_one_clear_message(clv("map", str(tmp_path / "none.csv"), **where), "is missing")
    file = tmp_path / "a.csv"
    file.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    assert is_one_clear_message(clv("map", str(file), **where), "a.csv is no text")
    file.write_text("customer,date,total\n1,01/02/2026,5.00\n")
    asked = clv("map", str(file), "--write", **where)
    assert asked.returncode == 1
    assert "whether day or month comes first: give --date-format" in asked.stdout
    assert not (tmp_path / "companies.yml").exists()
    (tmp_path / "companies.yml").write_text("companies: 1\n")
    assert is_one_clear_message(clv("map", str(file), **where), "has a mistake")
