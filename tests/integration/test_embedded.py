"""The embedded server against everything that can befall it."""

from __future__ import annotations

import os
import pwd
import random
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from tests.integration.conftest import free_port
from warehouse.embedded import EmbeddedServer, EmbeddedServerError, port_is_free

RUNS_AS_ROOT = os.geteuid() == 0
START = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from warehouse.embedded import EmbeddedServer, EmbeddedServerError
    try:
        print(EmbeddedServer(Path(sys.argv[1]), int(sys.argv[2])).start())
    except EmbeddedServerError as error:
        sys.exit(str(error))
    """
)


def start_elsewhere(server: EmbeddedServer, **options: Any) -> subprocess.Popen[str]:
    """Starts the server from another process, as a command would."""
    return subprocess.Popen(
        [sys.executable, "-c", START, str(server.folder), str(server.preferred_port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def start_as_nobody(server: EmbeddedServer) -> str:
    """Starts the server as a user without rights; returns the port, or the message."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
        try:
            said = str(server.start())
        except EmbeddedServerError as error:
            said = str(error)
        except BaseException as error:
            said = f"Traceback: {error!r}"
        os.write(write_end, said.encode())
        os._exit(0)
    os.close(write_end)
    os.waitpid(child, 0)
    with os.fdopen(read_end) as pipe:
        return pipe.read()


def postmaster(server: EmbeddedServer) -> psutil.Process:
    first_line = (server.data / "postmaster.pid").read_text().splitlines()[0]
    return psutil.Process(int(first_line))


def ask(server: EmbeddedServer, query: str) -> object:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        row = connection.execute(query).fetchone()
        return row[0] if row else None


def tell(server: EmbeddedServer, command: str) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(command)


class TestRefusals:
    def test_a_file_stands_where_the_folder_should(self, folder: Path) -> None:
        (folder / "postgres").write_text("mine")
        with pytest.raises(EmbeddedServerError, match=r"can't be written .*CLV_HOME"):
            EmbeddedServer(folder / "postgres").start()
        assert (folder / "postgres").read_text() == "mine"

    def test_a_file_stands_above_the_folder(self, folder: Path) -> None:
        (folder / "home").write_text("mine")
        with pytest.raises(EmbeddedServerError, match="can't be written"):
            EmbeddedServer(folder / "home" / "postgres").start()

    @pytest.mark.skipif(not RUNS_AS_ROOT, reason="only root can act as another user")
    def test_the_folder_belongs_to_another_user(self, server: EmbeddedServer) -> None:
        server.folder.mkdir()
        server.folder.parent.chmod(0o755)
        assert "can't be written (Permission denied" in start_as_nobody(server)

    @pytest.mark.skipif(not RUNS_AS_ROOT, reason="only root can act as another user")
    def test_the_server_belongs_to_another_user(self, server: EmbeddedServer) -> None:
        server.start()
        server.folder.chmod(0o777)
        (server.folder / "lock").chmod(0o666)
        assert "belongs to another user" in start_as_nobody(server)

    @pytest.mark.skipif(not RUNS_AS_ROOT, reason="only root can give files away")
    def test_the_data_belong_to_a_user_nobody_knows(self, server: EmbeddedServer) -> None:
        server.start()
        server.stop()
        os.chown(server.data, 54321, 54321)
        with pytest.raises(EmbeddedServerError, match=r"user 54321.*\n.*chown"):
            server.start()

    def test_old_data_directory(self, server: EmbeddedServer) -> None:
        server.data.mkdir(parents=True)
        (server.data / "PG_VERSION").write_text("16\n")
        (server.data / "content").write_text("precious")
        with pytest.raises(EmbeddedServerError) as refusal:
            server.start()
        assert "Old data directory" in str(refusal.value)
        assert "PostgreSQL 16" in str(refusal.value)
        assert f"mv '{server.data}' '{server.data}-16'" in str(refusal.value)
        assert (server.data / "content").read_text() == "precious"
        assert server.version() == "16"

    def test_moving_the_old_data_away_helps(self, server: EmbeddedServer) -> None:
        server.data.mkdir(parents=True)
        (server.data / "PG_VERSION").write_text("16\n")
        with pytest.raises(EmbeddedServerError):
            server.start()
        server.data.rename(server.data.with_name("data-16"))
        server.start()
        assert ask(server, "select 1") == 1

    def test_something_else_than_a_data_directory(self, server: EmbeddedServer) -> None:
        server.data.mkdir(parents=True)
        (server.data / "holiday.jpg").write_text("precious")
        with pytest.raises(EmbeddedServerError, match="something else"):
            server.start()
        assert (server.data / "holiday.jpg").read_text() == "precious"

    def test_a_file_stands_where_the_data_should(self, server: EmbeddedServer) -> None:
        server.folder.mkdir()
        server.data.write_text("precious")
        with pytest.raises(EmbeddedServerError, match="is a file"):
            server.start()
        assert server.data.read_text() == "precious"

    def test_the_password_is_lost(self, server: EmbeddedServer) -> None:
        server.start()
        server.stop()
        server.password_file.unlink()
        with pytest.raises(EmbeddedServerError, match="password is missing"):
            server.start()

    def test_no_port_is_free(self, folder: Path) -> None:
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", 65535))
            other.listen()
            with pytest.raises(EmbeddedServerError, match=r"No port .* CLV_POSTGRES_PORT"):
                EmbeddedServer(folder / "postgres", 65535).start()

    def test_a_setting_of_the_data_is_broken(self, server: EmbeddedServer) -> None:
        server.start()
        server.stop()
        with (server.data / "postgresql.conf").open("a") as file:
            file.write("shared_preload_libraries = 'no_such_library'\n")
        with pytest.raises(EmbeddedServerError, match="no_such_library"):
            server.start()

    def test_the_url_of_a_stopped_server(self, server: EmbeddedServer) -> None:
        with pytest.raises(EmbeddedServerError, match="clv up"):
            server.url("clv")


