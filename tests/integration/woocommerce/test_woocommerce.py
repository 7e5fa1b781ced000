"""The WooCommerce connector against a stand-in of the API and a real Postgres."""

from __future__ import annotations

import random
import re
import ssl
import subprocess
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection as Postgres

from ingestion.errors import SourceError
from ingestion.quarantine import ObjectQuarantine, RejectedRow
from ingestion.sources.woocommerce import backfill_woocommerce, deletions, land_woocommerce, reading
from ingestion.sources.woocommerce import client as client_module
from ingestion.sources.woocommerce.client import WooCommerceClient
from ingestion.sources.woocommerce.reconciliation import reconcile
from ingestion.sources.woocommerce.tables import TABLES
from tests.integration.connectors.harness import Connector, Faulty, StandIn, grid
from tests.integration.connectors.suite import ConnectorSuite


class TestWooCommerce(ConnectorSuite):
    """What every connector has to do."""


def tombstones(connection: Postgres, company_id: str) -> set[tuple[str, str, str]]:
    connection.rollback()
    return set(
        connection.execute(
            "select entity, id, state from raw_woocommerce.deletions where company_id = %s",
            (company_id,),
        ).fetchall()
    )


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of twenty, so that a small site has many."""
    monkeypatch.setattr(reading, "PAGE", 20)
    monkeypatch.setattr(deletions, "READ_AT_ONCE", 20)


def test_the_checker_sees_what_is_wrong(connector: Connector, connection: Postgres) -> None:
    connector.land()
    company_id = connector.company.id
    spoil = {
        "total is": "update raw_woocommerce.orders set total = total + 0.01",
        "orders .* is missing": "delete from raw_woocommerce.orders",
        "gross is": "delete from raw_woocommerce.order_fees",
        "refunds .* is missing": "delete from raw_woocommerce.refunds",
        "customers .* is missing": "delete from raw_woocommerce.customers",
        "variations .* is missing": "delete from raw_woocommerce.variations",
    }
    for expected, statement in spoil.items():
        connection.rollback()
        connection.execute(f"{statement} where company_id = %s", (company_id,))  # type: ignore[arg-type]
        rollback, connection.rollback = connection.rollback, lambda: None  # type: ignore[method-assign]
        found = "\n".join(connector.differences())
        connection.rollback = rollback  # type: ignore[method-assign]
        assert re.search(expected, found), (expected, found)
    connection.rollback()
    assert connector.differences() == []


def test_edits_of_one_second_land(connector: Connector) -> None:
    site = connector.stand_in
    connector.land()
    now = site.get("clock")["now"]
    for order in site.truth("orders")[:3]:
        site.change("edit_order", id=order["id"], note="edited", updated_at=now)
    connector.land()
    assert connector.differences() == []
    # The same second again, after the cursor has reached it.
    for order in site.truth("orders")[3:6]:
        site.change("edit_order", id=order["id"], note="edited", updated_at=now)
    connector.land()
    assert connector.differences() == []


@pytest.mark.faults
def test_lines_come_and_vanish_with_their_order(connector: Connector) -> None:
    site = connector.stand_in
    connector.land()
    lines: dict[int, list[dict[str, Any]]] = {}
    refunded = {row["order_item_id"] for row in site.truth("refund_lines")}
    for line in site.truth("order_lines"):
        lines.setdefault(line["order_id"], []).append(line)
    several = [key for key, own in lines.items() if len(own) > 1 and own[0]["id"] not in refunded]
    site.change("edit_order", id=several[0], remove_line=0)
    site.change("edit_order", id=several[1], add_line=True)
    connector.land()
    assert connector.differences() == []


def test_orders_in_the_trash_and_back_again(connector: Connector, connection: Postgres) -> None:
    site = connector.stand_in
    connector.land()
    refunded = site.truth("refunds")[0]["order_id"]
    first, other = refunded, site.truth("orders")[5]["id"]
    site.change("trash", entity="order", id=first)
    load = connector.land()
    assert load.deleted["orders"] == 1
    assert ("orders", str(first), "trash") in tombstones(connection, connector.company.id)
    assert connector.differences() == []
    # One comes back while another goes: their number is the same.
    site.change("restore", entity="order", id=first)
    site.change("trash", entity="order", id=other)
    connector.land()
    assert connector.differences() == []
    site.change("delete", entity="order", id=other)
    connector.land()
    assert connector.differences() == []
    assert ("orders", str(other), "trash") in tombstones(connection, connector.company.id)


@pytest.mark.usefixtures("small_pages")
def test_what_is_deleted_for_good_is_found(connector: Connector, connection: Postgres) -> None:
    site = connector.stand_in
    connector.land()
    disputed = {row["order_id"] for row in site.truth("refunds")}
    orders = [row["id"] for row in site.truth("orders") if row["id"] not in disputed]
    variation = site.truth("variations")[0]["id"]
    product = site.truth("products")[-1]["id"]
    buyers = {row["customer_id"] for row in site.truth("orders")}
    idle = next(row["id"] for row in site.truth("customers") if row["id"] not in buyers)
    for key in (orders[0], orders[len(orders) // 2], orders[-1]):
        site.change("delete", entity="order", id=key)
    site.change("delete", entity="product", id=product)
    site.change("delete", entity="customer", id=idle)
    site.change("delete_variant", id=variation)
    load = connector.land()
    assert connector.differences() == []
    assert load.deleted["orders"] == 3
    there = tombstones(connection, connector.company.id)
    assert {
        ("orders", str(orders[0]), "deleted"),
        ("products", str(product), "deleted"),
        ("customers", str(idle), "deleted"),
        ("variations", str(variation), "deleted"),
    } <= there
    assert connector.land().deleted == {}


def test_refunds_come_and_go_without_a_word(connector: Connector, connection: Postgres) -> None:
    site = connector.stand_in
    connector.land()
    paid = [row["id"] for row in site.truth("orders") if row["received"] == row["total"] != "0.00"]
    refunded = {row["order_id"] for row in site.truth("refunds")}
    paid = [key for key in paid if key not in refunded]
    site.change("refund_order", id=paid[0])
    site.change("refund_order", id=paid[1], goodwill_share=0.25)
    connector.land()
    assert connector.differences() == []
    gone = site.truth("refunds")[0]["id"]
    site.change("delete_refund", id=gone)
    connector.land()
    assert ("refunds", str(gone), "deleted") in tombstones(connection, connector.company.id)
    assert connector.differences() == []


def test_what_no_filter_finds_is_found(connector: Connector) -> None:
    site = connector.stand_in
    connector.land()
    # A variation doesn't mark its product; users are not asked for by time.
    site.change("edit_variant", id=site.truth("variations")[0]["id"], price="77.70")
    site.change("edit_customer", id=site.truth("customers")[0]["id"], email="New.Name@Example.com")
    connector.land()
    assert connector.differences() == []


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("number", [pytest.param(3, marks=pytest.mark.faults), 30])
def test_rows_that_move_between_pages_are_neither_lost_nor_doubled(
    connector: Connector, number: int
) -> None:
    site = connector.stand_in
    orders = [row["id"] for row in site.truth("orders")]
    # Those read already go, by more than two pages share; one comes, one changes.
    site.after(
        "orders",
        4,
        *({"action": "trash", "entity": "order", "id": key} for key in orders[:number]),
        {"action": "add_orders", "count": 2},
        {"action": "edit_order", "id": orders[number + 1], "note": "moved"},
    )
    site.after("orders", 6, {"action": "delete", "entity": "order", "id": orders[number + 2]})
    connector.land()
    # What the first load alone has: nothing that stood still is missing.
    missing = [line for line in connector.differences() if "is missing" in line]
    assert [line for line in missing if line.startswith("orders")] == []
    connector.land()
    assert connector.differences() == []
    for key in orders[:number]:
        site.change("restore", entity="order", id=key)
    connector.land()
    assert connector.differences() == []


@pytest.mark.faults
@pytest.mark.usefixtures("small_pages")
def test_an_old_order_that_changes_behind_the_reading_lands_next_time(
    connector: Connector,
) -> None:
    site = connector.stand_in
    orders = [row["id"] for row in site.truth("orders")]
    site.after("orders", 6, {"action": "edit_order", "id": orders[0], "note": "behind"})
    # Much later something else changes before the end of the list.
    site.after("orders", 7, {"action": "advance", "seconds": 86_400 * 2})
    site.after("orders", 7, {"action": "edit_order", "id": orders[-1], "note": "ahead"})
    connector.land()
    connector.land()
    assert connector.differences() == []


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        # Hours that summer time repeats and skips; a limit is read as the site's own time.
        ("Europe/Berlin", "2027-03-28T04:30:00"),
        *(
            pytest.param(zone, moment, marks=pytest.mark.faults)
            for zone, moment in (
                ("America/New_York", "2027-03-14T04:30:00"),
                ("America/New_York", "2026-11-01T03:30:00"),
                ("America/New_York", "2027-03-14T07:30:00"),
                ("Europe/Berlin", "2026-10-25T02:30:00"),
                ("Europe/Berlin", "2027-03-28T01:30:00"),
            )
        ),
    ],
)
def test_nothing_is_lost_at_the_cursor_in_any_zone(
    make_connector: Callable[..., Connector],
    another_site: Callable[..., StandIn],
    zone: str,
    moment: str,
) -> None:
    site = another_site("--company", "bolt", "--timezone", zone)
    connector = make_connector(site)
    connector.land()
    order, other, third = [row["id"] for row in site.truth("orders")[:3]]
    limit = datetime.fromisoformat(f"{moment}+00:00")
    now = datetime.fromisoformat(site.get("clock")["now"])
    site.change("advance", seconds=int((limit - now).total_seconds()) - 30)
    site.change("edit_order", id=order, note=moment)
    connector.land()
    # In the second that the cursor has reached, and in the hour after it.
    at = site.get("clock")["now"]
    site.change("edit_order", id=other, note="the same second", updated_at=at)
    site.change("advance", seconds=1_800)
    site.change("edit_order", id=third, note="half an hour later")
    connector.land()
    assert connector.differences() == []


def test_how_rows_lie_in_the_warehouse(connector: Connector, connection: Postgres) -> None:
    connector.land()
    company_id = connector.company.id

    def rows(query: str) -> list[Any]:
        return connection.execute(query, (company_id,)).fetchall()  # type: ignore[arg-type]

    for table in TABLES:
        if table.name != "deletions":
            assert rows(f"select from raw_woocommerce.{table.name} where company_id = %s limit 1")
    orders = connector.stand_in.truth("orders")
    guests = {row["email"] for row in orders if row["customer_id"] is None}
    there = rows(
        "select email from raw_woocommerce.orders where company_id = %s and customer_id is null"
    )
    assert {email for (email,) in there} == guests
    assert any(each != each.lower() for each in guests)
    decimals = dict(
        rows(
            "select currency, max(scale(trim_scale(total))) from raw_woocommerce.orders"
            " where company_id = %s group by 1"
        )
    )
    assert (decimals["JPY"], decimals["KWD"], decimals["USD"]) == (0, 3, 2)
    found = dict(
        connection.execute(
            "select indexname, indexdef from pg_indexes where schemaname = 'raw_woocommerce'"
        ).fetchall()
    )
    for table in TABLES:
        unique = table.parent is None
        index = found[f"{table.name}_{'primary_key' if unique else 'merge_key'}"]
        assert ("UNIQUE" in index) is unique


@pytest.mark.faults
@pytest.mark.parametrize("version", ["8.9", "9.0"])
def test_an_older_woocommerce_lands_the_same(
    make_connector: Callable[..., Connector],
    another_site: Callable[..., StandIn],
    version: str,
) -> None:
    site = another_site("--company", "acme", "--version", version)
    connector = make_connector(site)
    connector.land()
    assert connector.differences() == []
    refund, variation = site.truth("refunds")[0]["id"], site.truth("variations")[0]["id"]
    paid = next(row["id"] for row in site.truth("orders") if float(row["received"]) > 0)
    site.change("delete_refund", id=refund)
    site.change("edit_variant", id=variation, price="3.30")
    site.change("delete_variant", id=site.truth("variations")[5]["id"])
    site.change("refund_order", id=paid, goodwill_share=0.1)
    connector.land()
    assert connector.differences() == []


@pytest.mark.parametrize(
    "setup",
    [["--folder", "/our/shop"], pytest.param(["--not-found"], marks=pytest.mark.faults)],
    ids=["front-page", "not-found"],
)
def test_a_site_with_plain_permalinks_lands(
    make_connector: Callable[..., Connector],
    another_site: Callable[..., StandIn],
    setup: list[str],
) -> None:
    site = another_site("--company", "acme", "--plain-permalinks", *setup)
    connector = make_connector(site)
    connector.land()
    assert connector.differences() == []


@pytest.mark.faults
def test_over_https_it_is_a_password(
    make_connector: Callable[..., Connector],
    another_site: Callable[..., StandIn],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", str(key), "-out", str(certificate), "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    assert ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    site = another_site("--company", "bolt", "--tls", str(certificate), str(key))
    assert site.endpoint.startswith("https://")
    connector = make_connector(site)
    connector.land()
    assert connector.differences() == []
    assert all("oauth" not in " ".join(entry["query"]) for entry in site.get("log"))


def test_no_key_stands_in_an_address_or_a_log(
    connector: Connector, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    connector.land()
    for entry in connector.stand_in.get("log"):
        if entry.get("operation"):
            names = set(entry["query"])
            assert not {each for each in names if "key" in each or "oauth" in each}, names
            assert "authorization" in entry["headers"]
    assert "cs_standin_acme" not in caplog.text
    assert "ck_standin_acme" not in caplog.text


def test_a_wrong_secret_fails_at_once_and_is_not_shown(
    connector: Connector, client_for: Callable[..., WooCommerceClient]
) -> None:
    client = client_for(connector.company.id, secret="cs_worn_out")
    with pytest.raises(
        SourceError, match=r"orders, page 1: HTTP 401 .*signature does not match.*REST API"
    ) as raised:
        land_woocommerce(connector.company, client=client)
    assert client.requests == 1
    assert "worn_out" not in str(raised.value)


def test_an_expired_key_fails_at_once(connector: Connector) -> None:
    site = connector.stand_in
    site.post("key", {"expired": True})
    try:
        with pytest.raises(SourceError, match=r"HTTP 401 .*Consumer key is invalid"):
            connector.land()
    finally:
        site.post("key", {"expired": False})
    connector.land()
    assert connector.differences() == []


def test_a_redirect_is_not_followed_with_credentials(connector: Connector) -> None:
    connector.stand_in.fault("status", {"operation": "customers"}, status=301)
    with pytest.raises(
        SourceError, match=r"customers, page 1: .*sends requests on to https://www\.example\.com, "
    ):
        connector.land()


def test_a_place_without_woocommerce_says_so(
    connector: Connector, client_for: Callable[..., WooCommerceClient]
) -> None:
    nowhere = f"{connector.stand_in.endpoint}/elsewhere"
    client = client_for(connector.company.id, address=nowhere)
    with pytest.raises(SourceError, match=r"HTTP 404\. There is no WooCommerce at this address"):
        land_woocommerce(connector.company, client=client)
    assert client.requests == 2


def test_notices_of_php_are_cut_off_and_told_once(
    connector: Connector, caplog: pytest.LogCaptureFixture
) -> None:
    connector.stand_in.fault("notice", {}, count=999)
    connector.land()
    assert connector.differences() == []
    assert caplog.text.count("WP_DEBUG_DISPLAY") == 1


def test_what_does_not_fit_is_set_aside_until_it_is_read_again(
    connector: Connector, connection: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    company_id, site = connector.company.id, connector.stand_in
    orders = [row["id"] for row in site.truth("orders")]
    read = WooCommerceClient._json

    def corrupted(self: WooCommerceClient, content: bytes) -> Any:
        nodes = read(self, content)
        for node in nodes:
            if "line_items" not in node or "number" not in node:
                continue
            if node["id"] == orders[0]:
                node["total"] = "12,50"
            if node["id"] == orders[1]:
                node["line_items"][0]["quantity"] = {"a": "lot"}
            if node["id"] == orders[2]:
                node["line_items"] = "none"
            node["plugin"] = {"of": "tomorrow"}
        return nodes

    def quarantined() -> list[Any]:
        connection.rollback()
        return connection.execute(
            "select feed, source_file, column_name from quarantine.rejected_rows"
            " where company_id = %s order by 2",
            (company_id,),
        ).fetchall()

    monkeypatch.setattr(WooCommerceClient, "_json", corrupted)
    load = connector.land()
    assert quarantined() == [
        ("orders", f"orders/{orders[0]}", "total"),
        ("order_lines", f"orders/{orders[1]}", "quantity"),
        ("orders", f"orders/{orders[2]}", "line_items"),
    ]
    assert load.totals["orders"].rejected_rows == 2
    assert load.deleted == {}
    (extra,) = connection.execute(
        "select max(extra ->> 'plugin') from raw_woocommerce.orders where company_id = %s",
        (company_id,),
    ).fetchone() or (None,)
    assert extra == '{"of":"tomorrow"}'
    monkeypatch.setattr(WooCommerceClient, "_json", read)
    for key in orders[:3]:
        site.change("edit_order", id=key, note="mended")
    connector.land()
    assert quarantined() == []
    assert connector.differences() == []


def test_what_plugins_write_otherwise_lands_all_the_same(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = WooCommerceClient._json

    def otherwise(self: WooCommerceClient, content: bytes) -> Any:
        nodes = read(self, content)
        for node in nodes:
            if node.get("billing") and not node["billing"].get("country"):
                node["billing"] = [] if not node["billing"].get("email") else node["billing"]
            if "line_items" in node and "number" in node:
                node["id"], node["customer_id"] = str(node["id"]), str(node["customer_id"])
                node["total"] = float(node["total"])
                node["date_paid_gmt"] = node["date_paid_gmt"] or ""
                node["date_completed_gmt"] = "0000-00-00T00:00:00"
                node["line_items"] = {str(n): each for n, each in enumerate(node["line_items"], 1)}
                node["fee_lines"] = node["fee_lines"] or None
                for line in node["line_items"].values():
                    line["quantity"] = f"{line['quantity']}.0"
                    line["price"] = str(line["price"])
        return nodes

    monkeypatch.setattr(WooCommerceClient, "_json", otherwise)
    connector.land()
    assert connector.differences() == []


@pytest.mark.faults
def test_a_backfill_lands_the_same_and_moves_no_cursor(
    connector: Connector, connection: Postgres, client_for: Callable[..., WooCommerceClient]
) -> None:
    company = connector.company
    connector.land()
    connection.execute("delete from raw_woocommerce.orders where company_id = %s", (company.id,))
    connection.execute("delete from raw_woocommerce.refunds where company_id = %s", (company.id,))
    connection.commit()
    days = date(2020, 1, 1), date(2027, 12, 31)
    backfill_woocommerce(company, *days, client=client_for(company.id))
    assert connector.differences() == []
    with pytest.raises(SourceError, match="before it starts"):
        backfill_woocommerce(company, *reversed(days), client=client_for(company.id))
    connector.land()
    assert connector.differences() == []


@pytest.mark.faults
@pytest.mark.usefixtures("small_pages")
def test_what_is_missing_lands(connector: Connector, connection: Postgres) -> None:
    connector.land()
    company_id = connector.company.id
    for table in ("orders", "refunds", "products", "variations", "coupons"):
        connection.execute(
            f"delete from raw_woocommerce.{table} where company_id = %s and id in ("
            f" select id from raw_woocommerce.{table} where company_id = %s order by id limit 2)",
            (company_id, company_id),
        )
    connection.commit()
    assert connector.differences() != []
    connector.land()
    assert connector.differences() == []


@pytest.mark.faults
def test_half_of_an_entity_gone_at_once_is_not_believed(
    connector: Connector, connection: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector.land()
    get = WooCommerceClient.get

    def blind(self: WooCommerceClient, route: str, *rest: Any, **more: Any) -> Any:
        answer = get(self, route, *rest, **more)
        return client_module.Answer([], 0) if route == "customers" else answer

    monkeypatch.setattr(WooCommerceClient, "get", blind)
    load = connector.land()
    assert any("not believed" in warning.replace("\n", " ") for warning in load.warnings)
    assert load.deleted == {}
    monkeypatch.setattr(WooCommerceClient, "get", get)
    connector.land()
    assert connector.differences() == []


def test_reconciliation_agrees_and_sees_what_is_wrong(
    connector: Connector, connection: Postgres, client_for: Callable[..., WooCommerceClient]
) -> None:
    connector.land()
    company_id = connector.company.id

    def differing(days: int = 12) -> list[str]:
        found = reconcile(connector.company, days=days, seed=1, client=client_for(company_id))
        assert len(found) > 3
        return [each.what for each in found if not each.agrees]

    assert differing() == []
    # What was sold or edited since is left out.
    connector.stand_in.change("add_orders", count=2)
    connector.stand_in.change(
        "edit_order", id=connector.stand_in.truth("orders")[0]["id"], note="x"
    )
    assert differing() == []
    connection.execute(
        "update raw_woocommerce.orders set total = total + 0.01 where company_id = %s"
        " and id = (select id from raw_woocommerce.orders as o where o.company_id = %s"
        " order by created_at desc limit 1)",
        (company_id, company_id),
    )
    connection.commit()
    assert [each.split(" ")[0] for each in differing(1)] == ["total"]
    lost = connection.execute(
        "delete from raw_woocommerce.orders where company_id = %s"
        " and id = (select min(id::bigint)::text from raw_woocommerce.orders where company_id = %s)"
        " returning id",
        (company_id, company_id),
    ).fetchone()
    connection.commit()
    assert "orders" in differing(1)
    assert lost
    with ObjectQuarantine(company_id, "woocommerce") as quarantine:
        raw = {"id": int(lost[0])}
        quarantine.add("orders", RejectedRow(f"orders/{lost[0]}", 0, "total", "is no money", raw))
        quarantine.update()
    assert "orders" not in differing(1)


# Each fault that may pass, at each request of a load at which it may happen.
OPERATIONS = [
    ("orders", 1),
    ("orders", 2),
    ("orders", 3),
    ("orders", 4),
    ("orders", 6),
    ("refunds", 1),
    ("refunds", 2),
    ("refunds", 3),
    ("customers", 1),
    ("customers", 2),
    ("products", 1),
    ("variations", 2),
    ("coupons", 1),
    ("coupons", 2),
]
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("drop", {}),
    ("malformed", {}),
    ("notice", {}),
    ("webpage", {}),
    ("slow", {"seconds": 0.2}),
    ("status", {"status": 429, "retry_after": 1}),
    ("status", {"status": 500}),
    ("status", {"status": 502}),
    ("status", {"status": 503}),
]
CASES = grid(OPERATIONS, FAULTS)


@pytest.mark.parametrize("fault", random.Random(2026).sample(CASES, 3), ids=str)
def test_a_fault_that_passes(connector: Connector, fault: Faulty) -> None:
    TestWooCommerce().survives(connector, fault)


@pytest.mark.faults
@pytest.mark.parametrize("fault", CASES, ids=str)
def test_every_fault_that_passes(connector: Connector, fault: Faulty) -> None:
    TestWooCommerce().survives(connector, fault)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Faulty("status", "orders", 2, (("status", 503),)), "orders, page 1: given up after 4"),
        pytest.param(
            Faulty("webpage", "customers", 1),
            "customers, page 1: given up after 4.*web page",
            marks=pytest.mark.faults,
        ),
        pytest.param(
            Faulty("status", "refunds", 1, (("status", 429),)),
            "refunds, page 1: given up after 8.*429",
            marks=pytest.mark.faults,
        ),
    ],
    ids=["503", "webpage", "429"],
)
def test_a_fault_that_stays(connector: Connector, fault: Faulty, says: str) -> None:
    TestWooCommerce().gives_up(connector, fault, says)
