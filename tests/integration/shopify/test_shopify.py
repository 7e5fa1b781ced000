"""The Shopify connector against a stand-in of the API and a real Postgres."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from datetime import date, datetime
from itertools import product
from typing import Any

import orjson
import pytest
from psycopg import Connection as Postgres

from ingestion.errors import SourceError
from ingestion.intake import Intake
from ingestion.pipeline import load
from ingestion.quarantine import ObjectQuarantine, RejectedRow
from ingestion.sources.shopify import (
    backfill_shopify,
    bulk,
    land_shopify,
    queries,
    reading,
    tables,
)
from ingestion.sources.shopify import client as client_module
from ingestion.sources.shopify.client import ShopifyClient
from ingestion.sources.shopify.reconciliation import reconcile
from ingestion.sources.shopify.source import Shop, corrections
from tests.integration.connectors.harness import Connector, Faulty, grid
from tests.integration.connectors.suite import ConnectorSuite
from tests.integration.shopify.conftest import TOKEN, TOKEN_OF_60_DAYS


class TestShopify(ConnectorSuite):
    """What every connector has to do."""


def test_edits_with_one_timestamp_and_late_rows_land(connector: Connector) -> None:
    shop = connector.stand_in
    connector.land()
    now = shop.get("clock")["now"]
    orders = shop.truth("orders")
    # Two edits that the time alone can't tell apart, and one that doesn't move it at all.
    for order in orders[:2]:
        shop.change("edit_order", id=order["id"], tags=["edited"], updated_at=now)
    newest = max(orders, key=lambda order: order["updated_at"])
    shop.change("edit_order", id=newest["id"], tags=["silent"], updated_at="same")
    shop.change("add_orders", count=3, created_at="2025-03-01T12:00:00Z")
    connector.land()
    assert connector.differences() == []


def removable(connector: Connector) -> str:
    """An order with several lines, of which the first was not refunded."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for line in connector.stand_in.truth("order_lines"):
        lines.setdefault(line["order_id"], []).append(line)
    return next(
        order
        for order, of_order in lines.items()
        if len(of_order) > 1 and of_order[0]["quantity"] == of_order[0]["current_quantity"]
    )


def test_a_line_that_vanishes_from_its_order_vanishes(connector: Connector) -> None:
    connector.land()
    connector.stand_in.change("edit_order", id=removable(connector), remove_line=0)
    connector.land()
    assert connector.differences() == []


def test_an_order_that_has_no_children_any_more_has_none_in_the_warehouse(
    connector: Connector, connection: Postgres, client_for: Callable[..., ShopifyClient]
) -> None:
    connector.land()
    company_id = connector.company.id
    refund = connector.stand_in.truth("refund_lines")[0]
    gid = refund["order_id"]
    client = client_for(company_id)
    (order,) = client.ask("OrdersById", queries.ORDERS.again, {"ids": [gid]}).data["nodes"]
    order |= {"refunds": [], "transactions": []}
    order["lineItems"]["nodes"] = []

    def children() -> dict[str, int]:
        connection.rollback()
        return {
            table.name: connection.execute(
                f"select count(*) from raw_shopify.{table.name}"
                " where company_id = %s and order_id = %s",
                (company_id, gid.rsplit("/", 1)[1]),
            ).fetchone()[0]  # type: ignore[index]
            for table in tables.ORDER_CHILDREN
        }

    before = children()
    assert min(before["order_lines"], before["transactions"], before["refund_lines"]) > 0
    with ObjectQuarantine(company_id, "shopify") as quarantine:
        intake = Intake(company_id, quarantine, replaces=True, progress=lambda *_: None)
        for source in corrections(Shop(client, intake, "USD"), [[order]], [], []):
            load(source, "shopify", company_id)
    assert set(children().values()) == {0}


