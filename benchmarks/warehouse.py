"""Time of building the marts at scale, beside COPY of the raw bytes: ``make bench-warehouse``.

A company of three shops is copied into the raw tables and built in full; then one order in a
hundred is new, edited or deleted, and it is built again as in a night. Exits with 1 when a limit is
not kept; README.md says which.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from psycopg import Connection, sql

from benchmarks.server import copy_table, fresh_server
from benchmarks.shop_rows import OF_ORDERS, OF_OTHERS, Shop
from orchestration.environment import platform_environment
from orchestration.manifest import MANIFEST, ensure_manifest
from warehouse.connection import connect
from warehouse.settings import PROJECT_ROOT, get_settings

ORDERS = 1_000_000
CUSTOMERS = 100_000
LARGEST_FULL_SECONDS = 60.0
LARGEST_NIGHTLY_SECONDS = 15.0

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
_SLOWEST_SHOWN = 15
# Columns by which connectors find the rows of an order again.
_MERGE_KEYS = ("id", "order_id", "feed")


@dataclass(frozen=True)
class Build:
    """One run of dbt.

    Attributes:
        seconds: Of the whole command, its start included.
        nodes: Seconds of every model and test.
    """

    seconds: float
    nodes: dict[str, float]

    def slowest(self) -> str:
        """Returns the nodes that took longest, a line each."""
        ordered = sorted(self.nodes.items(), key=lambda node: -node[1])[:_SLOWEST_SHOWN]
        return "\n".join(f"  {seconds:7.2f} s  {name}" for name, seconds in ordered)


def make_tables(connection: Connection[Any]) -> None:
    """Makes the raw tables that are filled, with the columns that dbt's sources declare."""
    for table, columns in _declared().items():
        if table not in OF_ORDERS | OF_OTHERS:
            continue
        schema, name = table.split(".")
        connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        connection.execute(
            sql.SQL("create table {} ({})").format(
                sql.Identifier(schema, name),
                sql.SQL(", ").join(
                    sql.SQL("{} ").format(sql.Identifier(column)) + sql.SQL(kind)
                    for column, kind in columns.items()
                ),
            )
        )


def index_tables(connection: Connection[Any]) -> None:
    """Indexes what has landed by company and merge key, as the connectors do."""
    for table, columns in _declared().items():
        keys = [key for key in _MERGE_KEYS if key in columns]
        if table in OF_ORDERS and keys:
            for key in keys:
                connection.execute(
                    sql.SQL("create index on {} (company_id, {})").format(
                        sql.Identifier(*table.split(".")), sql.Identifier(key)
                    )
                )
        if table in OF_ORDERS | OF_OTHERS:
            connection.execute(sql.SQL("analyze {}").format(sql.Identifier(*table.split("."))))


def _declared() -> dict[str, dict[str, str]]:
    return {
        f"{source['name']}.{table['name']}": {
            column["name"]: column["data_type"] for column in table["columns"]
        }
        for file in sorted(DBT_PROJECT.glob("models/staging/*/*__sources.yml"))
        for source in yaml.safe_load(file.read_text())["sources"]
        if source["name"].startswith("raw_")
        for table in source["tables"]
    }


