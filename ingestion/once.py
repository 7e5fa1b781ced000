"""Tells what comes a second time within a load, in little memory."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

#: Numbers kept as a set before they are sorted into an array.
RECENT = 8_192


def mark(thing_id: str) -> int:
    """Returns a number that stands for an id, of 63 bits."""
    return int.from_bytes(blake2b(thing_id.encode(), digest_size=8).digest()) >> 1


class Once:
    """Remembers numbers in eight bytes each, in sorted runs of which each is twice the next."""

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.int64]] = []
        self._recent: set[int] = set()

    def first(self, numbers: Sequence[int]) -> list[bool]:
        """Says of each number whether it comes for the first time; a negative one always does.

        Args:
            numbers: At most 64 bits each.
        """
        asked = np.array(numbers, dtype=np.int64)
        known = np.zeros(len(asked), dtype=bool)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, asked), len(run) - 1)
            known |= run[places] == asked
        found: list[bool] = []
        for number, before in zip(numbers, known.tolist(), strict=True):
            fresh = number < 0 or not (before or number in self._recent)
            if fresh and number >= 0:
                self._recent.add(number)
            found.append(fresh)
        if len(self._recent) >= RECENT:
            self._sort_in()
        return found

    def _sort_in(self) -> None:
        run = np.fromiter(self._recent, dtype=np.int64, count=len(self._recent))
        self._recent = set()
        while self._runs and len(self._runs[-1]) < 2 * len(run):
            run = np.concatenate([self._runs.pop(), run])
        self._runs.append(np.sort(run))
