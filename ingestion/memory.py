"""Lets a long load take no more memory than a short one.

By themselves Arrow and glibc keep what was freed: for each thread apart, and in pieces between
which the next ones don't fit.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

import pyarrow as pa

#: Parameters of glibc's mallopt; other libraries of C have neither it nor malloc_trim.
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

#: Memory in larger pieces than that goes back to the system as soon as it is freed.
LARGE_BYTES = 1 << 18


def bound() -> None:
    """Lets all threads share one heap, and large pieces stay out of it."""
    pa.set_memory_pool(pa.system_memory_pool())
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)


def give_back() -> None:
    """Gives what is free to the system; takes milliseconds."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
