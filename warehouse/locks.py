"""Locks between processes of one machine that say who holds them.

Belongs here: file locks. Does not belong here: locks inside the database.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

POLL_SECONDS = 0.05
RECORD_BYTES = 4096


@dataclass(frozen=True)
class Holder:
    """Who holds a lock.

    Attributes:
        pid: Process id.
        since: Local time of acquisition, ISO 8601 to the second.
        purpose: What the holder does, as a person would call it.
    """

    pid: int
    since: str
    purpose: str


class LockError(Exception):
    """The lock can't be had; the message says who holds it and what to do."""

    def __init__(self, message: str, holder: Holder | None = None) -> None:
        super().__init__(message)
        self.holder = holder


@contextmanager
def exclusive(path: Path, purpose: str, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Holds a lock for the length of a block.

    The kernel frees the lock when its process ends, however it ends, so a dead holder never
    blocks anyone. The file stays behind: removing it would let two processes lock two files of
    the same name.

    Args:
        path: Lock file; its folder must exist.
        purpose: What the block does, shown to whoever finds the lock taken.
        wait_seconds: How long to wait for another holder before giving up.

    Raises:
        LockError: The file can't be written, or another process holds the lock.
    """
    try:
        # Python's descriptors close on exec: a server started in the block can't keep the lock.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise LockError(
            f"{path} can't be written ({error.strerror}). Make its folder writable, or choose "
            "another one with CLV_HOME."
        ) from error
    try:
        _acquire(descriptor, wait_seconds)
        _write(descriptor, Holder(os.getpid(), f"{datetime.now():%Y-%m-%d %H:%M:%S}", purpose))
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
                continue
        else:
            return
        raise _held_error(_read(descriptor))


def _held_error(holder: Holder | None) -> LockError:
    if holder is None:
        return LockError("Another process is at work here. Try again when it has ended.")
    return LockError(
        f"{holder.purpose} is already running (process {holder.pid}, since {holder.since}). "
        f"Wait until it ends, or end it with: kill {holder.pid}",
        holder,
    )


def _write(descriptor: int, holder: Holder) -> None:
    # A holder that was killed leaves its record behind: truncate before writing.
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(asdict(holder)).encode(), 0)


def _read(descriptor: int) -> Holder | None:
    """Reads the holder's record, which is empty for the instant between lock and record."""
    for _ in range(5):
        try:
            return Holder(**json.loads(os.pread(descriptor, RECORD_BYTES, 0)))
        except (ValueError, TypeError):
            time.sleep(POLL_SECONDS)
    return None
