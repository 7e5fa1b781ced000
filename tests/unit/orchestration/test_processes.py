from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from orchestration.processes import Record, end_processes, read_record, start_process

# Starts a child, says so, and waits.
PARENT = (
    "import subprocess, time; child = subprocess.Popen(['sleep', '600']);"
    "print('child', child.pid, flush=True); time.sleep(600)"
)
# Doesn't end when asked to.
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('ready', flush=True); time.sleep(600)"
)


class Place:
    """Where the processes of a test leave their traces."""

    def __init__(self, folder: Path) -> None:
        self.record_file = folder / "service.json"
        self.log_file = folder / "service.log"
        self.folder = folder
        self.started: list[Record] = []

    def start(self, *command: str) -> Record:
        record = start_process(
            command or (sys.executable, "-c", PARENT),
            folder=self.folder,
            environment={"PATH": os.defpath, "GREETING": "hello"},
            record_file=self.record_file,
            log_file=self.log_file,
            port=None,
            launch="as before",
        )
        self.started.append(record)
        return record

    def await_log(self, word: str) -> str:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.log_file.exists() and word in self.log_file.read_text():
                return self.log_file.read_text()
            time.sleep(0.02)
        raise TimeoutError(self.log_file.read_text())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    end_processes(made.started, 5)


def test_no_record(place: Place) -> None:
    assert read_record(place.record_file) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"other": 1}'])
def test_a_record_that_makes_no_sense(place: Place, content: str) -> None:
    place.record_file.write_text(content)
    assert read_record(place.record_file) is None


def test_a_program_that_is_not_there(place: Place) -> None:
    record = place.start("/no/such/program")
    place.await_log("/no/such/program")
    psutil.wait_procs(record.processes(), timeout=5)
    assert not record.is_alive()


def test_it_is_found_by_its_record(place: Place) -> None:
    record = place.start()
    place.await_log("child")
    assert read_record(place.record_file) == record
    assert record.is_alive()
    assert stat.S_IMODE(place.record_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.log_file.stat().st_mode) == 0o600


def test_it_has_its_own_session_folder_environment_and_no_input(place: Place) -> None:
    place.start("/bin/sh", "-c", "pwd; echo $GREETING; cat; ps -o sid= -p $$; echo end $$")
    pid = place.await_log("end").split()[-1]
    assert place.log_file.read_text().split() == [str(place.folder), "hello", pid, "end", pid]


def test_all_that_it_started_ends_with_it(place: Place) -> None:
    record = place.start()
    child = psutil.Process(int(place.await_log("child").split()[1]))
    end_processes([record], 5)
    assert not record.is_alive()
    assert not child.is_running()


def test_children_of_a_killed_process_are_found(place: Place) -> None:
    record = place.start()
    child = psutil.Process(int(place.await_log("child").split()[1]))
    os.kill(record.pid, signal.SIGKILL)
    os.waitpid(record.pid, 0)
    assert not record.is_alive()
    assert record.processes() == [child]
    end_processes([record], 5)
    assert not child.is_running()


def test_one_that_ignores_the_request_is_killed(place: Place) -> None:
    record = place.start(sys.executable, "-c", STUBBORN)
    place.await_log("ready")
    end_processes([record], 0.3)
    assert not record.is_alive()


def test_a_process_that_got_the_same_pid_later_is_left_alone(place: Place) -> None:
    bystander = place.start()
    place.await_log("child")
    stale = replace(bystander, born=bystander.born - 3600)
    assert not stale.is_alive()
    assert stale.processes() == []
    end_processes([stale], 0.1)
    assert bystander.is_alive()


def test_a_starter_that_is_killed_leaves_no_process_without_a_record(tmp_path: Path) -> None:
    """Kills the starter between the start and the record."""
    command = f"""
import os, pathlib, signal
from orchestration import processes
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
processes._write_record = die
processes.start_process(
    ["/bin/sh", "-c", "echo started > '{tmp_path}/started'; sleep 600"],
    folder=pathlib.Path("/"), environment={{}}, record_file=pathlib.Path("{tmp_path}/r.json"),
    log_file=pathlib.Path("{tmp_path}/log"), port=None, launch="",
)
"""
    starter = subprocess.run([sys.executable, "-c", command], check=False, timeout=60)
    assert starter.returncode == -signal.SIGKILL
    time.sleep(0.3)
    assert not (tmp_path / "started").exists()


def test_a_large_log_is_set_aside(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.processes.LARGEST_LOG_BYTES", 10)
    place.log_file.write_text("long ago and long\n")
    record = place.start("/bin/echo", "today")
    place.await_log("today")
    assert record.log_offset == 0
    assert place.log_file.with_suffix(".log.1").read_text() == "long ago and long\n"


def test_a_log_is_continued(place: Place) -> None:
    place.log_file.write_text("before\n")
    record = place.start("/bin/echo", "after")
    place.await_log("after")
    assert place.log_file.read_text()[record.log_offset :] == "after\n"