class TestLogin:
    def test_the_password_is_asked_for_on_both_ways(self, server: EmbeddedServer) -> None:
        port = server.start()
        sockets = (server.data / "postmaster.pid").read_text().splitlines()[4]
        for host in ("127.0.0.1", sockets):
            for password in ("", "wrong"):
                with pytest.raises(psycopg.OperationalError, match="password"):
                    psycopg.connect(
                        host=host, port=port, user="postgres", password=password, passfile="/none"
                    )
            right = server.password_file.read_text().strip()
            psycopg.connect(host=host, port=port, user="postgres", password=right).close()
        rules = ask(server, "select string_agg(distinct auth_method, ',') from pg_hba_file_rules")
        assert rules == "scram-sha-256"

    def test_only_the_owner_can_read_password_and_log(self, server: EmbeddedServer) -> None:
        server.start()
        assert stat.S_IMODE(server.password_file.stat().st_mode) == 0o600
        assert stat.S_IMODE(server.log_file.stat().st_mode) == 0o600

    def test_the_password_is_in_no_argument_and_no_log(self, server: EmbeddedServer) -> None:
        server.start()
        password = server.password_file.read_text().strip()
        with psycopg.connect(server.url("postgres")) as connection, suppress(psycopg.Error):
            connection.execute(f"alter role nobody_there password '{password}'")
        assert password not in " ".join(postmaster(server).cmdline())
        assert password not in server.log_file.read_text()

    def test_only_this_machine_can_reach_it(self, server: EmbeddedServer) -> None:
        server.start()
        assert ask(server, "show listen_addresses") == "127.0.0.1"


