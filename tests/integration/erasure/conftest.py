"""A company of every source, one of whose customers is erased, and what is seen at each stage."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql

from tests.integration.connectors.harness import StandIn
from tests.integration.installation import Installation, installed
from tests.integration.reference.conftest import transform
from warehouse.settings import PROJECT_ROOT

RATES = PROJECT_ROOT / "demo" / "data" / "exchange_rates.csv"
ERASES, KEEPS = "erases", "keeps"

#: Lands what changed at every source of both companies, or loads it all anew.
_LAND = """
from datetime import date
from importlib import import_module
from ingestion.sources.companies import land_companies
from ingestion.sources.files import land_files
from ingestion.sources.rates import land_rates
from warehouse.companies import load_companies, load_file
from warehouse.settings import get_settings
path = get_settings().companies_file
companies = load_companies(path)
land_companies(companies.values())
if not {backfill}:
    land_rates(load_file(path).exchange_rates, path.parent)
for company in companies.values():
    land_files(company, path.parent)
    for source in ("shopify", "woocommerce", "stripe", "square"):
        module = import_module(f"ingestion.sources.{{source}}")
        if getattr(company.sources, source) is None:
            continue
        if {backfill}:
            days = date(2000, 1, 1), date(2100, 1, 1)
            getattr(module, f"backfill_{{source}}")(company, *days)
        else:
            getattr(module, f"land_{{source}}")(company)
print("null")
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
    email: str
    words: list[str]
    said: dict[str, str] = field(default_factory=dict)
    traces: dict[str, list[str]] = field(default_factory=dict)
    totals: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    marts: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    others: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    exports: dict[str, dict[str, Any]] = field(default_factory=dict)

    def look(self, stage: str) -> None:
        """Notes where the words stand and what the totals are."""
        with psycopg.connect(self.installation.url()) as connection:
            self.traces[stage] = traces(connection, ERASES, self.words) + self.in_files()
            self.totals[stage] = connection.execute(_TOTALS, {"id": ERASES}).fetchone() or ()
            self.others[stage] = rows_of(connection, KEEPS)
        self.marts[stage] = self.installation.of_company(ERASES)

    def in_files(self) -> list[str]:
        pattern = re.compile("|".join(map(re.escape, self.words)).encode(), re.IGNORECASE)
        home = self.installation.folder / "home"
        return [
            str(path.relative_to(home))
            for path in home.rglob("*")
            if path.is_file() and "data" not in path.parts and pattern.search(path.read_bytes())
        ]

    def land(self, *, backfill: bool = False) -> None:
        self.installation.python(_LAND.format(backfill=backfill))

    def erase(self, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.installation.clv(
            "erase", "--company", ERASES, "--email", self.email.upper(), check=check
        )

    def export(self, stage: str) -> None:
        out = self.installation.folder / f"{stage}.json"
        self.installation.clv(
            "export-person", "--company", ERASES, "--email", self.email, "--out", str(out)
        )
        self.exports[stage] = json.loads(out.read_text())


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
    pattern = "|".join(re.escape(word) for word in words)
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


def rows_of(connection: psycopg.Connection[Any], company_id: str) -> dict[str, list[str]]:
    """The landed rows of a company without dlt's own columns, which tell the load."""
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
        if of_company and schema.startswith("raw_") and not schema.endswith(KEEPS)
    }


def write_orders(path: Path, email: str, name: str) -> None:
    """A file with the person as a customer, as a guest, under an address as id, and in a row that
    can't be read; and with somebody whose address ends alike."""
    path.write_text(
        "who,mail,day,paid,remark\n"
        f"77,{email.upper()},2025-01-05,10,for {name}\n"
        f"77,second.address@example.org,2025-01-06,11,for {name}\n"
        f",second.address@example.org,2025-02-05,20,for {name}\n"
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


@pytest.fixture(scope="session")
def story(shops: dict[str, StandIn]) -> Iterator[Story]:
    """A customer of all sources is erased; then everything lands twice more."""
    companies = [company(company_id, shops) for company_id in (ERASES, KEEPS)]
    with installed(companies, **secrets(shops)) as installation:
        folder = installation.folder
        (folder / "companies.yml").write_text(
            yaml.safe_dump({"exchange_rates": {"path": str(RATES)}, "companies": companies})
        )
        email, words, name = somebody(shops)
        write_orders(folder / "orders.csv", email, name)
        installation.clv("prepare")
        told = Story(installation, email, [*words, "second.address@example.org"])
        told.land()
        transform(installation, "seed")
        transform(installation, "run")
        plant(installation, told, name)
        told.look("before")
        told.export("before")
        told.said["first"] = told.erase().stdout
        told.look("erased")
        told.land()
        told.look("landed again")
        told.land(backfill=True)
        told.look("backfilled")
        transform(installation, "run")
        told.look("rebuilt")
        told.export("after")
        told.said["again"] = told.erase().stdout
        yield told


def company(company_id: str, shops: dict[str, StandIn]) -> dict[str, Any]:
    columns = {"customer_id": "who", "email": "mail", "order_date": "day", "amount": "paid"}
    feed = {"feed": "orders", "path": "orders.csv", "columns": columns, "currency": "USD"}
    sources: dict[str, Any] = {
        "files": [feed],
        "shopify": {"shop": "acme.myshopify.com", "endpoint": shops["shopify"].endpoint},
    }
    if company_id == ERASES:
        sources |= {
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
        "sources": sources,
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


def plant(installation: Installation, told: Story, name: str) -> None:
    """Puts the person where runs may have left them."""
    logs = installation.folder / "home" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    (logs / "refresh.log").write_text(f"row of {told.email.upper()} ({name}): is not a number\n")
    installation.execute(
        "insert into ml.clv_predictions values (%s, %s, '2026-03-01', 12, 1, 10, 9, 4, 8,"
        " 'USD', null, null, 0.5, 0.5, null, 'fitted', 'naive', '1')",
        ERASES,
        told.email,
    )
    with psycopg.connect(installation.url().replace("/clv", "/dagster")) as connection:
        connection.execute("create table noted (said text)")
        connection.execute("insert into noted values (%s)", (f"{name} <{told.email}>",))
