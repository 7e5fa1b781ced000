"""Time and memory of landing a shop, beside COPY of the same rows: ``make bench-ingestion``.

Each size gets a Postgres of its own, a first load, COPY of what it landed, and a second load that
changes a tenth of the orders. Exits with 1 when a limit is not kept; README.md says which.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from psycopg import sql

from benchmarks.server import copy_table, fresh_server
from warehouse.connection import connect
from warehouse.settings import get_settings

SIZES = (10_000, 100_000, 1_000_000)
LARGEST_RATIO = 8.0
#: How much more memory the largest load may take than the smallest.
LARGEST_GROWTH = 1.25

SCHEMA = "raw_shopify"
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Measured:
    """One size.

    Attributes:
        orders: Orders of the shop.
        rows: Rows that its first load landed, in all tables.
        seconds: Of the first load.
        copy_seconds: Of COPY of the same rows.
        second_seconds: Of the load that changes a tenth.
        peak_mb: Peak of the loading process's memory, the larger one of the two loads.
        server_mb: Peak of what the server's processes held for themselves during the first load.
    """

    orders: int
    rows: int
    seconds: float
    copy_seconds: float
    second_seconds: float
    peak_mb: float
    server_mb: float

    @property
    def ratio(self) -> float:
        """How many times as long as COPY the first load took."""
        return self.seconds / self.copy_seconds


def measure(orders: int) -> Measured:
    """Measures one size."""
    with fresh_server() as folder:
        with _watched() as peak:
            first = _land(orders)
        copy_seconds = _copy(folder)
        second = _land(orders, "--changed")
    return Measured(
        orders,
        sum(first["rows"].values()),
        first["seconds"],
        copy_seconds,
        second["seconds"],
        max(first["peak_mb"], second["peak_mb"]),
        peak[0],
    )


def _land(orders: int, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.landing", "--orders", str(orders), *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    figures: dict[str, Any] = json.loads(done.stdout)
    if figures["rejected"]:
        raise RuntimeError(f"{figures['rejected']} rows were rejected: the made shop is wrong.")
    return figures


def _copy(folder: Path) -> float:
    """Copies what has landed into tables of the same columns.

    Args:
        folder: Holds one table at a time as text, so that nothing is formatted while it is timed.

    Returns:
        Seconds of COPY, with the commits.
    """
    seconds = 0.0
    file = folder / "rows.copy"
    with connect(autocommit=True) as connection:
        connection.execute("create schema copied")
        found = connection.execute(
            "select tablename from pg_tables where schemaname = %s and tablename not like %s",
            (SCHEMA, r"\_dlt%"),
        ).fetchall()
        for (name,) in found:
            landed, copied = sql.Identifier(SCHEMA, name), sql.Identifier("copied", name)
            connection.execute(sql.SQL("create table {} (like {})").format(copied, landed))
            with (
                file.open("wb") as rows,
                connection.cursor().copy(sql.SQL("copy {} to stdout").format(landed)) as copy,
            ):
                for data in copy:
                    rows.write(data)
            seconds += copy_table(connection, copied, file)
        file.unlink()
        connection.execute("drop schema copied cascade")
    return seconds


@contextmanager
def _watched() -> Iterator[list[float]]:
    """Follows the memory of the server's processes; the peak, in MB, is there afterwards."""
    peak, over = [0.0], threading.Event()
    postmaster = psutil.Process(
        int((get_settings().postgres_folder / "data" / "postmaster.pid").read_text().split()[0])
    )

    def follow() -> None:
        while not over.wait(_POLL_SECONDS):
            with suppress(psutil.Error):
                peak[0] = max(peak[0], sum(map(_own_mb, postmaster.children())))

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def _own_mb(process: psutil.Process) -> float:
    """Returns what a process holds beside what all of them share."""
    with suppress(psutil.Error):
        memory = process.memory_info()
        return float(memory.rss - getattr(memory, "shared", 0)) / (1 << 20)
    return 0.0


def main(arguments: list[str] | None = None) -> int:
    """Measures all sizes and prints the table; returns 1 when a limit is not kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingestion", description=__doc__)
    parser.add_argument("--orders", type=int, nargs="+", default=SIZES, help="sizes, ascending")
    print(
        "|    orders |      rows |  first load |     COPY | ratio | a tenth changed"
        " | peak memory | server's |\n"
        "|----------:|----------:|------------:|---------:|------:|----------------:"
        "|------------:|---------:|",
        flush=True,
    )
    sizes = []
    for orders in parser.parse_args(arguments).orders:
        found = measure(orders)
        sizes.append(found)
        print(
            f"| {found.orders:9,} | {found.rows:9,} | {found.seconds:9.1f} s |"
            f" {found.copy_seconds:6.2f} s | {found.ratio:5.1f} | {found.second_seconds:13.1f} s |"
            f" {found.peak_mb:8.0f} MB | {found.server_mb:5.0f} MB |",
            flush=True,
        )
    growth = sizes[-1].peak_mb / sizes[0].peak_mb
    print(
        f"\nRatio at {sizes[-1].orders:,} orders: {sizes[-1].ratio:.1f} (limit {LARGEST_RATIO}). "
        f"Memory against {sizes[0].orders:,} orders: {growth:.2f} times (limit {LARGEST_GROWTH})."
    )
    return int(sizes[-1].ratio > LARGEST_RATIO or growth > LARGEST_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
