from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingestion.errors import SourceError
from ingestion.sources.shopify.client import admin_endpoint
from ingestion.sources.shopify.settings import client_for
from warehouse.companies import Company
from warehouse.settings import Settings

VARIABLE = "CLV_SHOPIFY__ACME__TOKEN"


def company(**shop: Any) -> Company:
    return Company.model_validate(
        {
            "id": "acme",
            "name": "Acme",
            "base_currency": "USD",
            "timezone": "America/New_York",
            "margin_rate": 0.3,
            "sources": {"shopify": {"shop": "acme.myshopify.com", **shop}} if shop else {},
        }
    )


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("TOKEN", "ENDPOINT"):
        monkeypatch.delenv(f"CLV_SHOPIFY__ACME__{name}", raising=False)
    return Settings(companies_file=tmp_path / "companies.yml")


def write(settings: Settings, text: str) -> None:
    settings.secrets_file.parent.mkdir()
    settings.secrets_file.write_text(text)


def sent_to(found: Any) -> str:
    return str(found.transport._base_url)


def test_a_missing_token_says_where_to_put_it(settings: Settings) -> None:
    with pytest.raises(SourceError) as raised:
        client_for(company(since=None), settings)
    said = str(raised.value)
    assert VARIABLE in said
    assert str(settings.secrets_file) in said
    assert "acme.myshopify.com" in said


def test_a_company_without_a_shop_says_what_to_write(settings: Settings) -> None:
    with pytest.raises(SourceError, match=r"has no Shopify shop.*\n.*\n.*\n.*myshopify"):
        client_for(company(), settings)


def test_the_environment_goes_before_the_file(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(settings, '[sources.shopify.acme]\ntoken = "of_the_file"\n')
    assert client_for(company(since=None), settings).transport._auth.api_key == "of_the_file"  # type: ignore[union-attr]
    monkeypatch.setenv(VARIABLE, " of_the_environment\n")
    auth = client_for(company(since=None), settings).transport._auth
    assert auth.api_key == "of_the_environment"  # type: ignore[union-attr]


def test_the_endpoint_is_the_shops_unless_it_is_overridden(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "t")
    assert sent_to(client_for(company(since=None), settings)) == admin_endpoint(
        "acme.myshopify.com"
    )
    configured = company(endpoint="http://127.0.0.1:1/graphql.json")
    assert sent_to(client_for(configured, settings)) == "http://127.0.0.1:1/graphql.json"
    monkeypatch.setenv("CLV_SHOPIFY__ACME__ENDPOINT", "http://127.0.0.1:2/graphql.json")
    assert sent_to(client_for(configured, settings)) == "http://127.0.0.1:2/graphql.json"


@pytest.mark.parametrize("token", ["shpat_…", "two words", "line\nbreak"])
def test_a_token_that_can_be_none_is_refused_and_not_shown(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv(VARIABLE, token)
    with pytest.raises(SourceError, match="copy it anew") as raised:
        client_for(company(since=None), settings)
    assert token not in str(raised.value)


def test_a_broken_secrets_file_is_named_and_not_shown(settings: Settings) -> None:
    write(settings, '[sources.shopify.acme]\ntoken = "half_a_secret\n')
    with pytest.raises(SourceError, match=r"secrets\.toml can't be read") as raised:
        client_for(company(since=None), settings)
    assert "half_a_secret" not in str(raised.value)


@pytest.mark.parametrize(
    "shop",
    [
        {"shop": "acme.example.com"},
        {"shop": "https://acme.myshopify.com"},
        {"endpoint": "acme.myshopify.com"},
        {"token": "shpat_in_the_wrong_place"},
        {"skip": ["orders"]},
        {"endpoint": "http://127.0.0.1:1/graphql.json", "demo_port": 8701},
    ],
)
def test_a_mistake_in_companies_yml_is_refused(shop: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="shopify"):
        company(**({"since": None} | shop))


def test_a_made_up_shop_needs_no_token(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = company(demo_port=8701)
    assert sent_to(client_for(demo, settings)) == admin_endpoint("127.0.0.1:8701", "http")
    monkeypatch.setenv("CLV_SHOPIFY__ACME__ENDPOINT", "http://demo:1/graphql.json")
    assert sent_to(client_for(demo, settings)) == "http://demo:1/graphql.json"