def test_what_does_not_fit_is_set_aside_until_it_is_read_again(
    connector: Connector,
    connection: Postgres,
    client_for: Callable[..., ShopifyClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    company_id = connector.company.id
    orders = [row["id"] for row in connector.stand_in.truth("orders")]
    line = connector.stand_in.truth("order_lines")[0]
    envelope = client_module._envelope

    def corrupted(content: bytes, *rest: Any) -> Any:
        answer = orjson.loads(content)
        for node in answer["data"].get("orders", {}).get("nodes", ()):
            if node["id"] == orders[-1]:
                node["totalPriceSet"]["shopMoney"]["amount"] = "12,50"
            for each in node.get("lineItems", {}).get("nodes", ()):
                if each["id"] == line["id"]:
                    each["quantity"] = 1.5
                    each["title"] = "NUL \x00"
                each["brandNew"] = {"of": "tomorrow"}
        return envelope(orjson.dumps(answer), *rest)

    def quarantined() -> list[Any]:
        connection.rollback()
        return connection.execute(
            "select feed, source_file, line_number, column_name, reason"
            " from quarantine.rejected_rows where company_id = %s order by 1",
            (company_id,),
        ).fetchall()

    monkeypatch.setattr(client_module, "_envelope", corrupted)
    load = connector.land()
    rejected = quarantined()
    assert [row[:3] for row in rejected] == [
        ("order_lines", line["order_id"], 0),
        ("orders", orders[-1], 0),
    ]
    assert rejected[1][3:] == (
        "totalPriceSet.shopMoney.amount",
        "is not a money: The string '12,50' is not a valid decimal128 number",
    )
    assert load.totals["orders"].rejected_rows == 1
    assert load.deleted == {}
    # An order that doesn't fit stays out whole; the new field landed.
    left_out = orders[-1].rsplit("/", 1)[1]
    (kept,) = connection.execute(
        "select count(*) from raw_shopify.transactions where company_id = %s and order_id = %s",
        (company_id, left_out),
    ).fetchone() or (None,)
    assert kept == 0
    (extra,) = connection.execute(
        # Lines that come by themselves, as those of a long order do, don't have it.
        "select max(extra ->> 'brandNew') from raw_shopify.order_lines where company_id = %s",
        (company_id,),
    ).fetchone() or (None,)
    assert extra == '{"of":"tomorrow"}'
    monkeypatch.setattr(client_module, "_envelope", envelope)
    for gid in (orders[-1], line["order_id"]):
        connector.stand_in.change("edit_order", id=gid, tags=["mended"])
    connector.land()
    assert quarantined() == []
    assert connector.differences() == []


def test_what_does_not_fit_is_set_aside_once_although_a_load_writes_twice(
    connector: Connector, connection: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = connector.stand_in
    connector.land()
    gone, unfit = [row["id"] for row in shop.truth("orders")[:2]]
    ask = ShopifyClient.ask

    def corrupted(self: ShopifyClient, operation: str, *rest: Any, **more: Any) -> Any:
        answer = ask(self, operation, *rest, **more)
        for node in answer.data.get("orders", {}).get("nodes", ()) if operation == "Orders" else ():
            if node["id"] == unfit:
                node["test"] = "perhaps"
        return answer

    monkeypatch.setattr(ShopifyClient, "ask", corrupted)
    shop.change("delete", entity="order", id=gone)
    for _ in range(2):
        shop.change("edit_order", id=unfit, note="unfit")
        connector.land()
        connection.rollback()
        assert connection.execute(
            "select source_file, column_name from quarantine.rejected_rows where company_id = %s",
            (connector.company.id,),
        ).fetchall() == [(unfit, "test")]


def test_refunds_made_later_land_with_their_lines(connector: Connector) -> None:
    shop = connector.stand_in
    connector.land()
    paid = [row for row in shop.truth("orders") if row["financial_status"] == "PAID"]
    shop.change("refund_order", id=paid[0]["id"])
    shop.change("refund_order", id=paid[1]["id"], goodwill_share=0.25)
    connector.land()
    assert connector.differences() == []


def test_deleted_orders_customers_and_products_become_tombstones(
    connector: Connector, connection: Postgres
) -> None:
    shop = connector.stand_in
    orders = shop.truth("orders")
    buyers = {order["customer_id"] for order in orders}
    lonely = next((row["id"] for row in shop.truth("customers") if row["id"] not in buyers), None)
    connector.land()
    gone = {("orders", orders[0]["id"]), ("products", shop.truth("products")[0]["id"])}
    if lonely:
        gone.add(("customers", lonely))
    for entity, key in gone:
        shop.change("delete", entity=entity.removesuffix("s"), id=key)
    load = connector.land()
    assert connector.differences() == []
    found = connection.execute(
        "select entity, id, found_by from raw_shopify.deletions where company_id = %s",
        (connector.company.id,),
    ).fetchall()
    found_ids = {(entity, key) for entity, key, _ in found}
    assert {(entity, key.rsplit("/", 1)[1]) for entity, key in gone} <= found_ids
    assert {by for entity, _, by in found if entity == "products"} == {"event"}
    assert load.deleted.get("orders") == 1
    again = connector.land()
    assert again.deleted == {}


# The process kills itself when it is about to load for the nth time.
DIE_BEFORE_LOAD = """
import os, signal
from ingestion import loads
load, left = loads.load, [None] * {nth}
def load_or_die(*given, **named):
    left.pop()
    return load(*given, **named) if left else os.kill(os.getpid(), signal.SIGKILL)
loads.load = load_or_die
"""


def killed_before(nth: int, connector: Connector) -> None:
    process = connector.start(DIE_BEFORE_LOAD.format(nth=nth))
    assert process.wait(120) == -signal.SIGKILL


# A load writes tombstones, children of orders, orders, and changes, in this order.
@pytest.mark.parametrize(
    ("touch_orders", "killed"),
    [
        (False, None),
        *(
            pytest.param(touch_orders, nth, marks=pytest.mark.faults)
            for touch_orders, nth in product((True, False), (None, 2, 3, 4))
            if touch_orders or nth
        ),
    ],
)
def test_a_merge_of_customers_moves_their_orders(
    connector: Connector, connection: Postgres, touch_orders: bool, killed: int | None
) -> None:
    shop = connector.stand_in
    connector.land()
    buyers = [row["customer_id"] for row in shop.truth("orders") if row["customer_id"]]
    gone, heir = list(dict.fromkeys(buyers))[:2]
    # Nothing says that a merge marks the orders as changed, nor that it doesn't.
    parts = {"from": gone, "into": heir, "touch_orders": touch_orders}
    shop.change("merge_customers", **parts)
    if killed:
        killed_before(killed, connector)
    connector.land()
    assert connector.differences() == []
    merged = connection.execute(
        "select merged_into from raw_shopify.deletions"
        " where company_id = %s and entity = 'customers' and id = %s",
        (connector.company.id, gone.rsplit("/", 1)[1]),
    ).fetchone()
    assert merged == (heir.rsplit("/", 1)[1],)


@pytest.mark.parametrize(
    "killed", [3, *(pytest.param(each, marks=pytest.mark.faults) for each in (None, 2))]
)
def test_an_order_that_was_missing_lands_with_its_children(
    connector: Connector, connection: Postgres, killed: int | None
) -> None:
    connector.land()
    # One between others: the comparison goes from the first landed order to the last.
    order = sorted(connector.stand_in.truth("orders"), key=lambda row: row["created_at"])[1]
    for table in (tables.ORDERS, *tables.ORDER_CHILDREN):
        key = "id" if table is tables.ORDERS else "order_id"
        connection.execute(
            f"delete from raw_shopify.{table.name} where company_id = %s and {key} = %s",
            (connector.company.id, order["id"].rsplit("/", 1)[1]),
        )
    connection.commit()
    assert connector.differences() != []
    if killed:
        killed_before(killed, connector)
    connector.land()
    assert connector.differences() == []


def test_rows_that_move_between_pages_are_neither_lost_nor_doubled(connector: Connector) -> None:
    shop = connector.stand_in
    by_time = sorted(shop.truth("orders"), key=lambda row: row["updated_at"])
    # One that was read moves to the end; one that wasn't goes; new ones come.
    shop.after(
        "Orders",
        2,
        {"action": "edit_order", "id": by_time[0]["id"], "tags": ["moved"]},
        {"action": "delete", "entity": "order", "id": by_time[-10]["id"]},
        {"action": "add_orders", "count": 2},
    )
    shop.after("Orders", 4, {"action": "edit_order", "id": by_time[1]["id"], "add_line": True})
    connector.land()
    connector.land()
    assert connector.differences() == []


def test_an_edit_within_the_last_second_of_the_window_doubles_nothing(
    connector: Connector, connection: Postgres
) -> None:
    shop = connector.stand_in
    by_time = sorted(shop.truth("orders"), key=lambda row: row["updated_at"])
    shop.after(
        "Orders",
        2,
        {
            "action": "edit_order",
            "id": by_time[0]["id"],
            "add_line": True,
            "updated_at": by_time[-1]["updated_at"],
        },
    )
    connector.land()
    doubled = connection.execute(
        "select id from raw_shopify.order_lines where company_id = %s"
        " group by id having count(*) > 1",
        (connector.company.id,),
    ).fetchall()
    assert doubled == []
    connector.land()
    assert connector.differences() == []


def test_lists_are_begun_anew_before_they_end(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = connector.stand_in
    moment = shop.get("clock")["now"]
    # A list is short here, and one second holds more than one list.
    monkeypatch.setattr(reading, "REANCHOR_AFTER", 20)
    for order in shop.truth("orders")[:45]:
        shop.change("edit_order", id=order["id"], note="all at once", updated_at=moment)
    connector.land()
    assert connector.differences() == []


def test_a_backfill_lands_the_same_and_moves_no_cursor(
    connector: Connector, connection: Postgres, client_for: Callable[..., ShopifyClient]
) -> None:
    def state() -> list[Any]:
        connection.rollback()
        return connection.execute(
            "select version_hash from raw_shopify._dlt_pipeline_state"
            " where pipeline_name = %s order by version desc limit 1",
            (f"shopify_{connector.company.id}",),
        ).fetchall()

    # A backfill may be the very first load.
    connection.execute("drop schema if exists raw_shopify cascade")
    connection.commit()
    company = connector.company
    client = client_for(company.id)
    days = date(2020, 1, 1), date(2027, 12, 31)
    backfill_shopify(company, *days, client=client)
    first = connector.stand_in.operations()
    assert "Orders" not in first
    connector.land()
    assert connector.differences() == []
    before = state()
    connector.stand_in.change("edit_order", id=removable(connector), remove_line=0)
    load = backfill_shopify(company, *days, client=client)
    assert state() == before
    assert connector.differences() == []
    assert load.totals["orders"].landed_rows == len(connector.stand_in.truth("orders"))


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("bulk_failed", {}),
        ("result_cut", {}),
        *(
            pytest.param(kind, how, marks=pytest.mark.faults)
            for kind, how in (
                ("bulk_failed_empty", {}),
                ("bulk_canceled", {}),
                ("bulk_expired", {}),
                ("result_missing", {}),
                ("result_expired", {}),
                ("result_short", {}),
                ("drop", {"match": {"kind": "result"}}),
            )
        ),
    ],
)
def test_a_lost_bulk_result_is_asked_for_again(
    connector: Connector,
    client_for: Callable[..., ShopifyClient],
    kind: str,
    how: dict[str, Any],
) -> None:
    connector.stand_in.fault(kind, **({"match": {}} | how))
    company = connector.company
    backfill_shopify(company, date(2020, 1, 1), date(2027, 12, 31), client=client_for(company.id))
    met = connector.stand_in.get("faults")["faults"]
    assert [each["hits"] for each in met] == [1], met
    connector.stand_in.peace()
    connector.land()
    assert connector.differences() == []


def test_a_bulk_result_that_stays_lost_lands_nothing(
    connector: Connector,
    client_for: Callable[..., ShopifyClient],
    connection: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bulk, "ATTEMPTS", 2)
    connector.stand_in.fault("result_cut", {}, count=999)
    company = connector.company
    created = datetime.fromisoformat(connector.stand_in.truth("orders")[0]["created_at"])
    day = created.astimezone(company.zone).date()
    with pytest.raises(SourceError, match=r"bulk operation Orders, .*given up: .*of .* rows"):
        backfill_shopify(company, day, day, client=client_for(company.id))
    there = connection.execute("select to_regclass('raw_shopify.orders') is not null").fetchone()
    if there == (True,):
        landed = connection.execute(
            "select count(*) from raw_shopify.orders where company_id = %s", (company.id,)
        ).fetchone()
        assert landed == (0,)


def test_the_shop_is_reconciled(
    connector: Connector, client_for: Callable[..., ShopifyClient], connection: Postgres
) -> None:
    connector.land()
    client = client_for(connector.company.id)
    found = reconcile(connector.company, days=4, seed=1, client=client)
    assert [str(each) for each in found if not each.agrees] == []
    assert {"orders", "customers", "products"} <= {each.what for each in found}
    day = connection.execute(
        "update raw_shopify.orders set total_price = total_price + 0.01 where (company_id, id) in"
        " (select company_id, id from raw_shopify.orders where company_id = %s"
        "  order by created_at desc limit 1) returning (created_at at time zone 'UTC')::date",
        (connector.company.id,),
    ).fetchone()
    connection.commit()
    assert day is not None
    wrong = [
        each.what for each in reconcile(connector.company, days=1, client=client) if not each.agrees
    ]
    assert wrong == [f"total_price of {day[0]}"]


def test_a_shop_that_goes_on_selling_is_reconciled_all_the_same(
    connector: Connector, client_for: Callable[..., ShopifyClient], connection: Postgres
) -> None:
    company_id = connector.company.id
    connector.land()
    shop = connector.stand_in
    shop.change("add_orders", count=2)
    newest = max(shop.truth("orders"), key=lambda order: order["created_at"])
    shop.change("edit_order", id=newest["id"], add_line=True)
    for token in (TOKEN, TOKEN_OF_60_DAYS):
        client = client_for(company_id, token=token)
        found = reconcile(connector.company, days=4, seed=1, client=client)
        assert [str(each) for each in found if not each.agrees] == []
    # What went to quarantine is accounted for; what was lost is not.
    gid = min(shop.truth("orders"), key=lambda order: order["created_at"])["id"]
    lost = connection.execute(
        "delete from raw_shopify.orders where company_id = %s and id = %s"
        " returning created_at at time zone 'UTC'",
        (company_id, gid.rsplit("/", 1)[1]),
    ).fetchone()
    connection.commit()
    assert lost is not None
    client = client_for(company_id)

    def differing() -> list[str]:
        found = reconcile(connector.company, days=1, client=client)
        return [each.what for each in found if not each.agrees]

    assert differing() == ["orders"]
    with ObjectQuarantine(company_id, "shopify") as quarantine:
        raw = {"id": gid, "createdAt": f"{lost[0]:%Y-%m-%dT%H:%M:%SZ}"}
        quarantine.add("orders", RejectedRow(gid, 0, "name", "is not a text", raw))
        quarantine.update()
    assert differing() == []


def test_a_token_of_60_days_is_told_loudly_and_marks_nothing_as_deleted(
    connector: Connector,
    client_for: Callable[..., ShopifyClient],
    connection: Postgres,
    caplog: pytest.LogCaptureFixture,
) -> None:
    company = connector.company
    connector.land()
    load = land_shopify(company, client=client_for(company.id, token=TOKEN_OF_60_DAYS))
    assert any("read_all_orders" in warning for warning in load.warnings)
    assert "only orders of the last 60 days" in caplog.text
    assert load.deleted == {}
    assert connector.differences() == []


def test_an_expired_token_fails_at_once_and_is_not_shown(
    connector: Connector, client_for: Callable[..., ShopifyClient], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    company = connector.company
    client = client_for(company.id, token="shpat_worn_out")
    with pytest.raises(SourceError, match=r"Installation, page 1: HTTP 401.*put a valid one") as e:
        land_shopify(company, client=client)
    assert client.requests == 1
    assert "worn_out" not in str(e.value) + caplog.text


@pytest.mark.parametrize(("status", "says"), [(402, "frozen"), (403, "scopes"), (423, "locked")])
def test_a_refusal_fails_at_once_and_says_what_to_do(
    connector: Connector, status: int, says: str
) -> None:
    connector.stand_in.fault("status", {"operation": "Customers"}, status=status)
    with pytest.raises(SourceError, match=f"Customers, page 1: HTTP {status}.*{says}"):
        connector.land()
    assert connector.stand_in.operations().count("Customers") == 1
    connector.land()
    assert connector.differences() == []


def test_a_missing_scope_fails_at_once_and_names_it(connector: Connector) -> None:
    connector.stand_in.fault("access_denied", {"operation": "Disputes"}, scope="read_disputes")
    with pytest.raises(SourceError, match=r"Disputes, page 1: .*read_disputes.*skip"):
        connector.land()


def test_what_is_skipped_is_not_asked_for(connector: Connector, connection: Postgres) -> None:
    connection.execute("drop schema if exists raw_shopify cascade")
    connection.commit()
    shop = connector.company.sources.shopify
    assert shop is not None
    skipping = shop.model_copy(update={"skip": ("disputes", "discounts")})
    sources = connector.company.sources.model_copy(update={"shopify": skipping})
    company = connector.company.model_copy(update={"sources": sources})
    client = ShopifyClient(company.id, connector.stand_in.endpoint, TOKEN)
    land_shopify(company, client=client)
    assert not {"Disputes", "Discounts", "DiscountsNewest"} & {*connector.stand_in.operations()}
    for table in ("disputes", "discounts"):
        assert connection.execute(f"select count(*) from raw_shopify.{table}").fetchone() == (0,)


# Each fault that may pass, at each request of a load at which it may happen.
OPERATIONS = [
    ("Installation", 1),
    ("OrdersNewest", 1),
    ("Orders", 1),
    ("Orders", 2),
    ("Orders", 7),
    ("Refunds", 1),
    ("CustomersNewest", 1),
    ("Customers", 1),
    ("ProductsNewest", 1),
    ("Products", 1),
    ("Products", 2),
    ("Discounts", 1),
    ("Disputes", 1),
    ("ProductDeletions", 1),
    ("OrdersCount", 1),
    ("OrdersCount", 2),
    ("CustomersCount", 1),
]
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("throttled", {}),
    ("internal", {}),
    ("drop", {}),
    ("malformed", {}),
    ("slow", {"seconds": 0.2}),
    ("status", {"status": 429, "retry_after": 0.5}),
    ("status", {"status": 500}),
    ("status", {"status": 502}),
    ("status", {"status": 503}),
]
CASES = grid(OPERATIONS, FAULTS)


@pytest.mark.parametrize("fault", random.Random(2026).sample(CASES, 5), ids=str)
def test_a_fault_that_passes(connector: Connector, fault: Faulty) -> None:
    TestShopify().survives(connector, fault)


@pytest.mark.faults
@pytest.mark.parametrize("fault", CASES, ids=str)
def test_every_fault_that_passes(connector: Connector, fault: Faulty) -> None:
    TestShopify().survives(connector, fault)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Faulty("status", "Orders", 3, (("status", 503),)), "Orders, page 3: given up after 4"),
        (Faulty("drop", "Refunds", 1), "Refunds, page 1: given up after 4"),
        (Faulty("throttled", "Customers", 1), "Customers, page 1: given up after 8.*throttled"),
    ],
    ids=["503", "drop", "throttled"],
)
def test_a_fault_that_stays(connector: Connector, fault: Faulty, says: str) -> None:
    TestShopify().gives_up(connector, fault, says)


