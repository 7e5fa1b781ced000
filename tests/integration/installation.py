"""A whole installation of its own, used by its command as a person would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql

from tests.integration.conftest import forget, free_port
from warehouse.bulk import fingerprint
from warehouse.embedded import embedded_server
from warehouse.settings import PROJECT_ROOT, Settings

CLV = str(Path(sys.executable).with_name("clv"))
TIMEOUT = 300
SCHEMAS = ["marts", "ml", "reporting", "quarantine"]
# When a row was refused is a column of the run, not of the data.
RUN_COLUMNS = ["rejected_at"]

_PLATFORM = """
import json
from orchestration.environment import platform_environment
from warehouse.settings import get_settings
print(json.dumps(platform_environment(get_settings())))
"""


@dataclass(frozen=True)
class Installation:
    """Home, companies.yml and the environment of the command.

    Attributes:
        folder: Holds home/ and companies.yml.
        environment: Of every process of it.
    """

    folder: Path
    environment: dict[str, str]

    def clv(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        ended = subprocess.run(
            [CLV, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        if check:
            assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}\n{self.logs()}"
        return ended

    def logs(self) -> str:
        """The ends of what the worker and Postgres said."""
        home = self.folder / "home"
        files = [home / "logs" / "refresh.log", home / "postgres" / "postgres.log"]
        return "\n".join(file.read_text()[-3000:] for file in files if file.exists())

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [CLV, *arguments],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def python(self, program: str) -> Any:
        """Runs a program as a process of the platform; what it prints last is JSON."""
        platform = self._program(_PLATFORM, self.environment)
        return self._program(program, self.environment | platform)

    def _program(self, program: str, environment: dict[str, str]) -> Any:
        ended = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
            cwd=PROJECT_ROOT,
        )
        assert ended.returncode == 0, ended.stderr[-6000:]
        return json.loads(ended.stdout.strip().splitlines()[-1])

    def url(self) -> str:
        return self.clv("url").stdout.strip()

    def query(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url()) as connection:
            return connection.execute(query, parameters).fetchall()  # type: ignore[arg-type]

    def execute(self, statement: str, *parameters: object) -> int:
        with psycopg.connect(self.url()) as connection:
            return connection.execute(statement, parameters).rowcount  # type: ignore[arg-type]

    def fingerprints(self) -> dict[str, str]:
        """What all tables hold that people read, by table."""
        with psycopg.connect(self.url()) as connection:
            return {
                table: fingerprint(connection, table, exclude=RUN_COLUMNS)
                for table in _tables(connection)
            }

    def of_company(self, company_id: str) -> dict[str, list[str]]:
        """The rows of one company in all tables that people read, by table."""
        with psycopg.connect(self.url()) as connection:
            return {
                table: [
                    row
                    for (row,) in connection.execute(
                        sql.SQL(
                            "select t::text from {} as t where company_id = %s order by 1"
                        ).format(sql.Identifier(*table.split("."))),
                        (company_id,),
                    )
                ]
                for table in _tables(connection)
                if not table.startswith("quarantine.")
            }

    def rows(self, table: str) -> set[str]:
        return {row for (row,) in self.query(f"select t::text from {table} as t")}


def _tables(connection: psycopg.Connection) -> list[str]:
    found = connection.execute(
        "select schemaname || '.' || tablename from pg_tables where schemaname = any(%s)",
        (SCHEMAS,),
    )
    return [table for (table,) in found]


@contextmanager
def installed(companies: list[dict[str, Any]], **variables: str) -> Iterator[Installation]:
    """Makes an installation and removes it, its server included.

    Args:
        companies: What companies.yml holds.
        variables: More of the environment.
    """
    # Not tmp_path: it is its owner's alone, and root's Postgres runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="installation with blanks "))
    (folder / "companies.yml").write_text(yaml.safe_dump({"companies": companies}))
    port = free_port()
    settings = Settings(home=folder / "home", postgres_port=port, database_url=None)
    server = embedded_server(settings)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("CLV_", "DAGSTER_"))}
    made = Installation(
        folder,
        {
            **inherited,
            "CLV_HOME": str(folder / "home"),
            "CLV_COMPANIES_FILE": str(folder / "companies.yml"),
            "CLV_POSTGRES_PORT": str(port),
            **variables,
        },
    )
    try:
        server.start()
        forget(settings)
        yield made
    finally:
        made.clv("down", check=False)
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