def fill(connection: Connection[Any], folder: Path, queries: dict[str, str]) -> tuple[float, int]:
    """Copies the rows of queries into their tables, over a file each.

    Returns:
        Seconds of COPY into the tables, and the bytes.
    """
    seconds, size, file = 0.0, 0, folder / "rows.copy"
    for table, query in queries.items():
        described = connection.execute(f"select * from ({query}) as rows limit 0")  # noqa: S608
        names = [column.name for column in described.description or ()]
        with (
            file.open("wb") as rows,
            connection.cursor().copy(f"copy ({query}) to stdout") as copy,
        ):
            for data in copy:
                rows.write(data)
        size += file.stat().st_size
        target = sql.SQL("{} ({})").format(
            sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        seconds += copy_table(connection, target, file)
    file.unlink(missing_ok=True)
    return seconds, size


#: A night's changes besides new orders: every 250th order is given back in part or cancelled, every
#: 500th is gone. `numbers` are the orders', with the shop's letter before them.
_CHANGES = (
    """
    insert into raw_shopify.refunds (
        company_id, id, order_id, created_at, processed_at, updated_at, currency,
        presentment_currency, total_refunded, total_refunded_presentment, transaction_ids
    )
    select
        company_id, 'LATE' || id, id, timestamptz '2025-12-30 12:00+00',
        timestamptz '2025-12-30 12:00+00', timestamptz '2025-12-30 12:00+00', currency,
        presentment_currency, 1, 1, '["TLATE"]'::json
    from raw_shopify.orders
    where id in (select 'S' || n from generate_series(11, %(orders)s, 250) as numbers (n))
    """,
    """
    update raw_shopify.orders set financial_status = 'PARTIALLY_REFUNDED'
    where id in (select 'S' || n from generate_series(11, %(orders)s, 250) as numbers (n))
    """,
    """
    update raw_woocommerce.orders set status = 'cancelled', paid_at = null
    where id in (select n::text from generate_series(11, %(orders)s, 250) as numbers (n))
    """,
    """
    delete from raw_shopify.orders
    where id in (select 'S' || n from generate_series(12, %(orders)s, 500) as numbers (n))
    """,
    """
    delete from raw_woocommerce.orders
    where id in (select n::text from generate_series(12, %(orders)s, 500) as numbers (n))
    """,
    """
    delete from raw_files.order_lines
    where order_id in (select 'F' || n from generate_series(12, %(orders)s, 500) as numbers (n))
    """,
)


def change(connection: Connection[Any], folder: Path, shop: Shop) -> int:
    """Changes one order in a hundred, as a night's loads do; returns how many.

    Two of five are new, two of five are given back in part or cancelled, one is gone.
    """
    fifth = shop.orders // 500
    new = (shop.orders + 1, shop.orders + 2 * fifth)
    fill(connection, folder, {table: shop.part(query, *new) for table, query in OF_ORDERS.items()})
    for statement in _CHANGES:
        connection.execute(statement, {"orders": shop.orders})
    return 5 * fifth


def build(folder: Path) -> Build:
    """Builds and tests the marts as the job `transform` does."""
    environment = {**os.environ, **platform_environment(get_settings())}
    ensure_manifest(environment)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(MANIFEST.with_name("partial_parse.msgpack"), folder)
    command = [
        *(str(Path(sys.executable).with_name("dbt")), "--quiet", "build"),
        *("--selector", "transformation", "--target-path", str(folder), "--log-path", str(folder)),
        *("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)),
    ]
    started = time.perf_counter()
    ended = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if ended.returncode:
        raise RuntimeError(f"dbt failed:\n{ended.stdout[-4000:]}")
    results = json.loads((folder / "run_results.json").read_text())["results"]
    return Build(seconds, {result["unique_id"]: result["execution_time"] for result in results})


def main(arguments: list[str] | None = None) -> int:
    """Measures one size and prints it; returns 1 when a limit is not kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.warehouse", description=__doc__)
    parser.add_argument("--orders", type=int, default=ORDERS)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    chosen = parser.parse_args(arguments)
    shop = Shop(chosen.orders, chosen.customers)
    with fresh_server() as folder:
        with connect(autocommit=True) as connection:
            make_tables(connection)
            copy_seconds, size = fill(
                connection,
                folder,
                {
                    **{table: shop.whole(query) for table, query in OF_OTHERS.items()},
                    **{
                        table: shop.part(query, 1, shop.orders)
                        for table, query in OF_ORDERS.items()
                    },
                },
            )
            index_tables(connection)
        print(f"Raw rows: {size / 1e6:,.0f} MB, copied in {copy_seconds:.1f} s", flush=True)
        full = build(folder / "target")
        print(f"Full build: {full.seconds:.1f} s (limit {LARGEST_FULL_SECONDS:.0f})", flush=True)
        print(full.slowest(), flush=True)
        with connect(autocommit=True) as connection:
            changed = change(connection, folder, shop)
        nightly = build(folder / "target")
        print(
            f"Nightly build, {changed:,} orders changed: {nightly.seconds:.1f} s"
            f" (limit {LARGEST_NIGHTLY_SECONDS:.0f})\n{nightly.slowest()}"
        )
    return int(full.seconds > LARGEST_FULL_SECONDS or nightly.seconds > LARGEST_NIGHTLY_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
