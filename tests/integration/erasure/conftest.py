"""A company of every source, one of whose customers is erased, and what is seen at each stage."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql

from ingestion.sources.companies import land_companies
from ingestion.sources.files import land_files
from ingestion.sources.rates import land_rates
from orchestration.erasure import erase, export
from tests.integration.connectors.harness import StandIn
from tests.integration.installation import Installation, installed
from warehouse.companies import load_companies, load_file
from warehouse.connection import connect
from warehouse.settings import PROJECT_ROOT, get_settings

RATES = PROJECT_ROOT / "demo" / "data" / "exchange_rates.csv"
ERASES, KEEPS = "erases", "keeps"
APIS = ("shopify", "woocommerce", "stripe", "square")
RAW = [f"raw_{source}" for source in ("files", *APIS)]
#: Another address of the same person, known from a file alone.
SECOND = "second.address@example.org"
DELIVERED = ("exports/acme/2026-06-30", "mlflow/artifacts/clv-acme/run/artifacts/deliverables")

#: What of the models is looked at where not all are built.
_LOOKED_AT = ["+dim_customers", "+fct_orders", "+customer_daily", "+customer_pii"]

#: Builds models, without the tests, which are others' concern.
_BUILD = """
import tempfile
from dbt.cli.main import dbtRunner
with tempfile.TemporaryDirectory() as folder:
    outcome = dbtRunner().invoke([
        "--quiet", "build", "--exclude", "resource_type:test", "resource_type:unit_test",
        *{selected}, "--target-path", folder, "--log-path", folder,
        "--project-dir", "dbt_project", "--profiles-dir", "dbt_project",
    ])
print("true" if outcome.success else "false")
"""

_DIE = """
import os, signal, sys
from orchestration import erasure
from warehouse.settings import get_settings
erasure.write_down = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
erasure.erase(get_settings(), *sys.argv[1:])
"""

_TOTALS = """
select
    (select count(*) from marts.dim_customers where company_id = %(id)s),
    (select count(*) from marts.fct_orders where company_id = %(id)s),
    (select sum(net_revenue_base) from marts.fct_orders where company_id = %(id)s),
    (select sum(net_revenue_base) from marts.customer_daily where company_id = %(id)s)
