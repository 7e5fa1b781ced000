from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from warehouse.locks import LockError, exclusive

HOLD = """
import sys, time
from pathlib import Path
from warehouse.locks import exclusive
with exclusive(Path(sys.argv[1]), "`clv demo`"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def holder(lock: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_folder_is_missing(tmp_path: Path) -> None:
    with (
        pytest.raises(LockError, match=r"can't be written .*CLV_HOME"),
        exclusive(tmp_path / "no" / "lock", "a test"),
    ):
        pass


def test_the_second_is_told_who_is_first(lock: Path) -> None:
    process = holder(lock)
    try:
        with pytest.raises(LockError) as refusal, exclusive(lock, "another `clv demo`"):
            pytest.fail("two hold the lock")
        message = str(refusal.value)
        assert message.startswith(f"`clv demo` is already running (process {process.pid}, since 2")
        assert f"kill {process.pid}" in message
        assert refusal.value.holder is not None
        assert refusal.value.holder.pid == process.pid
        assert refusal.value.holder.purpose == "`clv demo`"
    finally:
        process.kill()
        process.communicate()


def test_a_killed_holder_leaves_the_lock_free(lock: Path) -> None:
    process = holder(lock)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with exclusive(lock, "the next"):
        assert str(os.getpid()) in lock.read_text()


def test_a_process_started_in_the_block_does_not_keep_the_lock(lock: Path) -> None:
    with exclusive(lock, "the starter"):
        server = subprocess.Popen(["sleep", "600"], close_fds=False)
    try:
        with exclusive(lock, "the next"):
            pass
    finally:
        server.kill()
        server.wait()


def test_waiting_ends_when_the_holder_does(lock: Path) -> None:
    process = holder(lock)
    threading.Timer(0.3, process.kill).start()
    started = time.monotonic()
    with exclusive(lock, "the next", wait_seconds=30):
        assert 0.2 < time.monotonic() - started < 10
    process.communicate()


def test_waiting_ends_when_the_time_is_over(lock: Path) -> None:
    with (
        exclusive(lock, "the first"),
        pytest.raises(LockError, match="the first is already running"),
        exclusive(lock, "the next", wait_seconds=0.2),
    ):
        pass


def test_threads_of_one_process_exclude_each_other(lock: Path) -> None:
    inside = 0
    most = 0

    def enter() -> None:
        nonlocal inside, most
        with exclusive(lock, "a thread", wait_seconds=30):
            inside += 1
            most = max(most, inside)
            time.sleep(0.01)
            inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_an_error_in_the_block_frees_the_lock(lock: Path) -> None:
    with pytest.raises(RuntimeError), exclusive(lock, "the first"):
        raise RuntimeError
    with exclusive(lock, "the next"):
        pass
    assert lock.read_text() == "", "nobody is named who is gone"


def test_a_holder_without_a_record_is_still_a_holder(lock: Path) -> None:
    with exclusive(lock, "the first"):
        lock.write_text("")
        with pytest.raises(LockError, match="Another process"), exclusive(lock, "the next"):
            pass