def test_a_merge_finds_what_it_replaces_by_an_index(
    connector: Connector, connection: Postgres
) -> None:
    connector.land()
    found = dict(
        connection.execute(
            "select indexname, indexdef from pg_indexes where schemaname = 'raw_shopify'"
        ).fetchall()
    )
    for table in tables.TABLES:
        unique = table.parent is None
        index = found[f"{table.name}_{'primary_key' if unique else 'merge_key'}"]
        assert ("UNIQUE" in index) is unique
        assert f"({', '.join(('company_id', *table.merge_columns))})" in index


def test_an_order_that_a_correction_brings_twice_lands_once(
    connector: Connector, client_for: Callable[..., ShopifyClient], connection: Postgres
) -> None:
    company = connector.company.id
    client = client_for(company)
    pages = [
        list(client.ask("Orders", queries.ORDERS.page, PAGE).data["orders"]["nodes"])
        for _ in range(2)
    ]
    with ObjectQuarantine(company, "shopify") as quarantine:
        shop = Shop(client, Intake(company, quarantine, True, lambda *_: None), "USD")
        for source in corrections(shop, pages, [], []):
            load(source, "shopify", company)
    for table, key in (("orders", "id"), ("order_lines", "id")):
        rows, distinct = connection.execute(
            f"select count(*), count(distinct {key}) from raw_shopify.{table}"
            " where company_id = %s",
            (company,),
        ).fetchone()
        assert rows == distinct > 0


PAGE = {"first": 3, "after": None, "query": None, "sortKey": "ID"}
