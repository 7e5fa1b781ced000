"""Measures the dashboard with over 100,000 customers: ``python -m benchmarks.dashboard``.

The warehouse of `make demo` is copied into a database of its own, where CDNOW's customers are
multiplied, with channels, countries and products made up; every page is then asked for over HTTP as
a reader, with and without filters, and the copy is dropped. In a browser, where there is one, the
first paint of the demo's own overview is measured too. Exits 1 where a page takes a second or more,
or the first paint two.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import requests
from playwright.sync_api import sync_playwright
from psycopg import sql
from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.table import Table

from warehouse.connection import connect, url
from warehouse.embedded import HOST
from warehouse.readers import grant_companies, revoke_companies
from warehouse.settings import PROJECT_ROOT, Settings, get_settings

COPY = "clv_bench_dashboard"
READER = "bench dashboard"
COMPANY, SOURCE, TIMES = "large", "cdnow", 5
LIMIT_SECONDS, PAINT_SECONDS, REPEATS = 1.0, 2.0, 3
PORT = 8599

_COLUMNS = """
    select
        string_agg(quote_ident(attname), ', ' order by attnum),
        string_agg(
            case
                when attname = 'company_id' then quote_literal(%(company)s)
                when attname = 'product_id' then 'null'
                when attname in ('customer_id', 'order_id', 'order_line_id')
                    then attname || ' || ''-'' || copy'
                when attname in ('acquisition_channel', 'channel') and %(people)s
                    then '(array[''web'', ''shop'', ''market''])[1 + ' || made.turn || ']'
                when attname = 'product' and %(people)s
                    then '(array[''CD'', ''LP'', ''Tape''])[1 + ' || made.turn || ']'
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

_OF_CUSTOMERS = (
    "marts.dim_customers",
    "marts.fct_orders",
    "marts.fct_order_lines",
    "marts.customer_features",
    "ml.clv_predictions",
    "ml.customer_reasons",
    "reporting.customer_360",
    "reporting.clv_calculations",
    "reporting.at_risk_customers",
)
#: What the pages read.
TABLES = (
    *_OF_CUSTOMERS,
    "marts.dim_companies",
    "marts.cohort_retention",
    "marts.channel_performance",
    "ml.clv_model_scores",
    "ml.clv_decile_scores",
    "ml.drift_metrics",
    "ml.forecast_scores",
    "ml.realised_accuracy",
    "reporting.channel_targets",
    "reporting.cohort_ltv",
    "reporting.revenue_forecast",
)
# An index leads to a day's features, so that earlier ones cost nothing but their copying.
_LATEST = (
    " and as_of_date > (select max(as_of_date) - 200 from marts.customer_features"
    " where company_id = 'cdnow')"
)
# What the company sells, as the filter offers it.
_PRODUCTS = """
    insert into reporting.product_ltv (
        company_id, product_key, product, currency, orders, buyers, quantity,
        gross_revenue_to_date, discount_to_date, refunded_to_date, net_revenue_to_date,
        gross_margin_to_date, new_customers, repeat_customers, ltv_per_new_customer
    )
    select
        %(company)s, product, product, 'USD', count(*), count(distinct customer_id),
        sum(quantity), sum(gross_revenue_base), 0, 0, sum(net_revenue_base),
        sum(gross_margin_base), count(distinct customer_id), 0, 1
    from marts.fct_order_lines where company_id = %(company)s group by product
"""

PAGES = ("overview", "cohorts", "acquisition", "segments", "at-risk", "customers", "accuracy")
FILTERS = (
    "",
    "?period=30d",
    "?period=365d",
    "?period=all",
    "?channel=web",
    "?country=CA",
    "?product=LP",
    "?channel=market&country=US&product=CD&period=all",
)


def main() -> int:
    """Measures, prints, and says whether every page was quick enough."""
    settings = get_settings()
    console = Console(highlight=False)
    with _copied() as (address, password):
        with _serving(settings, address) as base:
            rows = _measured(base, password)
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
    painted = _first_paint(settings)
    if painted is not None:
        console.print(
            f"First paint of the overview of {SOURCE}: {painted:.2f} s; limit {PAINT_SECONDS:.0f} s"
        )
    quick = painted is None or painted < PAINT_SECONDS
    return 0 if worst < LIMIT_SECONDS and quick else 1


@contextmanager
def _serving(settings: Settings, address: str) -> Iterator[str]:
    """Starts the dashboard on a database; yields its address."""
    server = subprocess.Popen(
        [sys.executable, "-m", "reporting.dashboard", "--port", str(PORT)],
        cwd=PROJECT_ROOT,
        env={**os.environ, "CLV_DATABASE_URL": address, "CLV_HOME": str(settings.home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://{HOST}:{PORT}"
    finally:
        server.terminate()
        server.wait()


def _first_paint(settings: Settings) -> float | None:
    """Returns the median seconds until a browser shows something; None without a browser."""
    chromium = os.environ.get("CLV_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        return None
    with connect() as connection:
        password = grant_companies(connection, READER, [SOURCE])
    try:
        with _serving(settings, url()) as base, sync_playwright() as playwright:
            _log_in(base, password or "").close()
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            seconds = []
            for _ in range(REPEATS):
                # A context of its own has nothing kept from the last time.
                page = browser.new_context().new_page()
                page.goto(f"{base}/login")
                page.fill("#user", READER)
                page.fill("#password", password or "")
                page.keyboard.press("Enter")
                page.wait_for_url("**/overview")
                painted = page.evaluate(
                    "new Promise(r => new PerformanceObserver(l => r(l.getEntries()[0].startTime))"
                    ".observe({type: 'paint', buffered: true}))"
                )
                seconds.append(painted / 1000)
            browser.close()
            return statistics.median(seconds)
    finally:
        with connect() as connection:
            revoke_companies(connection, READER)
            connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(READER)))


@contextmanager
def _copied() -> Iterator[tuple[str, str]]:
    """Copies the warehouse, multiplies the customers, and drops it all afterwards."""
    address = make_conninfo(url(), dbname=COPY)
    try:
        with connect("postgres", autocommit=True) as connection:
            connection.execute(sql.SQL("drop database if exists {}").format(sql.Identifier(COPY)))
            try:
                connection.execute(
                    sql.SQL("create database {} template clv").format(sql.Identifier(COPY))
                )
            except psycopg.errors.ObjectInUse:
                sys.exit("The warehouse is in use: clv down, then clv prepare, then this again.")
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
    for name in TABLES:
        columns, values = connection.execute(  # type: ignore[misc]
            _COLUMNS, {"company": COMPANY, "table": name, "people": name in _OF_CUSTOMERS}
        ).fetchone()
        connection.execute(
            f"insert into {name} ({columns}) select {values} from {name}"  # noqa: S608
            " cross join lateral (select n::text as copy from generate_series(1, %s) as n) as c"
            " where company_id = %s" + (_LATEST if name == "marts.customer_features" else ""),
            (TIMES if name in _OF_CUSTOMERS else 1, SOURCE),
        )
    connection.execute(_PRODUCTS, {"company": COMPANY, "source": SOURCE})
    connection.execute("analyze")
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


def _log_in(base: str, password: str) -> requests.Session:
    """Logs in as the reader, once the dashboard answers."""
    session = requests.Session()
    session.trust_env = False
    for _ in range(300):
        try:
            form = session.get(f"{base}/login", timeout=60).text
            break
        except requests.ConnectionError:
            time.sleep(0.1)
    token = re.search(r'name="token" value="([^"]+)"', form)
    assert token is not None  # noqa: S101
    data = {"user": READER, "password": password, "token": token.group(1)}
    session.post(f"{base}/login", data=data, timeout=60).raise_for_status()
    return session


def _measured(base: str, password: str) -> list[tuple[str, str, list[float]]]:
    rows = []
    with _log_in(base, password) as session:
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
