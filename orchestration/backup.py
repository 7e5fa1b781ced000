"""`clv backup` and `clv restore`: the three databases and the files beside them, as one folder.

Belongs here: what a backup holds, how it is made whole and how it comes back. Does not belong here:
the words of the command (`orchestration/cli.py`).

A backup is written beside its place and renamed when it is whole, so that a killed one is never
taken for one. A restore fills new databases and folders and swaps them in at the end, so that a
failed one leaves what was there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from warehouse.audit import person, record
from warehouse.connection import connect_to, exists, url
from warehouse.databases import DATABASES, NOTEBOOKS, ensure_databases
from warehouse.embedded import postgres_binary
from warehouse.settings import MLFLOW_DATABASE, WAREHOUSE_DATABASE, Settings

#: Raised with every change to what a backup holds.
FORMAT = 1
MANIFEST = "manifest.json"
FILES = "files.tar"
#: Folders under CLV_HOME that no command makes again from the databases.
FOLDERS = ("mlflow/artifacts", "uploads", "exports", "reports")
#: Where MLflow's database names a folder of this machine.
ARTIFACT_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)
_CHUNK = 1 << 20


class BackupError(Exception):
    """A backup can't be made or restored; the message says why and what to do."""


def back_up(settings: Settings, folder: Path) -> Path:
    """Writes a backup.

    Each database is dumped as of one moment of its own; MLflow's before its files, so that every
    file that it names is there. Logins and passwords are the server's and in no backup.

    Args:
        settings: Of the installation; its server runs.
        folder: Under which the backup's own folder is made, named after the time.

    Returns:
        The backup's folder, readable by its owner only.

    Raises:
        BackupError: The folder can't be written, or pg_dump failed.
    """
    name = datetime.now(UTC).strftime("clv-%Y%m%dT%H%M%S-%fZ")
    whole, partial = folder / name, folder / f"{name}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.mkdir(mode=0o700)
    except OSError as error:
        raise BackupError(f"{folder} can't be written: {error.strerror}") from None
    try:
        for database in DATABASES:
            _run(
                "pg_dump",
                url(database, settings),
                ["--format=custom", "--no-owner", f"--file={partial / f'{database}.dump'}"],
            )
        _pack(settings.home, partial / FILES)
        manifest = {
            "format": FORMAT,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "home": str(settings.home.resolve()),
            "postgres": _server_version(settings),
            "files": {path.name: _measured(path) for path in sorted(partial.iterdir())},
        }
        written = partial / MANIFEST
        written.write_text(json.dumps(manifest, indent=2) + "\n")
        written.chmod(0o600)
        partial.rename(whole)
    except OSError as error:
        raise BackupError(f"{folder} can't be written: {error.strerror}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    with connect_to(url(WAREHOUSE_DATABASE, settings)) as connection:
        record(connection, person(), "backed up", name)
    return whole


def restore(settings: Settings, backup: Path, *, replace: bool) -> dict[str, Any]:
    """Brings a backup back.

    Args:
        settings: Of the installation to restore into; its server runs, nothing else of it.
        backup: A folder that `back_up` made.
        replace: Whether what the installation holds may be replaced.

    Returns:
        The backup's manifest.

    Raises:
        BackupError: The backup is damaged, cut off or of another version; or the installation holds
            data and `replace` is False; or pg_restore failed. What was there is there still.
    """
    manifest = check(backup)
    if not replace and _holds_data(settings):
        raise BackupError(
            "This installation holds data, and a restore replaces them all. Make a backup of them "
            "first if they matter, then restore with --yes"
        )
    # The roles that the dumps' rights name are made with the databases.
    ensure_databases(settings)
    names = {database: _name_on_server(database, settings) for database in DATABASES}
    with _new_databases(settings, names) as fresh:
        for database, address in fresh.items():
            _run(
                "pg_restore",
                address,
                ["--exit-on-error", "--no-owner", "--single-transaction", _dump(backup, database)],
            )
        _move_artifacts(fresh[MLFLOW_DATABASE], manifest["home"], str(settings.home.resolve()))
        unpacked = _unpack(backup / FILES, settings.home)
        _swap_databases(settings, names)
    _swap_folders(unpacked, settings.home)
    ensure_databases(settings)
    with connect_to(url(WAREHOUSE_DATABASE, settings)) as connection:
        made_at = {"made_at": manifest["made_at"]}
        record(connection, person(), "restored", backup.resolve().name, None, made_at)
    return manifest


def check(backup: Path) -> dict[str, Any]:
    """Returns the manifest of a backup that is whole and unharmed.

    Raises:
        BackupError: It isn't one; the message names the file.
    """
    if backup.suffix == ".partial":
        raise BackupError(f"{backup} was cut off while it was made: take another backup")
    try:
        manifest = json.loads((backup / MANIFEST).read_text())
        version, files = manifest["format"], manifest["files"]
    except OSError:
        raise BackupError(f"{backup} is no backup: it has no {MANIFEST}") from None
    except (ValueError, KeyError, TypeError):
        raise BackupError(f"{backup / MANIFEST} is damaged: take another backup") from None
    if version != FORMAT:
        raise BackupError(
            f"{backup} was made by another version of the platform (format {version}, this one "
            f"reads {FORMAT}): restore it with that version"
        )
    for name in (*(f"{database}.dump" for database in DATABASES), FILES):
        path = backup / name
        if name not in files or not path.is_file():
            raise BackupError(f"{backup} is not whole: {name} is missing; take another backup")
        if _measured(path) != files[name]:
            raise BackupError(f"{path} is damaged: its SHA-256 differs; take another backup")
    return dict(manifest)


def _dump(backup: Path, database: str) -> str:
    return str(backup / f"{database}.dump")


def _measured(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def _run(program: str, address: str, arguments: list[str]) -> None:
    """Runs a program of PostgreSQL; the password goes through the environment, not the list."""
    known = {name: str(value) for name, value in conninfo_to_dict(address).items()}
    environment = {**os.environ}
    if password := known.pop("password", None):
        environment["PGPASSWORD"] = password
    database = make_conninfo("", **known)
    # pg_restore reads its archive from the last argument; both take the database by option.
    command = [str(postgres_binary(program)), f"--dbname={database}", *arguments]
    previous = os.umask(0o077)
    try:
        ended = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
    finally:
        os.umask(previous)
    if ended.returncode:
        said = ended.stderr.strip().splitlines()
        raise BackupError(f"{program} failed: {said[-1] if said else 'it said nothing'}")


def _server_version(settings: Settings) -> str:
    with connect_to(url(settings=settings)) as connection:
        return str(connection.info.parameter_status("server_version"))


def _pack(home: Path, archive: Path) -> None:
    opened = os.fdopen(os.open(archive, os.O_WRONLY | os.O_CREAT, 0o600), "wb")
    with opened as file, tarfile.open(fileobj=file, mode="w|") as tar:
        for folder in FOLDERS:
            if (home / folder).is_dir():
                tar.add(home / folder, arcname=folder)


def _unpack(archive: Path, home: Path) -> Path:
    """Unpacks beside the folders' places, so that swapping them in is a rename."""
    target = home / "restoring"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True, mode=0o700)
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    return target


def _swap_folders(unpacked: Path, home: Path) -> None:
    replaced = home / "replaced"
    shutil.rmtree(replaced, ignore_errors=True)
    for folder in FOLDERS:
        current = home / folder
        if current.exists():
            (replaced / folder).parent.mkdir(parents=True, exist_ok=True)
            current.rename(replaced / folder)
        if (unpacked / folder).exists():
            current.parent.mkdir(parents=True, exist_ok=True)
            (unpacked / folder).rename(current)
    shutil.rmtree(replaced, ignore_errors=True)
    shutil.rmtree(unpacked)


def _name_on_server(database: str, settings: Settings) -> str:
    return str(conninfo_to_dict(url(database, settings))["dbname"])


def _holds_data(settings: Settings) -> bool:
    with connect_to(url(settings=settings)) as connection:
        found = connection.execute(
            "select to_regclass('marts.dim_companies') is not null"
        ).fetchone()
    return bool(found and found[0])


@contextmanager
def _new_databases(settings: Settings, names: dict[str, str]) -> Iterator[dict[str, str]]:
    """Empty databases beside the platform's own; what is left of them afterwards is dropped."""
    fresh = {database: f"{name}_restoring" for database, name in names.items()}
    with connect_to(url("postgres", settings), autocommit=True) as connection:
        try:
            for database, name in fresh.items():
                _drop(connection, name)
                connection.execute(
                    sql.SQL("create database {} template template0 encoding 'UTF8'").format(
                        sql.Identifier(name)
                    )
                )
                if database in NOTEBOOKS:
                    connection.execute(
                        sql.SQL("alter database {} set synchronous_commit to off").format(
                            sql.Identifier(name)
                        )
                    )
            yield {
                database: make_conninfo(url(database, settings), dbname=name)
                for database, name in fresh.items()
            }
        finally:
            for name in fresh.values():
                _drop(connection, name)
            for name in names.values():
                _drop(connection, f"{name}_replaced")


def _drop(connection: psycopg.Connection[Any], name: str) -> None:
    connection.execute(
        sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
    )


def _swap_databases(settings: Settings, names: dict[str, str]) -> None:
    """Renames the three in one transaction: all of them are swapped, or none."""
    rename = sql.SQL("alter database {} rename to {}")
    with connect_to(url("postgres", settings)) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = any(%s) and pid <> pg_backend_pid()",
            ([*names.values(), *(f"{name}_restoring" for name in names.values())],),
        )
        for name in names.values():
            for source, target in ((name, f"{name}_replaced"), (f"{name}_restoring", name)):
                connection.execute(rename.format(sql.Identifier(source), sql.Identifier(target)))


def _move_artifacts(address: str, old_home: str, new_home: str) -> None:
    """MLflow names its files by their whole path, which is another one where the home is."""
    if old_home == new_home:
        return
    with connect_to(address) as connection:
        for table, column in ARTIFACT_COLUMNS:
            # MLflow makes its tables when it is first used.
            if not exists(connection, sql.Identifier(table)):
                continue
            connection.execute(
                sql.SQL(
                    "update {table} set {column} = replace({column}, %(old)s, %(new)s)"
                    " where {column} like '%%' || %(old)s || '%%'"
                ).format(table=sql.Identifier(table), column=sql.Identifier(column)),
                {"old": f"{old_home}/", "new": f"{new_home}/"},
            )
