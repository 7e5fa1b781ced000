"""A warehouse with three companies that people look at: landed, modelled by dbt, predicted."""

from __future__ import annotations

import csv
import random
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import psycopg
import pytest
from psycopg import sql

from ingestion.sources.companies import land_companies
from ingestion.sources.files import land_files, land_spend
from ml.evaluation.contest import all_score_rows, decile_rows, hold_contests
from ml.scoring import Scope, fit_champion, measure_factors, score_customers
from orchestration.environment import runtime_environment
from tests.integration.conftest import make_folder
from warehouse.bulk import replace_frame
from warehouse.companies import Company
from warehouse.connection import connect
from warehouse.readers import grant_companies
from warehouse.settings import PROJECT_ROOT, Settings

NORTH, SOUTH, NEW = "pages_north", "pages_south", "pages_new"
LAST = date(2026, 6, 30)
#: Readers, their companies and whether they see personal data.
READERS: dict[str, tuple[tuple[str, ...], bool]] = {
    "nora reads north": ((NORTH,), True),
    "saul reads south": ((SOUTH,), False),
    "bea reads both": ((NORTH, SOUTH, NEW), False),
}
PASSWORD = "for tests only"
#: What the pages read; dbt builds these and what they are made of.
MODELS = (
    "path:models/reporting",
    "channel_performance",
    "cohort_retention",
    "customer_features",
    "customer_pii",
)
#: Ids that a page, an address and a spreadsheet have to survive.
HOSTILE = ("=1+1|cmd", "a/b?c#d&e", "<script>alert(1)</script>")
HEADER = ("who", "mail", "day", "paid", "what", "via", "land")


@dataclass(frozen=True)
class Shown:
    """What the pages read.

    Attributes:
        settings: Of the installation.
        folder: Of the files that were landed.
    """

    settings: Settings
    folder: Path


def purchases(company_id: str, customers: int, hostile: tuple[str, ...] = ()) -> list[list[str]]:
    """Made-up purchases of 18 months, the same each time."""
    chance = random.Random(company_id)
    lines = []
    names = [f"{company_id[6]}{n:03}" for n in range(customers)] + list(hostile)
    for place, who in enumerate(names):
        day = date(2025, 1, 1) + timedelta(days=chance.randrange(0, 440))
        via = chance.choice(["shop", "shop", "market", "fair"])
        land = chance.choice(["DE", "DE", "AT", "CH"])
        pace = chance.choice([0.0, 0.0, 12.0, 25.0, 60.0])
        value = chance.lognormvariate(3.2, 0.7)
        while True:
            paid = max(1.0, chance.gauss(value, value / 4))
            what = chance.choice(["Lamp", "Chair", "Table, oak"])
            mail = f"{who}@{company_id}.example" if place < customers else ""
            lines.append([who, mail, day.isoformat(), f"{paid:.2f}", what, via, land])
            if not pace or chance.random() < 0.12:
                break
            day += timedelta(days=1 + int(chance.expovariate(1 / pace)))
            if day > LAST:
                break
    # The data end on one day, and something was given back.
    lines.append([names[0], "", LAST.isoformat(), "20.00", "Lamp", "shop", "DE"])
    lines.append([names[0], "", "2026-06-20", "-7.50", "Lamp", "shop", "DE"])
    return lines


def company(company_id: str, currency: str) -> Company:
    columns = dict(
        zip(
            ("customer_id", "email", "order_date", "amount", "product", "channel", "country"),
            HEADER,
            strict=True,
        )
    )
    spend = {"channel": "via", "date": "day", "amount": "cost"}
    return Company.model_validate(
        {
            "id": company_id,
            "name": {"n": "North & Söhne", "s": "South", "w": "New"}[
                company_id[6] if company_id != NEW else "w"
            ],
            "base_currency": currency,
            "timezone": "Europe/Berlin",
            "margin_rate": 0.4,
            "sources": {
                "files": [
                    {
                        "feed": "orders",
                        "path": f"{company_id}.csv",
                        "columns": columns,
                        "currency": currency,
                    }
                ]
                if company_id != NEW
                else [],
                "spend": [
                    {
                        "feed": "ads",
                        "path": "spend.csv",
                        "columns": spend,
                        "currency": currency,
                    }
                ]
                if company_id == NORTH
                else [],
            },
        }
    )


