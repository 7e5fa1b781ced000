"""Measures the dashboard with over 100,000 customers: ``python -m benchmarks.dashboard``.

The warehouse of `make demo` is copied into a database of its own, where CDNOW's customers are
multiplied, with channels and countries made up; every page is then asked for over HTTP as a reader,
with and without filters, and the copy is dropped. Exits 1 where a page takes a second or more.
"""

from __future__ import annotations

import os
import re
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import requests
from psycopg import sql
from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.table import Table

from warehouse.connection import connect, url
from warehouse.embedded import HOST
from warehouse.readers import grant_companies
from warehouse.settings import PROJECT_ROOT, get_settings

COPY = "clv_bench_dashboard"
READER = "bench dashboard"
COMPANY, SOURCE, TIMES = "large", "cdnow", 5
LIMIT_SECONDS, REPEATS = 1.0, 3
PORT = 8599

_COLUMNS = """
    select
        string_agg(quote_ident(attname), ', ' order by attnum),
        string_agg(
            case
                when attname = 'company_id' then quote_literal(%(company)s)
                when attname in ('customer_id', 'order_id', 'order_line_id')
                    then attname || ' || ''-'' || copy'
                when attname in ('acquisition_channel', 'channel') and %(people)s
                    then '(array[''web'', ''shop'', ''market''])[1 + ' || made.turn || ']'
                when attname = 'country' and %(people)s
                    then '(array[''US'', ''CA'', ''MX''])[1 + ' || made.turn || ']'
                else quote_ident(attname)
            end,
            ', ' order by attnum
        )
    from
        pg_attribute,
        (select 'abs(hashtext(customer_id || copy)) %%%% 3' as turn) as made
    where attrelid = %(table)s::regclass and attnum > 0 and not attisdropped
"""

PAGES = ("overview", "cohorts", "acquisition", "segments", "at-risk", "customers", "accuracy")
FILTERS = (
    "",
    "?period=30d",
    "?period=365d",
    "?period=all",
    "?channel=web",
    "?country=CA",
    "?channel=market&country=US&period=all",
)


def main() -> int:
    """Measures, prints, and says whether every page was quick enough."""
    settings = get_settings()
    console = Console(highlight=False)
    with _copied() as (address, password):
        environment = {
            **os.environ,
            "CLV_DATABASE_URL": address,
            "CLV_HOME": str(settings.home),
        }
        server = subprocess.Popen(
            [sys.executable, "-m", "reporting.dashboard", "--port", str(PORT)],
            cwd=PROJECT_ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            rows = _measured(f"http://{HOST}:{PORT}", password)
        finally:
            server.terminate()
            server.wait()
        with psycopg.connect(address) as connection:
            found = connection.execute(
                "select (select count(*) from reporting.customer_360 where company_id = %(c)s),"
                " (select count(*) from marts.fct_orders where company_id = %(c)s)",
                {"c": COMPANY},
            ).fetchone()
    assert found is not None  # noqa: S101
    load = os.getloadavg()[0]
    table = Table(title=f"{found[0]:,} customers, {found[1]:,} orders, load {load:.1f}")
    for heading in ("page", "filters", "median s", "worst s"):
        table.add_column(heading)
    worst = 0.0
    for page, filters, seconds in rows:
        worst = max(worst, statistics.median(seconds))
        table.add_row(page, filters, f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}")
    console.print(table)
    console.print(f"Slowest page, by its median: {worst:.2f} s; limit {LIMIT_SECONDS:.0f} s")
    return 0 if worst < LIMIT_SECONDS else 1


@contextmanager
def _copied() -> Iterator[tuple[str, str]]:
    """Copies the warehouse, multiplies the customers, and drops it all afterwards."""
    address = make_conninfo(url(), dbname=COPY)
    try:
        with connect("postgres", autocommit=True) as connection:
            connection.execute(sql.SQL("drop database if exists {}").format(sql.Identifier(COPY)))
            connection.execute(
                sql.SQL("create database {} template clv").format(sql.Identifier(COPY))
            )
        with psycopg.connect(address) as connection:
            password = _filled(connection)
        yield f"{url().rpartition('/')[0]}/{COPY}", password
    finally:
        with connect("postgres", autocommit=True) as connection:
            connection.execute(
                sql.SQL("drop database if exists {} (force)").format(sql.Identifier(COPY))
            )
            connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(READER)))


def _filled(connection: psycopg.Connection) -> str:
    tables = connection.execute(
        "select format('%I.%I', table_schema, table_name),"
        " bool_or(column_name = 'customer_id')"
        " from information_schema.columns inner join information_schema.tables"
        " using (table_schema, table_name)"
        " where table_schema in ('marts', 'reporting', 'ml') and table_type = 'BASE TABLE'"
        " and table_name <> all(array['customer_labels', 'custom_segments'])"
        " group by 1 having bool_or(column_name = 'company_id')"
    ).fetchall()
    for name, has_customers in tables:
        columns, values = connection.execute(  # type: ignore[misc]
            _COLUMNS, {"company": COMPANY, "table": name, "people": has_customers}
        ).fetchone()
        copies = TIMES if has_customers else 1
        connection.execute(
            f"insert into {name} ({columns}) select {values} from {name}"  # noqa: S608
            " cross join lateral (select n::text as copy from generate_series(1, %s) as n) as c"
            " where company_id = %s",
            (copies, SOURCE),
        )
    connection.execute(
        "update reporting.at_risk_customers as r set risk_rank = ranked.place from ("
        "  select customer_id, row_number() over (order by value_at_risk desc, customer_id) place"
        "  from reporting.at_risk_customers where company_id = %(c)s) as ranked"
        " where r.company_id = %(c)s and r.customer_id = ranked.customer_id",
        {"c": COMPANY},
    )
    password = grant_companies(connection, READER, [COMPANY]) or secrets.token_urlsafe()
    connection.commit()
    connection.autocommit = True
    connection.execute("vacuum analyze")
    return password


def _measured(base: str, password: str) -> list[tuple[str, str, list[float]]]:
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(200):
            try:
                form = session.get(f"{base}/login", timeout=60).text
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        token = re.search(r'name="token" value="([^"]+)"', form)
        assert token is not None  # noqa: S101
        data = {"user": READER, "password": password, "token": token.group(1)}
        session.post(f"{base}/login", data=data, timeout=60).raise_for_status()
        rows = []
        for page in PAGES:
            for filters in FILTERS:
                seconds = []
                for _ in range(REPEATS):
                    began = time.perf_counter()
                    answer = session.get(f"{base}/companies/{COMPANY}/{page}{filters}", timeout=60)
                    seconds.append(time.perf_counter() - began)
                    answer.raise_for_status()
                rows.append((page, filters, seconds))
    return rows


if __name__ == "__main__":
    sys.exit(main())
