"""Giving companies to readers and taking them away, by hand and by the command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from orchestration import access
from tests.integration.access.conftest import COMPANIES, PASSWORD, Modelled, company
from tests.integration.connectors.harness import command_environment
from warehouse.companies import CompaniesFileError
from warehouse.connection import connect, connect_to
from warehouse.databases import ensure_databases
from warehouse.embedded import EmbeddedServer
from warehouse.readers import (
    ReaderError,
    companies_of,
    grant_companies,
    readers,
    revoke_companies,
)
from warehouse.roles import ROLES, missing_roles
from warehouse.settings import Settings

Postgres = psycopg.Connection[Any]

NAMES = ["new reader", 'o"brien; drop table x --', "Ünïcode"]


@pytest.fixture(autouse=True)
def forgotten(owner: Postgres) -> Iterator[None]:
    yield
    for name in [*NAMES, "existing", "by command"]:
        owner.execute("delete from access.reader_companies where role_name = %s", (name,))
        owner.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(name)))


def seen(modelled: Modelled, user: str, password: str) -> set[str]:
    with closing(modelled.login(user, password)) as mine:
        found = mine.execute("select distinct company_id from marts.dim_customers")
        return {name for (name,) in found}


@pytest.mark.parametrize("name", NAMES)
def test_a_new_reader_gets_a_login_and_loses_it(
    modelled: Modelled, owner: Postgres, name: str
) -> None:
    password = grant_companies(owner, name, ["access_one"])
    assert password is not None
    assert len(password) >= 32
    assert seen(modelled, name, password) == {"access_one"}
    assert grant_companies(owner, name, ["access_two"], personal_data=True) is None
    assert seen(modelled, name, password) == {*COMPANIES}
    assert companies_of(owner, name) == {"access_one": False, "access_two": True}

    assert revoke_companies(owner, name, ["access_one"]) == {"access_two": True}
    assert seen(modelled, name, password) == {"access_two"}
    assert revoke_companies(owner, name, only_personal_data=True) == {"access_two": False}
    assert revoke_companies(owner, name) == {}
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        seen(modelled, name, password)
    again = grant_companies(owner, name, ["access_one"])
    assert again not in {None, password}
    assert seen(modelled, name, str(again)) == {"access_one"}


def test_the_server_never_learns_the_password(owner: Postgres) -> None:
    password = grant_companies(owner, NAMES[0], ["access_one"])
    stored = owner.execute("select rolpassword from pg_authid where rolname = %s", (NAMES[0],))
    (verifier,) = stored.fetchone() or ("",)
    assert verifier.startswith("SCRAM-SHA-256$")
    assert str(password) not in verifier


def test_an_open_session_sees_a_change_with_its_next_query(
    modelled: Modelled, owner: Postgres
) -> None:
    password = grant_companies(owner, NAMES[0], COMPANIES)
    with closing(modelled.login(NAMES[0], str(password))) as mine:
        query = "select count(distinct company_id) from marts.dim_customers"
        assert mine.execute(query).fetchone() == (2,)
        revoke_companies(owner, NAMES[0], ["access_two"])
        assert mine.execute(query).fetchone() == (1,)
        revoke_companies(owner, NAMES[0])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            mine.execute(query)


def test_an_existing_role_keeps_its_login_and_its_password(
    modelled: Modelled, owner: Postgres
) -> None:
    owner.execute(sql.SQL("create role existing login password {}").format(PASSWORD))
    assert grant_companies(owner, "existing", ["access_one"]) is None
    assert seen(modelled, "existing", PASSWORD) == {"access_one"}
    revoke_companies(owner, "existing")
    with (
        closing(modelled.login("existing")) as mine,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        mine.execute("select from marts.dim_customers")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        *((role, "choose a name") for role in ROLES),
        ("postgres", "sees every company already"),
        ("somebody in clv_analyst", "member of clv_analyst"),
        ("pg_monitor", "choose a name"),
        ("", "1 to 63 bytes"),
        ("x" * 64, "1 to 63 bytes"),
    ],
)
def test_who_cannot_be_a_reader(
    owner: Postgres, people: dict[str, str], name: str, says: str
) -> None:
    before = readers(owner)
    with pytest.raises(ReaderError, match=says):
        grant_companies(owner, name, ["access_one"])
    assert readers(owner) == before


def test_what_a_reader_does_not_have_cannot_be_taken(owner: Postgres) -> None:
    grant_companies(owner, NAMES[0], ["access_one"])
    with pytest.raises(ReaderError, match="doesn't read access_two; it reads access_one"):
        revoke_companies(owner, NAMES[0], ["access_one", "access_two"])
    assert companies_of(owner, NAMES[0]) == {"access_one": False}
    with pytest.raises(ReaderError, match="no company"):
        revoke_companies(owner, "nobody")


@pytest.fixture
def installation(modelled: Modelled) -> Settings:
    """The settings, with a companies.yml that has the companies."""
    file = modelled.folder / "companies.yml"
    listed = [company(name).model_dump(mode="json") for name in COMPANIES]
    file.write_text(yaml.safe_dump({"companies": listed}))
    return modelled.settings.model_copy(update={"companies_file": file})


def clv(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from orchestration.cli import main; main()", *arguments],
        env=os.environ | command_environment(settings, settings.companies_file),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_command(modelled: Modelled, installation: Settings) -> None:
    granted = clv(installation, "grant", "by command", "--company", "access_two", "--pii")
    assert granted.returncode == 0, granted.stderr
    assert "by command reads access_two with personal data." in granted.stdout
    (password,) = re.findall(r"shown only now: (\S+)", granted.stdout)
    assert seen(modelled, "by command", password) == {"access_two"}
    assert "by command: access_two with personal data" in access.listed(installation)

    refused = clv(installation, "grant", "clv_reader", "--company", "access_one")
    assert refused.returncode == 1
    assert "choose a name" in refused.stderr
    assert "Traceback" not in refused.stderr

    taken = clv(installation, "revoke", "by command")
    assert taken.stdout == "by command reads no company any more.\n"
    with pytest.raises(psycopg.OperationalError):
        seen(modelled, "by command", password)


def test_what_the_command_refuses(installation: Settings, owner: Postgres) -> None:
    with pytest.raises(ReaderError, match="Name a company with --company: access_one, access_two"):
        access.grant(installation, NAMES[0], [], personal_data=False)
    with pytest.raises(CompaniesFileError, match="nobody is not in"):
        access.grant(installation, NAMES[0], ["access_one", "nobody"], personal_data=False)
    assert companies_of(owner, NAMES[0]) == {}
    assert access.grant(installation, NAMES[0], ["access_one"], personal_data=False).password
    given = access.grant(installation, NAMES[0], ["access_two"], personal_data=False)
    assert (given.companies, given.password) == ("access_one, access_two", None)
    assert given.address.startswith(f"{NAMES[0]}@127.0.0.1:")
    left = access.revoke(installation, NAMES[0], ["access_two"], only_personal_data=False)
    assert left == "access_one"


def test_a_role_that_may_not_make_roles(
    server: EmbeddedServer, warehouse_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """On a server of one's own: everything but access is set up, and it says what to do."""
    server.start()

    def address(user: str) -> str:
        return make_conninfo(server.url("clv"), user=user, password="plain")

    def make_table(connection: Postgres, name: str) -> None:
        connection.execute(f"create table marts.{name} (company_id text)")  # type: ignore[arg-type]
        connection.execute(f"insert into marts.{name} values ('one'), ('two')")  # type: ignore[arg-type]
        connection.execute("select access.protect(%s)", (f"marts.{name}",))

    url = f"postgresql://plain:plain@127.0.0.1:{conninfo_to_dict(server.url('clv'))['port']}/clv"
    own = warehouse_settings.model_copy(update={"database_url": SecretStr(url)})
    with closing(connect_to(server.url("postgres"), autocommit=True)) as administrator:
        administrator.execute("create role plain login password 'plain' createdb")
        administrator.execute("create role reader login password 'plain'")
        ensure_databases(own)
        assert "create role clv_reader nologin" in caplog.text
        assert "plain may not make them" in caplog.text
        with closing(connect(settings=own, autocommit=True)) as connection:
            assert missing_roles(connection) == list(ROLES)
            make_table(connection, "made_before")
            with pytest.raises(ReaderError, match="clv_reader is missing on this server"):
                grant_companies(connection, "reader", ["one"])

            caplog.clear()
            for role in ROLES:
                administrator.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
            ensure_databases(own)
            assert caplog.text == ""
            make_table(connection, "made_after")
            for name in ("reader", "a new one"):
                with pytest.raises(ReaderError, match="with admin option"):
                    grant_companies(connection, name, ["one"])
            assert readers(connection) == {}
            administrator.execute("grant clv_reader to plain with admin option")
            assert grant_companies(connection, "reader", ["one"]) is None
        with closing(psycopg.connect(address("reader"), autocommit=True)) as mine:
            assert mine.execute("select * from marts.made_after").fetchall() == [("one",)]
            assert mine.execute("select * from ml.clv_predictions").fetchall() == []
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                mine.execute("select * from marts.made_before")