"""


@dataclass
class Story:
    """What was seen of one erasure.

    Attributes:
        installation: Where it happened.
        url: Of its warehouse.
        email: The address that was given.
        words: What nobody may find any more.
        said: What the command said, by call.
        traces: By stage, the tables and files in which one of the words stands, of the company.
        totals: By stage, customers, orders and net revenue.
        marts: By stage, what people read of the company.
        others: By stage, all landed rows of the other company.
        exports: By stage, what the person was given.
    """

    installation: Installation
    url: str
    email: str
    words: list[str]
    said: dict[str, str] = field(default_factory=dict)
    traces: dict[str, list[str]] = field(default_factory=dict)
    totals: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    marts: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    others: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    exports: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def afterwards(self) -> list[str]:
        """The stages since the person was erased."""
        return [stage for stage in self.traces if stage not in {"before", "killed"}]

    def look(self, stage: str) -> None:
        """Notes where the words stand and what the totals are."""
        with psycopg.connect(self.url) as connection:
            self.traces[stage] = traces(connection, ERASES, self.words) + self.in_files()
            self.totals[stage] = connection.execute(_TOTALS, {"id": ERASES}).fetchone() or ()
            self.others[stage] = rows_of(connection, KEEPS, RAW)
            for database in ("dagster", "mlflow"):
                with connect(database) as other:
                    self.traces[stage] += traces(other, "", self.words)
            self.marts[stage] = rows_of(connection, ERASES, ["marts", "ml", "reporting"])

    def in_files(self) -> list[str]:
        pattern = re.compile(rf"\b({'|'.join(map(re.escape, self.words))})".encode(), re.I)
        home = self.installation.folder / "home"
        return [
            str(path.relative_to(home))
            for path in home.rglob("*")
            if path.is_file() and "data" not in path.parts and pattern.search(path.read_bytes())
        ]

    def build(self, whole: bool) -> None:
        selected = [] if whole else ["--select", *_LOOKED_AT]
        assert self.installation.python(_BUILD.format(selected=selected))

    def die_before_commit(self) -> None:
        """Lets the command be killed when all is done but the transaction's end."""
        killed = subprocess.run(
            [sys.executable, "-c", _DIE, ERASES, self.email],
            env=self.installation.environment,
            cwd=PROJECT_ROOT,
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL

    def erase(self) -> str:
        return erase(get_settings(), ERASES, self.email.upper())


def tables_of(connection: psycopg.Connection[Any]) -> list[tuple[str, str, bool]]:
    """All tables but the server's own, and whether they have companies."""
    return connection.execute(
        "select n.nspname, c.relname, exists (select from pg_attribute as a"
        " where a.attrelid = c.oid and a.attname = 'company_id')"
        " from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'v') and n.nspname not in ('pg_catalog', 'information_schema')"
    ).fetchall()


def traces(connection: psycopg.Connection[Any], company_id: str, words: list[str]) -> list[str]:
    """Tables and views, and where rows have a company those of one, that hold a word."""
    # At the start of a word: somebody else's address ends alike.
    pattern = rf"\m({'|'.join(map(re.escape, words))})"
    found = []
    for schema, table, of_company in tables_of(connection):
        condition = sql.SQL("t::text ~* {}").format(sql.Literal(pattern))
        if of_company:
            condition += sql.SQL(" and company_id = {}").format(sql.Literal(company_id))
        if connection.execute(
            sql.SQL("select 1 from {} as t where {} limit 1").format(
                sql.Identifier(schema, table), condition
            )
        ).fetchone():
            found.append(f"{schema}.{table}")
    return found


def rows_of(
    connection: psycopg.Connection[Any], company_id: str, schemas: list[str]
) -> dict[str, list[str]]:
    """The rows of a company without dlt's own columns, which tell the load."""
    return {
        f"{schema}.{table}": [
            row
            for (row,) in connection.execute(
                sql.SQL(
                    "select (to_jsonb(t) - '_dlt_load_id' - '_dlt_id')::text from {} as t"
                    " where company_id = %s order by 1"
                ).format(sql.Identifier(schema, table)),
                (company_id,),
            )
        ]
        for schema, table, of_company in tables_of(connection)
        if of_company and schema in schemas
    }


def write_orders(path: Path, email: str, name: str) -> None:
    """A file that names the person in every way, and somebody whose address ends alike.

    As a customer under two addresses, as a guest, under an address as id, and in a row that can't
    be read.
    """
    path.write_text(
        "who,mail,day,paid,remark\n"
        f"77,{email.upper()},2025-01-05,10,for {name}\n"
        f"77,{SECOND},2025-01-06,11,for {name}\n"
        f",{SECOND},2025-02-05,20,for {name}\n"
        f"{email},,2025-02-06,5,\n"
        f"77,{email},no day,20,for {name}\n"
        f"88,jo{email},2025-02-07,7,ask {email}\n"
    )


@pytest.fixture(scope="session")
def shops() -> Iterator[dict[str, StandIn]]:
    options = ["--company", "acme", "--seed", "3", "--scale", "0.05"]
    started: dict[str, StandIn] = {}
    try:
        fast = ["--bucket", "20000", "--restore", "100000", "--bulk-seconds", "0.05"]
        started["shopify"] = StandIn([*options, *fast])
        for api in ("woocommerce", "stripe", "square"):
            started[api] = StandIn(["--api", api, *options])
        yield started
    finally:
        for each in started.values():
            each.stop()


@pytest.fixture(scope="session", params=[False, pytest.param(True, marks=pytest.mark.faults)])
def story(request: pytest.FixtureRequest, shops: dict[str, StandIn]) -> Iterator[Story]:
    """A customer of all sources is erased; then everything lands again.

    As a whole it is loaded a third time, by backfills, and all models are built anew.
    """
    whole: bool = request.param
    companies = [company(ERASES, shops, APIS), company(KEEPS, shops, APIS[:1] if whole else ())]
    with installed(companies, **secrets(shops)) as installation:
        folder = installation.folder
        (folder / "companies.yml").write_text(
            yaml.safe_dump({"exchange_rates": {"path": str(RATES)}, "companies": companies})
        )
        email, words, name = somebody(shops)
        write_orders(folder / "orders.csv", email, name)
        installation.clv("prepare")
        told = Story(installation, installation.url(), email, [*words, SECOND])
        with of_this_process(installation):
            live_through(told, name, whole)
        yield told


def live_through(told: Story, name: str, whole: bool) -> None:
    land()
    told.build(whole)
    plant(told, name)
    told.look("before")
    told.exports["before"] = json.loads(export(get_settings(), ERASES, told.email))
    told.die_before_commit()
    told.look("killed")
    plant_logs(told, name)
    told.said["first"] = told.erase()
    told.look("erased")
    land()
    told.look("landed again")
    if whole:
        land(backfill=True)
        told.look("backfilled")
        told.build(whole)
        told.look("rebuilt")
    told.exports["after"] = json.loads(export(get_settings(), ERASES, told.email))
    told.said["again"] = told.erase()


@contextmanager
def of_this_process(installation: Installation) -> Iterator[None]:
    """Makes an installation this process's own for the length of a block."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in installation.environment.items():
            if variable.startswith("CLV_"):
                patch.setenv(variable, value)
        get_settings.cache_clear()
        yield
    get_settings.cache_clear()


def land(*, backfill: bool = False) -> None:
    """Lands what changed at every source of both companies, or loads it all anew."""
    path = get_settings().companies_file
    companies = load_companies(path)
    land_companies(companies.values())
    rates = load_file(path).exchange_rates
    assert rates is not None
    land_rates(rates, path.parent)
    for each in companies.values():
        land_files(each, path.parent)
        for source in APIS:
            module = import_module(f"ingestion.sources.{source}")
            if getattr(each.sources, source) is None:
                continue
            if backfill:
                getattr(module, f"backfill_{source}")(each, date(2000, 1, 1), date(2100, 1, 1))
            else:
                getattr(module, f"land_{source}")(each)


def company(company_id: str, shops: dict[str, StandIn], sources: tuple[str, ...]) -> dict[str, Any]:
    columns = {"customer_id": "who", "email": "mail", "order_date": "day", "amount": "paid"}
    feed = {"feed": "orders", "path": "orders.csv", "columns": columns, "currency": "USD"}
    apis: dict[str, Any] = {
        "shopify": {"shop": "acme.myshopify.com", "endpoint": shops["shopify"].endpoint},
        "woocommerce": {"site": shops["woocommerce"].endpoint},
        "stripe": {"endpoint": shops["stripe"].endpoint},
        "square": {"endpoint": shops["square"].endpoint},
    }
    return {
        "id": company_id,
        "name": company_id,
        "base_currency": "USD",
        "timezone": "America/New_York",
        "margin_rate": 0.3,
        "sources": {"files": [feed], **{source: apis[source] for source in sources}},
    }


def secrets(shops: dict[str, StandIn]) -> dict[str, str]:
    key, secret = shops["woocommerce"].said[:2]
    return {
        "CLV_SHOPIFY__ERASES__TOKEN": "shpat_standin_acme",
        "CLV_SHOPIFY__KEEPS__TOKEN": "shpat_standin_acme",
        "CLV_WOOCOMMERCE__ERASES__KEY": key.removeprefix("key "),
        "CLV_WOOCOMMERCE__ERASES__SECRET": secret.removeprefix("secret "),
        "CLV_STRIPE__ERASES__KEY": "rk_standin_acme",
        "CLV_SQUARE__ERASES__TOKEN": "square_standin_acme",
    }


def somebody(shops: dict[str, StandIn]) -> tuple[str, list[str], str]:
    """A customer of the shop and the site with orders: address, words, whole name."""
    by_email = {
        each["email"].lower(): each for each in shops["shopify"].truth("customers") if each["email"]
    }
    there = [each for each in shops["woocommerce"].truth("customers") if each["email"]]
    buyers = {str(each["customer_id"]) for each in shops["woocommerce"].truth("orders")}
    both = [
        each for each in there if each["email"].lower() in by_email and str(each["id"]) in buyers
    ]
    chosen = sorted(both, key=lambda each: each["id"])[0]
    name = f"{chosen['first_name']} {chosen['last_name']}"
    email = chosen["email"].lower()
    return email, [email, name], name


def plant(told: Story, name: str) -> None:
    """Puts the person where runs may have left them."""
    plant_logs(told, name)
    with psycopg.connect(told.url) as connection:
        connection.execute(
            "insert into ml.clv_predictions values (%s, %s, '2026-03-01', 12, 1, 10, 9, 4, 8,"
            " 'USD', null, null, 0.5, 0.5, null, 'fitted', 'naive', '1')",
            (ERASES, told.email),
        )


def plant_logs(told: Story, name: str) -> None:
    logs = told.installation.folder / "home" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    (logs / "refresh.log").write_text(f"row of {told.email.upper()} ({name}): is not a number\n")
    # A guest's e-mail is their id, which files to take away hold, and MLflow beside the contest.
    for folder in DELIVERED:
        (told.installation.folder / "home" / folder).mkdir(parents=True, exist_ok=True)
        file = told.installation.folder / "home" / folder / "clv_predictions.csv"
        file.write_text(f"customer_id,clv\n{told.email},12.50\nsomebody-else,3.00\n")
    with connect("dagster") as connection:
        connection.execute("create table if not exists noted (said text)")
        connection.execute("truncate noted")
        connection.execute("insert into noted values (%s)", (f"{name} <{told.email}>",))
