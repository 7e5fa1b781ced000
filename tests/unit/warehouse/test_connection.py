from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from warehouse.connection import ConnectionFailedError, on_own_server, url, without_password
from warehouse.settings import Settings

SOME_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@pytest.mark.parametrize(
    "address",
    ["host=here dbname=clv password=secret", "mysql://me:secret@here/clv", "", "clv"],
)
def test_what_is_no_url_is_refused(address: str) -> None:
    with pytest.raises(ConnectionFailedError, match="CLV_DATABASE_URL") as refusal:
        on_own_server(address, "clv")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("address", "database", "expected"),
    [
        ("postgres://me@here", "clv", "postgresql://me@here/clv"),
        ("postgresql://me@here:5433/", "clv", "postgresql://me@here:5433/clv"),
        ("postgresql://me@here/shop", "clv", "postgresql://me@here/shop"),
        ("postgresql://me@here/shop", "dagster", "postgresql://me@here/dagster"),
        (
            "postgresql://me@here/shop?sslmode=require",
            "mlflow",
            "postgresql://me@here/mlflow?sslmode=require",
        ),
        ("postgresql:///?host=/run&dbname=shop", "clv", "postgresql:///shop?host=/run"),
        ("postgresql:///?host=/run&dbname=shop", "dagster", "postgresql:///dagster?host=/run"),
    ],
)
def test_the_databases_stand_beside_each_other(address: str, database: str, expected: str) -> None:
    assert on_own_server(address, database) == expected


@given(user=SOME_TEXT, password=SOME_TEXT, warehouse=SOME_TEXT)
def test_nothing_is_lost_on_the_way(user: str, password: str, warehouse: str) -> None:
    address = f"postgresql://{quote(user, '')}:{quote(password, '')}@here:99/{quote(warehouse, '')}"
    for database, name in (("clv", warehouse), ("dagster", "dagster")):
        known = conninfo_to_dict(on_own_server(address, database))
        assert known == {
            "user": user, "password": password, "host": "here", "port": "99", "dbname": name
        }  # fmt: skip


def test_the_setting_wins_over_the_embedded_server() -> None:
    settings = Settings(database_url=SecretStr("postgresql://me@here/clv"))
    assert url("mlflow", settings) == "postgresql://me@here/mlflow"


def test_messages_show_no_password() -> None:
    shown = without_password("postgresql://me:secret@here:99/clv?sslmode=require")
    assert shown == "me@here:99/clv"
    assert without_password("postgresql:///clv") == "localhost:5432/clv"
