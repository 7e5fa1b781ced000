"""CDNOW's purchase log as a CSV: ``python -m demo.cdnow FILE``.

The log (Fader and Hardie: every purchase until June 1998 of the 23,570 people who first bought in
the first quarter of 1997) ships inside the `lifetimes` package. Its dates are moved on by exactly
28 years, which keeps every weekday; nothing else is changed.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator
from datetime import date
from importlib.util import find_spec
from pathlib import Path

YEARS_MOVED = 28

HEADER = ("customer_id", "date", "number_of_cds", "dollar_value")


def purchases() -> Iterator[tuple[str, str, str, str]]:
    """Yields the log's lines in its own order, with the dates moved, values as they are written."""
    with _log().open(encoding="ascii") as lines:
        next(lines)
        for line in lines:
            if fields := line.split():
                customer_id, day, cds, dollars = fields
                moved = date(int(day[:4]) + YEARS_MOVED, int(day[4:6]), int(day[6:]))
                yield customer_id, moved.isoformat(), cds, dollars


def _log() -> Path:
    """Where the log is, found without an import of the package, which takes a second or two.

    lifetimes.datasets can't be imported at all: it needs pkg_resources, which is gone.
    """
    spec = find_spec("lifetimes")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("The package lifetimes is not installed: make .venv/.installed")
    return Path(spec.origin).parent / "datasets" / "CDNOW_master.txt"


def export(target: Path) -> int:
    """Writes the log as a CSV that appears whole or not at all.

    Args:
        target: The file; its folder is made.

    Returns:
        The number of data rows.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    rows = 0
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            for purchase in purchases():
                writer.writerow(purchase)
                rows += 1
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return rows


if __name__ == "__main__":
    export(Path(sys.argv[1]))
