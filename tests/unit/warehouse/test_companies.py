from pathlib import Path
from typing import Any

import pytest
import yaml

from warehouse.companies import CompaniesFileError, load_companies
from warehouse.settings import PROJECT_ROOT

FEED: dict[str, Any] = {
    "feed": "orders",
    "path": "orders.csv",
    "columns": {"customer_id": "who", "order_date": "day", "amount": "paid"},
    "currency": "USD",
}
COMPANY: dict[str, Any] = {
    "id": "shop",
    "name": "Shop",
    "base_currency": "EUR",
    "timezone": "Europe/Berlin",
    "margin_rate": 0.4,
    "sources": {"files": [FEED]},
}


def write(folder: Path, *companies: dict[str, Any]) -> Path:
    path = folder / "companies.yml"
    path.write_text(yaml.safe_dump({"companies": list(companies)}))
    return path


def test_the_committed_file_is_valid() -> None:
    companies = load_companies(PROJECT_ROOT / "companies.yml")
    assert companies["cdnow"].base_currency == "USD"
    assert companies["cdnow"].horizons_months == (3, 6, 12)


def test_defaults_are_those_of_the_design(tmp_path: Path) -> None:
    company = load_companies(write(tmp_path, COMPANY))["shop"]
    assert (company.discount_rate, company.churn_window_days) == (0.10, 180)
    assert company.sources.files[0].decimal == "."


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"base_currency": "EURO"}, "shop > base_currency: Value error, 'EURO' is not an ISO 4217"),
        ({"timezone": "Berlin"}, "shop > timezone: Value error, 'Berlin' is not an IANA time zone"),
        ({"margin_rate": 30}, "shop > margin_rate"),
        ({"id": "My Shop"}, "My Shop > id"),
        ({"colour": "red"}, "shop > colour: Extra inputs are not permitted"),
        ({"horizons_months": [3, 6]}, "12 must be among them"),
        ({"sources": {"files": [FEED | {"currency": None}]}}, "give one code, or map a column"),
        ({"sources": {"files": [FEED | {"currency": "XXQ"}]}}, "orders > currency"),
        ({"sources": {"files": [FEED | {"encoding": "utf-9"}]}}, "is not a text encoding"),
        ({"sources": {"files": [FEED, FEED]}}, "feed orders is there twice"),
        (
            {"sources": {"files": [FEED | {"columns": {"customer_id": "a", "amount": "b"}}]}},
            "map order_date or ordered_at",
        ),
        ({"sources": {"files": [FEED | {"columns": {"buyer": "a"}}]}}, "orders > columns > buyer"),
    ],
)
def test_a_mistake_names_company_and_field(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    with pytest.raises(CompaniesFileError) as raised:
        load_companies(write(tmp_path, COMPANY | change))
    assert says in str(raised.value)
    assert str(tmp_path / "companies.yml") in str(raised.value)


def test_every_mistake_is_listed(tmp_path: Path) -> None:
    with pytest.raises(CompaniesFileError) as raised:
        load_companies(write(tmp_path, COMPANY | {"timezone": "x", "margin_rate": -1}))
    assert "timezone" in str(raised.value)
    assert "margin_rate" in str(raised.value)


def test_a_company_twice_none_at_all_no_yaml_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(CompaniesFileError, match="company shop is there twice"):
        load_companies(write(tmp_path, COMPANY, COMPANY))
    with pytest.raises(CompaniesFileError, match="name at least one company"):
        load_companies(write(tmp_path))
    path = tmp_path / "companies.yml"
    path.write_text("companies: [")
    with pytest.raises(CompaniesFileError, match="not valid YAML"):
        load_companies(path)
    path.write_text("")
    with pytest.raises(CompaniesFileError, match="has a mistake"):
        load_companies(path)
    with pytest.raises(CompaniesFileError, match="is missing"):
        load_companies(tmp_path / "none.yml")
