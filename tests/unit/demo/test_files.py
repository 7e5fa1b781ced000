"""The demo's committed files are what their programs write."""

import csv
from decimal import Decimal

from demo import rates, spend
from warehouse.companies import load_companies
from warehouse.settings import PROJECT_ROOT

DATA = PROJECT_ROOT / "demo" / "data"


def test_marketing_spend_is_what_the_program_writes(tmp_path) -> None:  # type: ignore[no-untyped-def]
    written = tmp_path / "spend.csv"
    assert spend.export(written) > 2_000
    assert written.read_bytes() == (DATA / "marketing_spend.csv").read_bytes()


def test_spend_is_in_the_shops_own_currency() -> None:
    companies = load_companies(PROJECT_ROOT / "companies.yml")
    assert {name: companies[name].base_currency for name in spend.SHOPS} == spend.SHOPS


def test_made_up_rates_are_marked_and_follow_the_facts(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with (DATA / "exchange_rates.csv").open() as file:
        facts = [row for row in csv.DictReader(file) if row["source"] == "ecb"]
    assert {row["currency"] for row in facts} == set(rates.CURRENCIES)
    assert max(row["date"] for row in facts) == "2026-04-13"
    # As the ECB has published them.
    assert {
        (row["date"], row["currency"]): Decimal(row["units_per_eur"]) for row in facts
    }.items() >= {("2026-04-13", "USD"): Decimal("1.1684")}.items()
    source = tmp_path / "facts.csv"
    with source.open("w") as file:
        writer = csv.DictWriter(file, rates.HEADER[:3], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(facts)
    again = tmp_path / "again.csv"
    rates.write(rates.facts(source), again)
    assert again.read_bytes() == (DATA / "exchange_rates.csv").read_bytes()
