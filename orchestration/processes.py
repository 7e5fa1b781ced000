"""Processes that outlive the command that started them, known again by a record on disk.

Belongs here: starting one, finding it, ending it with all that it started. Does not belong here:
what the processes are (`orchestration/services.py`).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

LARGEST_LOG_BYTES = 10 * 1024**2
# The clock that dates a process may be set while it runs.
BIRTH_TOLERANCE_SECONDS = 2.0

# Waits until its record is written: a starter that is killed leaves no process without a record.
_WAIT_THEN_BECOME = 'read -r go && exec "$@" < /dev/null'


@dataclass(frozen=True)
class Record:
    """What is known of a process that was started.

    Attributes:
        pid: Its id, which is also the id of its session: all that it starts is in there.
        born: When it was started, seconds since 1970; a reused pid has another.
        port: TCP port that it was told to listen at.
        launch: Digest of how it was started; another one means that it is out of date.
        log_offset: Size of its log when it was started, bytes.
    """

    pid: int
    born: float
    port: int | None
    launch: str
    log_offset: int

    def is_alive(self) -> bool:
        """Tells whether this very process runs."""
        leader = self._leader()
        return leader is not None and leader.status() != psutil.STATUS_ZOMBIE

    def processes(self) -> list[psutil.Process]:
        """Returns the process, where it still runs, and all that it started."""
        leader = self._leader()
        if leader is None and psutil.pid_exists(self.pid):
            # A pid is given out again only when no process of its session is left.
            return []
        found = [] if leader is None else [leader, *leader.children(recursive=True)]
        found += [process for process in psutil.process_iter() if _session(process) == self.pid]
        return list({process.pid: process for process in found}.values())

    def _leader(self) -> psutil.Process | None:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.born) <= BIRTH_TOLERANCE_SECONDS:
                return process
        return None


def start_process(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    record_file: Path,
    log_file: Path,
    port: int | None,
    launch: str,
) -> Record:
    """Starts a process in a session of its own, its output in a log, and records it.

    Args:
        command: Program and arguments.
        folder: Its working directory.
        environment: Its whole environment.
        record_file: Where the record is written, readable by its owner only.
        log_file: Where its output is appended; a large one is set aside first.
        port: TCP port that the command names.
        launch: Digest of how it is started.
    """
    if log_file.exists() and log_file.stat().st_size > LARGEST_LOG_BYTES:
        log_file.replace(log_file.with_suffix(".log.1"))
    with os.fdopen(os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
        log_offset = log.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            ["/bin/sh", "-c", _WAIT_THEN_BECOME, "sh", *command],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    born = psutil.Process(process.pid).create_time()
    record = Record(process.pid, born, port, launch, log_offset)
    _write_record(record_file, record)
    if process.stdin is not None:
        process.stdin.write(b"go\n")
        process.stdin.close()
    return record


def read_record(record_file: Path) -> Record | None:
    """Returns the record of a process that was started, or None if there is none."""
    try:
        return Record(**json.loads(record_file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def end_processes(records: Iterable[Record], seconds: float) -> None:
    """Ends processes with all that they started: asks first, kills what hasn't ended in time.

    Args:
        records: What to end; a process that isn't the recorded one is left alone.
        seconds: How long they may take to end by themselves.
    """
    remaining = [process for record in records for process in record.processes()]
    for sign, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, seconds)):
        for process in remaining:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(sign)
        _, remaining = psutil.wait_procs(remaining, timeout=patience)


def _write_record(record_file: Path, record: Record) -> None:
    draft = record_file.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(record), file)
    draft.replace(record_file)


def _session(process: psutil.Process) -> int | None:
    with suppress(ProcessLookupError, PermissionError):
        return os.getsid(process.pid)
    return None
