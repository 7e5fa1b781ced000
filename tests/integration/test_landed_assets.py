"""The assets of files and rates, run through Dagster with their checks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from psycopg import Connection

from orchestration.defs.ingestion.files import marketing_spend, order_lines
from orchestration.defs.ingestion.rates import exchange_rates
from orchestration.defs.quality import landed, rates
from orchestration.lib.partitions import company_partitions
from orchestration.resources.companies import CompaniesFile

FILES = [order_lines, marketing_spend, *landed.expectations, *landed.reconciliations]
RATES = [exchange_rates, rates.rates_expectations, rates.rates_are_fresh]


class Landing:
    """Runs assets for the companies of a file."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.folder = folder
        self.instance = instance
        self.file = folder / "companies.yml"

    def companies(self, **more: Any) -> None:
        usual = {"base_currency": "EUR", "timezone": "UTC", "margin_rate": 0.3}
        shop = {"columns": {"email": "mail", "order_date": "day", "amount": "paid"}}
        spend = {"columns": {"date": "day", "channel": "where", "amount": "paid"}}
        sources = {
            "files": [{"feed": "orders", "path": "orders.csv", "currency": "EUR", **shop}],
            "spend": [{"feed": "marketing", "path": "spend.csv", "currency": "EUR", **spend}],
        }
        companies = [
            {"id": "assets_a", "name": "A", **usual, "sources": sources},
            {"id": "assets_b", "name": "B", **usual},
        ]
        self.file.write_text(yaml.safe_dump({"companies": companies} | more))

    def run(self, assets: list[Any], company: str | None = None) -> Any:
        if company is not None:
            self.instance.add_dynamic_partitions(company_partitions.name or "", [company])
        return dg.materialize(
            assets,
            partition_key=company,
            resources={"companies_file": CompaniesFile(path=str(self.file))},
            instance=self.instance,
            raise_on_error=False,
        )


@pytest.fixture
def landing(tmp_path: Path, connection: Connection[Any]) -> Iterator[Landing]:
    connection.autocommit = True
    with dg.DagsterInstance.ephemeral() as instance:
        made = Landing(tmp_path, instance)
        made.companies()
        yield made


def checks(result: Any) -> dict[str, bool]:
    return {
        f"{each.asset_key.path[-1]} {each.check_name}": each.passed
        for each in result.get_asset_check_evaluations()
    }


def metadata(result: Any, table: str) -> dict[str, Any]:
    (event,) = [
        event
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None and event.asset_key.path[-1] == table
    ]
    return {key: value.value for key, value in event.materialization.metadata.items()}


def test_purchases_and_spend_land_and_reconcile(landing: Landing) -> None:
    (landing.folder / "orders.csv").write_bytes(
        "mail;day;paid;note\nzoe@example.com;2026-01-31;12.50;é\nx;2026-01-31;soon;é\n".encode(
            "cp1252"
        )
    )
    (landing.folder / "spend.csv").write_text("day,where,paid\n2026-01-31,google,9.00\n")
    result = landing.run(FILES, "assets_a")
    assert result.success
    assert checks(result) == {
        "order_lines great_expectations": True,
        "order_lines reconciles_with_files": True,
        "marketing_spend great_expectations": True,
        "marketing_spend reconciles_with_files": True,
    }
    shown = metadata(result, "order_lines")
    assert shown["formats"] == ["orders.csv: cp1252, semicolon (guessed: encoding, delimiter)"]
    assert (shown["rows_landed"], shown["rows_quarantined"]) == (1, 1)
    assert shown["amounts"] == {"orders EUR": "12.5000"}
    assert metadata(result, "marketing_spend")["rows_landed"] == 1


def test_a_company_without_files_lands_nothing(landing: Landing) -> None:
    result = landing.run(FILES, "assets_b")
    assert result.success
    assert not result.get_asset_materialization_events()
    assert checks(result) == {}


def test_rates_land_and_an_outage_keeps_them_and_stops_nobody(
    landing: Landing, connection: Connection[Any]
) -> None:
    connection.execute("drop schema if exists raw_rates cascade")
    result = landing.run(RATES)
    assert result.success
    assert checks(result) == {
        "exchange_rates great_expectations": True,
        "exchange_rates are_fresh": True,
    }
    landing.companies(exchange_rates={"path": "rates.csv"})
    result = landing.run(RATES)
    assert result.success
    assert "is missing" in metadata(result, "exchange_rates")["problem"]
    assert checks(result)["exchange_rates are_fresh"] is False
    (landing.folder / "rates.csv").write_text("Date,USD,\n2026-01-02,1.17,\n2026-01-05,x,\n")
    result = landing.run(RATES)
    assert metadata(result, "exchange_rates")["rows_quarantined"] == 1
    assert checks(result) == {
        "exchange_rates great_expectations": True,
        "exchange_rates are_fresh": False,
    }
    (landing.folder / "rates.csv").unlink()
    assert landing.run(RATES).success
    assert connection.execute("select count(*) from raw_rates.exchange_rates").fetchone() == (1,)