class TestStart:
    def test_a_second_start_leaves_the_server_alone(self, server: EmbeddedServer) -> None:
        first = server.start()
        before = postmaster(server)
        assert server.start() == first
        assert postmaster(server) == before

    def test_data_survive_a_stop(self, server: EmbeddedServer) -> None:
        server.start()
        tell(server, "create table kept as select 42 as answer")
        server.stop()
        server.start()
        assert ask(server, "select answer from kept") == 42

    def test_what_is_committed_is_on_disk(self, server: EmbeddedServer) -> None:
        server.start()
        assert ask(server, "show fsync") == "on"
        assert ask(server, "show synchronous_commit") == "on"
        assert ask(server, "show full_page_writes") == "on"

    def test_text_sorts_alike_on_every_machine(self, server: EmbeddedServer) -> None:
        server.start()
        found = ask(
            server,
            "select concat_ws(' ', datlocprovider, datlocale, pg_encoding_to_char(encoding))"
            " from pg_database where datname = 'template1'",
        )
        assert found == "b C.UTF-8 UTF8"

    def test_the_path_may_be_long_and_odd(self, folder: Path) -> None:
        odd = folder / 'it\'s a "clone" of mine, again' / ("long" * 30) / "postgres"
        assert len(str(odd)) > 150
        server = EmbeddedServer(odd, free_port())
        server.start()
        assert ask(server, "select 1") == 1
        server.stop()
        server.start()
        assert ask(server, "select 1") == 1

    @pytest.mark.skipif(not RUNS_AS_ROOT, reason="a user reaches their own home")
    def test_a_clone_under_a_private_home_of_root(self, folder: Path) -> None:
        home = folder / "home"
        home.mkdir(mode=0o700)
        server = EmbeddedServer(home / "clone" / "postgres", free_port())
        server.start()
        assert ask(server, "select 1") == 1
        assert stat.S_IMODE(home.stat().st_mode) == 0o701, "passable, and not listable"

    @pytest.mark.skipif(not RUNS_AS_ROOT, reason="only root can act as another user")
    def test_an_ordinary_user(self, folder: Path) -> None:
        folder.chmod(0o777)
        server = EmbeddedServer(folder / "postgres", free_port())
        assert start_as_nobody(server) == str(server.port())
        assert postmaster(server).username() == "nobody"
        server.stop()
        server.start()
        assert postmaster(server).username() == "nobody", "root leaves the data to their owner"

    def test_a_data_folder_on_another_disk(self, server: EmbeddedServer) -> None:
        elsewhere = server.folder.parent / "elsewhere"
        elsewhere.mkdir()
        server.folder.mkdir()
        (server.folder / "data").symlink_to(elsewhere / "data")
        server.start()
        assert (elsewhere / "data" / "PG_VERSION").exists()
        assert ask(server, "select 1") == 1
        server.stop()
        server.start()

    def test_a_caller_with_captured_output_is_not_kept_waiting(
        self, server: EmbeddedServer
    ) -> None:
        started = start_elsewhere(server)
        port, message = started.communicate(timeout=30)
        assert started.returncode == 0, message
        assert int(port) == server.port()

    def test_the_server_outlives_the_session_of_its_starter(self, server: EmbeddedServer) -> None:
        started = start_elsewhere(server, start_new_session=True)
        started.wait(60)
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        assert ask(server, "select 1") == 1
        assert os.getsid(postmaster(server).pid) == postmaster(server).pid

    def test_many_starts_at_once_make_one_server(self, server: EmbeddedServer) -> None:
        started = [start_elsewhere(server) for _ in range(4)]
        answers = [process.communicate(timeout=60) for process in started]
        assert set(answers) == {(f"{server.port()}\n", "")}
        ours = [p for p in psutil.process_iter() if _is_postmaster_of(p, server)]
        assert len(ours) == 1

    def test_starts_and_stops_at_once(self, server: EmbeddedServer) -> None:
        errors: list[BaseException] = []

        def toggle(seed: int) -> None:
            chance = random.Random(seed)
            try:
                for _ in range(6):
                    server.stop() if chance.random() < 0.5 else server.start()
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=toggle, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        server.start()
        assert ask(server, "select 1") == 1


class TestPorts:
    def test_a_taken_port_moves_on_and_is_recorded(self, server: EmbeddedServer) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", server.preferred_port))
            other.listen()
            port = server.start()
        assert port > server.preferred_port
        assert server.recorded_port() == port
        assert f":{port}/" in server.url("postgres")

    def test_the_recorded_port_is_kept(self, server: EmbeddedServer) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", server.preferred_port))
            other.listen()
            port = server.start()
            server.stop()
        assert server.start() == port, "although the preferred one is free again"

    def test_a_recorded_port_that_is_taken_moves_on(self, server: EmbeddedServer) -> None:
        port = server.start()
        server.stop()
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", port))
            other.listen()
            assert server.start() not in {port, None}

    def test_a_record_that_makes_no_sense(self, server: EmbeddedServer) -> None:
        server.folder.mkdir()
        server.port_file.write_text("half a numb")
        assert server.start() == server.preferred_port

    def test_a_port_of_another_address_counts_as_taken(self) -> None:
        with socket.socket() as other:
            other.bind(("0.0.0.0", 0))
            other.listen()
            assert not port_is_free(other.getsockname()[1])


class TestStop:
    def test_nothing_to_stop(self, server: EmbeddedServer) -> None:
        assert server.stop() is False
        assert not server.folder.exists()

    def test_only_its_own_server_is_stopped(self, folder: Path) -> None:
        port = free_port()
        mine = EmbeddedServer(folder / "mine" / "postgres", port)
        other = EmbeddedServer(folder / "other" / "postgres", port)
        mine.start()
        other.start()
        survivor = postmaster(other)
        assert mine.stop() is True
        assert mine.port() is None
        assert postmaster(other) == survivor
        assert ask(other, "select 1") == 1

    def test_an_open_transaction_does_not_hold_it_up(self, server: EmbeddedServer) -> None:
        server.start()
        with psycopg.connect(server.url("postgres")) as connection:
            connection.execute("create table lost (n int)")
            started = time.monotonic()
            assert server.stop() is True
            assert time.monotonic() - started < 5
            with suppress(psycopg.OperationalError):
                connection.rollback()
        server.start()
        assert ask(server, "select to_regclass('lost')") is None

    def test_nothing_of_it_is_left(self, server: EmbeddedServer) -> None:
        server.start()
        sockets = Path((server.data / "postmaster.pid").read_text().splitlines()[4])
        assert sockets.is_dir()
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        server.stop()
        assert not sockets.exists()
        assert not [p for p in psutil.process_iter() if _lives_in(p, server)]


