"""A backup comes back elsewhere, to the byte; a harmed one, or a careless restore, is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestration.backup import FILES, FORMAT, MANIFEST, BackupError, back_up, restore
from orchestration.environment import sqlalchemy_url
from tests.integration.conftest import free_port, make_folder
from warehouse.audit import entries
from warehouse.bulk import fingerprint
from warehouse.connection import connect
from warehouse.databases import DATABASES, ensure_databases
from warehouse.embedded import embedded_server
from warehouse.settings import MLFLOW_DATABASE, Settings


def installation(folder: Path) -> Settings:
    settings = Settings(home=folder / "home", postgres_port=free_port(), database_url=None)
    settings.home.mkdir()
    settings.home.chmod(0o711)
    embedded_server(settings).start()
    ensure_databases(settings)
    return settings


@pytest.fixture(scope="module")
def homes() -> Iterator[Callable[[], Settings]]:
    made: list[tuple[Path, Settings]] = []

    def another() -> Settings:
        folder = make_folder()
        made.append((folder, installation(folder)))
        return made[-1][1]

    yield another
    for folder, settings in made:
        embedded_server(settings).stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def source(homes: Callable[[], Settings]) -> Settings:
    """An installation with data in all three databases, and files."""
    settings = homes()
    with connect(settings=settings) as connection:
        connection.execute(
            "create table marts.dim_companies as select 'acme' as company_id, 'Ünïcode' as name"
        )
        connection.execute("select access.protect('marts.dim_companies')")
        connection.execute("insert into quarantine.held_companies values ('acme', 'why', now())")
    with connect("dagster", settings) as connection:
        connection.execute("create table runs as select generate_series(1, 1000) as id")
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    settings.mlflow_artifacts.mkdir(parents=True)
    store = SqlAlchemyStore(
        sqlalchemy_url(MLFLOW_DATABASE, settings), str(settings.mlflow_artifacts)
    )
    store.create_experiment("clv-acme", str(settings.mlflow_artifacts / "clv-acme"))
    store.engine.dispose()
    (settings.mlflow_artifacts / "clv-acme").mkdir()
    (settings.mlflow_artifacts / "clv-acme" / "model.bin").write_bytes(bytes(range(256)) * 4000)
    return settings


@pytest.fixture(scope="module")
def backup(source: Settings) -> Path:
    return back_up(source, source.home / "backups")


def contents(settings: Settings) -> dict[str, str]:
    """A hash over every table of the three databases; places of this machine are left out."""
    found = {}
    for database in DATABASES:
        with connect(database, settings) as connection:
            tables = connection.execute(
                "select schemaname || '.' || tablename from pg_tables"
                " where schemaname not in ('pg_catalog', 'information_schema') order by 1"
            ).fetchall()
            for (table,) in tables:
                # Making a backup and restoring one are written down.
                if table == "access.audit_log":
                    continue
                found[f"{database} {table}"] = fingerprint(
                    connection, table, exclude=["artifact_location"]
                )
    return found


def files(settings: Settings) -> dict[str, bytes]:
    root = settings.mlflow_artifacts
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_a_backup_comes_back_elsewhere(
    source: Settings, backup: Path, homes: Callable[[], Settings]
) -> None:
    before = contents(source)
    assert {"clv marts.dim_companies", "dagster public.runs", "mlflow public.experiments"} <= {
        *before
    }
    target = homes()
    restore(target, backup, replace=False)
    assert contents(target) == before
    assert files(target) == files(source) != {}
    for settings, action in ((source, "backed up"), (target, "restored")):
        with connect(settings=settings) as connection:
            (entry,) = [each for each in entries(connection) if each.action == action]
        assert entry.object == backup.name
    with connect(MLFLOW_DATABASE, target) as connection:
        places = connection.execute("select artifact_location from experiments").fetchall()
    assert (str(target.mlflow_artifacts / "clv-acme"),) in places
    assert not [place for (place,) in places if str(source.home) in place]
    with connect(settings=target) as connection:
        policies = connection.execute(
            "select count(*) from pg_policies where tablename = 'dim_companies'"
        ).fetchone()
        rights = connection.execute(
            "select has_table_privilege('clv_reader', 'marts.dim_companies', 'select')"
        ).fetchone()
    assert policies is not None and policies[0] > 0
    assert rights == (True,)


def test_only_the_owner_may_read_it_and_no_password_is_in_it(
    source: Settings, backup: Path
) -> None:
    password = embedded_server(source).password_file.read_text().strip()
    for path in (backup, *backup.iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path
        assert path.is_dir() or password.encode() not in path.read_bytes()


def test_data_are_replaced_only_when_asked(source: Settings, backup: Path) -> None:
    with connect(settings=source) as connection:
        connection.execute("insert into marts.dim_companies values ('later', 'Later')")
    before = contents(source)
    with pytest.raises(BackupError, match="--yes"):
        restore(source, backup, replace=False)
    assert contents(source) == before
    restore(source, backup, replace=True)
    with connect(settings=source) as connection:
        found = connection.execute("select company_id from marts.dim_companies").fetchall()
        left = connection.execute(
            "select datname from pg_database where datname ~ '_(restoring|replaced)$'"
        ).fetchall()
    assert found == [("acme",)]
    assert left == []


def edited(backup: Path, **changes: object) -> None:
    path = backup / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def flip_a_byte(path: Path) -> None:
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 1
    path.write_bytes(held)


HARMS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte of a dump": (lambda b: flip_a_byte(b / "clv.dump"), "clv.dump is damaged"),
    "files cut off": (lambda b: (b / FILES).write_bytes(b""), "files.tar is damaged"),
    "a dump lost": (lambda b: (b / "mlflow.dump").unlink(), "mlflow.dump is missing"),
    "no manifest": (lambda b: (b / MANIFEST).unlink(), "no manifest.json"),
    "half a manifest": (lambda b: (b / MANIFEST).write_text('{"format":'), "is damaged"),
    "another version": (lambda b: edited(b, format=FORMAT + 1), "another version"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_harmed_backup_is_refused_and_changes_nothing(
    source: Settings, backup: Path, folder: Path, harm: str
) -> None:
    harmed = folder / "harmed"
    shutil.copytree(backup, harmed)
    does, message = HARMS[harm]
    does(harmed)
    before = contents(source)
    with pytest.raises(BackupError, match=message):
        restore(source, harmed, replace=True)
    assert contents(source) == before


def test_a_restore_that_fails_half_way_leaves_what_was_there(
    source: Settings, backup: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("orchestration.backup._swap_databases", cut)
    before, held = contents(source), files(source)
    with pytest.raises(KeyboardInterrupt):
        restore(source, backup, replace=True)
    assert contents(source) == before
    assert files(source) == held


def test_what_is_cut_off_is_no_backup(source: Settings, folder: Path) -> None:
    broken = Settings(home=folder / "home", database_url="postgresql://nobody@127.0.0.1:1/clv")
    with pytest.raises(BackupError, match="pg_dump failed"):
        back_up(broken, folder / "backups")
    assert list((folder / "backups").iterdir()) == []