def write_csv(path: Path, header: tuple[str, ...], lines: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(lines)


@pytest.fixture(scope="session")
def shown(warehouse_settings: Settings) -> Iterator[Shown]:
    folder = make_folder()
    companies = [company(NORTH, "EUR"), company(SOUTH, "USD"), company(NEW, "EUR")]
    made = {NORTH: purchases(NORTH, 260, HOSTILE), SOUTH: purchases(SOUTH, 45)}
    write_csv(
        folder / "spend.csv",
        ("via", "day", "cost"),
        [
            [via, f"{year}-{month:02}-03", cost]
            for via, cost in (("market", "55.00"), ("fair", "12.50"))
            for year, month in [(2025, m) for m in range(1, 13)] + [(2026, m) for m in range(1, 7)]
        ],
    )
    land_companies(companies)
    for each in companies:
        if each.id in made:
            write_csv(folder / f"{each.id}.csv", HEADER, made[each.id])
            land_files(each, folder)
            predict(warehouse_settings, each, made[each.id])
    land_spend(companies[0], folder)
    built = subprocess.run(
        [
            *("dbt", "build", "--exclude", "resource_type:test", "resource_type:unit_test"),
            *("--select", *(f"+{model}" for model in MODELS)),
            *("--quiet", "--target-path", str(folder), "--log-path", str(folder)),
        ],
        cwd=PROJECT_ROOT / "dbt_project",
        env=runtime_environment(warehouse_settings),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert built.returncode == 0, built.stdout[-6000:]
    yield Shown(warehouse_settings, folder)
    shutil.rmtree(folder)


def predict(settings: Settings, company: Company, lines: list[list[str]]) -> None:
    """The contest and its champion, with few candidates, as the assets of ml do it."""
    frame = pd.DataFrame(lines, columns=list(HEADER))
    amount = frame["paid"].astype(float)
    days = pd.DataFrame(
        {
            "customer_id": frame["who"],
            "order_date": pd.to_datetime(frame["day"]),
            "gross_revenue_base": amount.clip(lower=0),
            "net_revenue_base": amount,
            "margin_base": amount * 0.4,
        }
    )
    daily = days.groupby(["customer_id", "order_date"], as_index=False).sum()
    contests = hold_contests(daily, LAST, company.horizons_months, names=["naive", "mbg_nbd"])
    champion = contests[12].champion
    champion = champion if len(daily) > 300 else "naive"
    predictions = score_customers(
        fit_champion(champion, daily, LAST),
        daily,
        LAST,
        company.horizons_months,
        measure_factors(daily, LAST, company.discount_rate),
        Scope(company.id, company.base_currency, champion, "1"),
        daily["customer_id"].unique(),
    )
    with connect(settings=settings) as connection:
        for table, rows in (
            ("ml.clv_predictions", predictions),
            ("ml.clv_model_scores", all_score_rows(contests, company.id, "run")),
            ("ml.clv_decile_scores", decile_rows(contests, company.id)),
        ):
            replace_frame(connection, table, {"company_id": company.id}, rows)
        if company.id == NORTH:
            _outlook(connection)


def _outlook(connection: psycopg.Connection) -> None:
    """What other assets of ml say, put there by hand."""
    connection.execute(
        "insert into ml.customer_outlook (company_id, customer_id, calculation_date,"
        " expected_next_order_date, days_overdue, churn_risk, best_intervention_date,"
        " intervention_reason)"
        " select company_id, customer_id, calculation_date, calculation_date + 20, 40, 'high',"
        " calculation_date + 3, 'Silence costs most then.' from ml.clv_predictions"
        " where company_id = %s and horizon_months = 12 and customer_id <> 'n000'"
        " and customer_id < 'n040' and predicted_value > 0",
        (NORTH,),
    )
    connection.execute(
        "insert into ml.revenue_forecasts (company_id, calculation_date, month, cohort, forecast,"
        " lower, upper, seasonal_naive, currency)"
        " select %s, %s, (date '2026-07-01' + n * interval '1 month')::date, 'all', 900 + n,"
        " 700, 1200, 800, 'EUR' from generate_series(0, 11) as n",
        (NORTH, LAST),
    )


@pytest.fixture(scope="session")
def readers(shown: Shown) -> Iterator[None]:
    """Logins of `READERS`."""
    with connect(settings=shown.settings, autocommit=True) as connection:
        for user, (companies, personal_data) in READERS.items():
            connection.execute(
                sql.SQL("create role {} login password {}").format(sql.Identifier(user), PASSWORD)
            )
            grant_companies(connection, user, companies, personal_data=personal_data)
    yield
    with connect(settings=shown.settings, autocommit=True) as connection:
        for user in READERS:
            connection.execute("delete from access.reader_companies where role_name = %s", (user,))
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(user)))


@pytest.fixture
def owner(shown: Shown) -> Iterator[psycopg.Connection]:
    """The platform's own connection; every statement is a transaction."""
    with connect(settings=shown.settings, autocommit=True) as connection:
        yield connection