class TestCrashes:
    def test_a_killed_postmaster_again_and_again(self, server: EmbeddedServer) -> None:
        server.start()
        tell(server, "create table kept (n int)")
        for n in range(6):
            tell(server, f"insert into kept values ({n})")
            _kill(postmaster(server))
            server.start()
            assert ask(server, "select count(*) from kept") == n + 1
        sockets = list(Path("/tmp").glob("clv-pg-*"))
        owned = [p for p in sockets if (p / f".s.PGSQL.{server.port()}").exists()]
        assert len(owned) == 1, "the folders of killed servers are gone"

    def test_a_backend_that_outlives_its_postmaster(self, server: EmbeddedServer) -> None:
        """One in the middle of a long calculation doesn't notice, and keeps the memory."""
        server.start()
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            backend = psutil.Process(connection.info.backend_pid)
            busy = threading.Thread(target=_count_for_long, args=(connection,))
            busy.start()
            time.sleep(0.3)
            _kill(postmaster(server))
            assert backend.is_running(), "the calculation goes on"
            server.start()
            busy.join(10)
            assert not busy.is_alive()
            assert not backend.is_running()
        assert ask(server, "select 1") == 1

    def test_a_stop_ends_what_a_killed_postmaster_left(self, server: EmbeddedServer) -> None:
        server.start()
        sockets = Path((server.data / "postmaster.pid").read_text().splitlines()[4])
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            busy = threading.Thread(target=_count_for_long, args=(connection,))
            busy.start()
            time.sleep(0.3)
            _kill(postmaster(server))
            server.stop()
            busy.join(10)
        assert not [p for p in psutil.process_iter() if _lives_in(p, server)]
        assert not sockets.exists()

    def test_the_recorded_pid_is_in_use_by_another_program(self, server: EmbeddedServer) -> None:
        server.start()
        lines = (server.data / "postmaster.pid").read_text().splitlines()
        _kill(postmaster(server))
        with subprocess.Popen(["sleep", "600"]) as bystander:
            lines[0] = str(bystander.pid)
            (server.data / "postmaster.pid").write_text("\n".join(lines) + "\n")
            assert server.port() is None
            assert server.stop() is False
            server.start()
            assert bystander.poll() is None, "the bystander is left alone"
            bystander.kill()
        assert ask(server, "select 1") == 1

    @pytest.mark.parametrize("content", ["", "\n", "not a number\n", "1\n/tmp\n"])
    def test_a_postmaster_file_that_makes_no_sense(
        self, server: EmbeddedServer, content: str
    ) -> None:
        server.start()
        server.stop()
        (server.data / "postmaster.pid").write_text(content)
        server.start()
        assert ask(server, "select 1") == 1

    def test_a_starter_that_is_killed_at_any_moment(self, folder: Path) -> None:
        chance = random.Random(20250101)
        for attempt in range(12):
            server = EmbeddedServer(folder / str(attempt % 4) / "postgres", free_port())
            started = start_elsewhere(server)
            time.sleep(chance.uniform(0.1, 1.0))
            started.kill()
            started.communicate()
            server.start()
            assert ask(server, "select 1") == 1
            assert not list(server.folder.glob("*.new"))
            if chance.random() < 0.5:
                _kill(postmaster(server))
            else:
                server.stop()

    def test_half_made_data_are_made_anew(self, server: EmbeddedServer) -> None:
        half = server.folder / "data.building-dead"
        half.mkdir(parents=True)
        (half / "PG_VERSION").write_text("18\n")
        server.start()
        assert not half.exists()
        assert ask(server, "select 1") == 1

    def test_another_start_waits_for_a_recovery(self, server: EmbeddedServer) -> None:
        server.start()
        tell(
            server,
            "create table big as select i, md5(i::text) from generate_series(1, 400000) as s (i)",
        )
        _kill(postmaster(server))
        started = [start_elsewhere(server) for _ in range(3)]
        answers = [process.communicate(timeout=60) for process in started]
        assert set(answers) == {(f"{server.port()}\n", "")}
        assert ask(server, "select count(*) from big") == 400000


def _kill(process: psutil.Process) -> None:
    process.kill()
    with suppress(psutil.NoSuchProcess):
        process.wait(10)


def _count_for_long(connection: psycopg.Connection) -> None:
    with suppress(psycopg.Error):
        connection.execute("select sum(i * i) from generate_series(1, 2000000000) as s (i)")


def _lives_in(process: psutil.Process, server: EmbeddedServer) -> bool:
    try:
        return process.name() == "postgres" and process.cwd() == str(server.data)
    except psutil.Error:
        return False


def _is_postmaster_of(process: psutil.Process, server: EmbeddedServer) -> bool:
    return _lives_in(process, server) and process.ppid() not in _family(server)


def _family(server: EmbeddedServer) -> set[int]:
    return {process.pid for process in psutil.process_iter() if _lives_in(process, server)}
