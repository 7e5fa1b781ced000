from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from orchestration.environment import (
    INSTANCE_FILE,
    platform_environment,
    prepare_dagster_home,
    runtime_environment,
)
from warehouse.embedded import EmbeddedServerError
from warehouse.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path / "home",
        database_url=SecretStr("postgres://me:p%40ss@here:99/shop?sslmode=require"),
    )


def test_without_a_server_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="clv up"):
        platform_environment(Settings(home=tmp_path, database_url=None))


def test_every_tool_gets_the_same_server(settings: Settings) -> None:
    found = platform_environment(settings)
    server = "postgresql+psycopg2://me:p%40ss@here:99"
    assert found["CLV_DAGSTER_URL"] == f"{server}/dagster?sslmode=require"
    assert found["MLFLOW_TRACKING_URI"] == f"{server}/mlflow?sslmode=require"
    assert found["MLFLOW_BACKEND_STORE_URI"] == found["MLFLOW_TRACKING_URI"]
    dbt = {name: found[f"CLV_DBT_{name}"] for name in ("HOST", "PORT", "USER", "PASSWORD")}
    assert dbt == {"HOST": "here", "PORT": "99", "USER": "me", "PASSWORD": "p@ss"}
    assert found["CLV_DBT_DATABASE"] == "shop"


def test_a_child_reads_the_same_settings(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in platform_environment(settings).items():
        monkeypatch.setenv(name, value)
    child = Settings()
    assert (child.home, child.companies_file) == (settings.home, settings.companies_file)
    assert child.database_url == settings.database_url


def test_nobody_is_told(settings: Settings) -> None:
    found = platform_environment(settings)
    assert found["DO_NOT_TRACK"] == "true"
    assert found["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert found["RUNTIME__DLTHUB_TELEMETRY"] == "false"
    assert found["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "false"
    assert found["GX_ANALYTICS_ENABLED"] == "false"


def test_programs_of_this_python_come_first(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    found = runtime_environment(settings)
    assert found["PATH"] == f"{Path(sys.executable).parent}{os.pathsep}/usr/bin"


def test_a_proxy_is_not_asked_for_our_own_machine(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "example.org")
    monkeypatch.delenv("NO_PROXY", raising=False)
    found = runtime_environment(settings)
    assert found["no_proxy"] == "example.org,127.0.0.1,localhost"
    assert found["NO_PROXY"] == "127.0.0.1,localhost"


def test_dagster_gets_the_settings_of_this_version(settings: Settings) -> None:
    prepare_dagster_home(settings)
    copied = settings.dagster_home / "dagster.yaml"
    copied.write_text("of an older version")
    prepare_dagster_home(settings)
    assert copied.read_text() == INSTANCE_FILE.read_text()
    assert [path.name for path in settings.dagster_home.iterdir()] == ["dagster.yaml"]
