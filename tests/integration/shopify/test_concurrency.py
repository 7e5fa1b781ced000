"""acme and bolt land at once, again and again, and are killed while they do.

Two shops that never stop changing, two loaders, each a process of its own, and kill -9 at moments
that a seed chooses. Most of them are times; the others are places between two steps of a load,
where a lock on a table stops the loader. Whatever happened, the next load of both has to make
warehouse and shop agree row by row.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from subprocess import Popen
from typing import Any, NamedTuple

import pytest
from psycopg import Connection as Postgres
from psycopg import sql

from ingestion.locks import session_name
from tests.integration.connectors.harness import Connector, StandIn, kill
from warehouse.connection import connect

log = logging.getLogger(__name__)

LAND_SECONDS = 180
STEP_SECONDS = 180

# What becomes of the statements that a killed loader was waiting for.
ENDED = "the server ends them"
FINISHED = "the server finishes them"
LINGERING = "they linger until the next load"


class Moment(NamedTuple):
    """When a loader is killed: before it writes to a table, or, without one, at some time."""

    table: str | None = None
    fate: str = ENDED


AT_SOME_TIME = Moment()
# The table that dlt marks a load in when all is merged; without the mark its state doesn't count.
MARK = "_dlt_loads"
STATE = "_dlt_pipeline_state"
# A loader that is stopped at one of these has merged the others.
MERGED = ("orders", "order_lines", "transactions", "customers", "variants", "deletions")


def moments(chance: random.Random) -> Iterator[Moment]:
    """Chooses when to kill; the very first load is killed at some time."""
    yield AT_SOME_TIME
    while True:
        table = chance.choice([None, None, chance.choice(MERGED), STATE, MARK])
        yield Moment(table, chance.choice([ENDED, FINISHED, LINGERING]))


@pytest.fixture(scope="module")
def shops() -> Iterator[list[StandIn]]:
    """The stand-ins of two shops."""
    fast = ("--scale", "0.02", "--bucket", "20000", "--restore", "100000")
    started: list[StandIn] = []
    try:
        for company in ("acme", "bolt"):
            started.append(StandIn(["--company", company, *fast]))
        yield started
    finally:
        for shop in started:
            shop.stop()


@dataclass
class Pair:
    """Two companies that land at once.

    Attributes:
        connectors: Theirs.
        connection: To the warehouse.
        chance: Decides what is left to chance.
        seconds: How long the last whole load took.
    """

    connectors: list[Connector]
    connection: Postgres
    chance: random.Random
    seconds: float = 8.0

    def land(self) -> None:
        """Both land to the end, after which all is as it should be."""
        began = time.monotonic()
        finish(connector.start() for connector in self.connectors)
        self.seconds = time.monotonic() - began
        assert [connector.differences() for connector in self.connectors] == [[], []]
        assert self.strangers() == []
        soon(lambda: self.query(HELD) == [])

    def interrupt(self, moment: Moment) -> None:
        """Both land while their shops change, and one of them or both are killed."""
        self.shake()
        victims = self.chance.choice([(0,), (1,), (0, 1)])
        if moment.table is None:
            loaders = [connector.start() for connector in self.connectors]
            seconds = self.chance.uniform(0.2, 1) * self.seconds
            time.sleep(seconds / 2)
            self.shake()
            time.sleep(seconds / 2)
            self.kill(loaders, victims, f"after {seconds:.1f} of {self.seconds:.1f} s")
        else:
            loaders = self.kill_at(moment.table, moment.fate, victims)
        finish(loader for number, loader in enumerate(loaders) if number not in victims)

    def kill_at(self, table: str, fate: str, victims: Sequence[int]) -> list[Popen[bytes]]:
        """Kills loaders that want to write to a table and wait for nothing but that."""
        killed = [self.connectors[number] for number in victims]
        with read_only(f"raw_shopify.{table}") as release:
            loaders = [connector.start() for connector in self.connectors]
            self.shake()
            soon(lambda: all(self.waits_for(each) == {f"raw_shopify.{table}"} for each in killed))
            self.kill(loaders, victims, f"before {table}; {fate}")
            left = self.sessions(killed)
            assert left
            if fate == ENDED:
                self.query("select pg_terminate_backend(pid, 9999) from unnest(%s) as pid", left)
            if fate != LINGERING:
                release()
                return loaders
            again = [connector.start() for connector in killed]
            soon(lambda: not {*left} & {*self.sessions(killed)})
            release()
            finish(again)
            return loaders

    def kill(self, loaders: list[Popen[bytes]], victims: Sequence[int], when: str) -> None:
        for number in victims:
            late = loaders[number].poll() is not None
            kill(loaders[number])
            company = self.connectors[number].company.id
            log.info("%s killed %s%s", company, when, " (too late)" if late else "")

    def shake(self) -> None:
        """Something happens in both shops."""
        for connector in self.connectors:
            for _ in range(self.chance.randint(1, 3)):
                shake(connector.stand_in, self.chance)

    def sessions(self, connectors: list[Connector]) -> list[int]:
        """The database sessions in which companies are loaded."""
        names = [session_name(each.source, each.company.id) for each in connectors]
        statement = "select pid from pg_stat_activity where application_name = any(%s)"
        return [pid for (pid,) in self.query(statement, names)]

    def waits_for(self, connector: Connector) -> set[str | None]:
        """What the working sessions of a load wait for; None is in it while one does work."""
        name = session_name(connector.source, connector.company.id)
        return {relation for (relation,) in self.query(WAITING, name)}

    def strangers(self) -> list[str]:
        """Rows of one company in the staging tables of another."""
        found = []
        for connector in self.connectors:
            schema = f"raw_{connector.source}_staging_{connector.company.id}"
            for (table,) in self.query(STAGED, schema):
                statement = sql.SQL("select 1 from {} where company_id <> {} limit 1").format(
                    sql.Identifier(schema, table), connector.company.id
                )
                found += [f"{schema}.{table}"] if self.query(statement) else []
        return found

    def query(self, statement: Any, *values: Any) -> list[tuple[Any, ...]]:
        # Within one transaction pg_stat_activity never changes.
        self.connection.rollback()
        return self.connection.execute(statement, values or None).fetchall()


# What nobody may hold when all loads have ended.
HELD = (
    "select locktype, pid from pg_locks where locktype = 'advisory'"
    " union all select application_name, pid from pg_stat_activity"
    " where application_name like 'clv-load-%'"
)

WAITING = (
    "select locks.relation::regclass::text from pg_stat_activity as activity"
    " left join pg_locks as locks on locks.pid = activity.pid and not locks.granted"
    " where application_name = %s and state = 'active'"
)

STAGED = (
    "select table_name from information_schema.columns"
    " where table_schema = %s and column_name = 'company_id'"
)


def shake(shop: StandIn, chance: random.Random) -> None:
    """Something happens in a shop, as far as there is something left that it can happen to."""
    orders, products = shop.truth("orders"), shop.truth("products")
    paid = [row["id"] for row in orders if row["financial_status"] == "PAID"]
    heir, *others = [row["id"] for row in shop.truth("customers")]
    order = chance.choice(orders)["id"]
    possible: list[tuple[str, dict[str, Any]]] = [
        ("add_orders", {"count": chance.randint(1, 3)}),
        ("edit_order", {"id": order, "tags": [f"{chance.random()}"]}),
        ("edit_order", {"id": order, "add_line": True}),
        ("edit_product", {"id": chance.choice(products)["id"], "title": f"{chance.random()}"}),
    ]
    if paid:
        possible.append(("refund_order", {"id": chance.choice(paid)}))
    if len(orders) > 30:
        possible.append(("delete", {"entity": "order", "id": order}))
    if len(products) > 5:
        gone = chance.choice(products)["id"]
        possible.append(("delete", {"entity": "product", "id": gone}))
    if len(others) > 5:
        merge = {"from": chance.choice(others), "into": heir}
        possible.append(("merge_customers", merge | {"touch_orders": chance.random() < 0.5}))
    action, parts = chance.choice(possible)
    shop.change(action, **parts)


@contextmanager
def read_only(table: str) -> Iterator[Callable[[], None]]:
    """Lets everybody read a table and nobody write to it, until the block ends or is told to."""
    with connect() as holder:
        holder.execute(f"lock table {table} in exclusive mode")
        yield holder.rollback


def soon(condition: Callable[[], bool]) -> None:
    """Waits until something is so."""
    deadline = time.monotonic() + STEP_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def finish(loaders: Iterator[Popen[bytes]] | list[Popen[bytes]]) -> None:
    """Waits until loads have ended well."""
    for loader in list(loaders):
        _, said = loader.communicate(timeout=LAND_SECONDS)
        assert loader.returncode == 0, said.decode()


@pytest.fixture
def pair(
    shops: list[StandIn], make_connector: Callable[[StandIn], Connector], connection: Postgres
) -> Pair:
    """Two companies of which nothing has landed, in a warehouse in which no Shopify has."""
    connection.execute("drop schema if exists raw_shopify cascade")
    connection.commit()
    return Pair([make_connector(shop) for shop in shops], connection, random.Random(0))


def test_two_companies_survive_kills(pair: Pair) -> None:
    for moment in (AT_SOME_TIME, Moment(MARK, ENDED), Moment("orders", LINGERING), AT_SOME_TIME):
        pair.interrupt(moment)
        pair.land()


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(10))
def test_two_companies_survive_fifty_kills(pair: Pair, seed: int) -> None:
    pair.chance = random.Random(seed)
    chosen = moments(pair.chance)
    for _ in range(5):
        pair.interrupt(next(chosen))
        pair.land()
