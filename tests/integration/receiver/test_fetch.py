"""From a change in a store over its webhook into the warehouse: what landed is what is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingestion import inbox
from ingestion.errors import SourceError
from ingestion.locks import LoadUnderWayError, exclusive_load
from tests.integration.receiver.conftest import COMPANY, SOURCES, Told

Change = tuple[str, dict[str, Any]]


def shopify_changes(told: Told) -> list[Change]:
    shop = told.stores["shopify"]
    orders = [row["id"] for row in shop.truth("orders") if not row["test"]]
    products = [row["id"] for row in shop.truth("products")]
    refundable = next(
        row["order_id"]
        for row in shop.truth("order_lines")
        if row["quantity"] == row["current_quantity"] and row["order_id"] in orders
    )
    return [
        ("edit_order", {"id": orders[0], "note": "told", "add_line": True}),
        ("add_orders", {"count": 2}),
        ("refund_order", {"id": refundable, "goodwill_share": "0.1"}),
        ("delete", {"entity": "order", "id": orders[-1]}),
        ("edit_product", {"id": products[0], "title": "Told"}),
    ]


def stripe_changes(told: Told) -> list[Change]:
    account = told.stores["stripe"]
    paid = [
        row["id"]
        for row in account.truth("charges")
        if row["status"] == "succeeded" and float(row["refunded"]) == 0
    ]
    customer = account.truth("customers")[0]["id"]
    return [
        ("add_payments", {"count": 2, "amount": "31.50"}),
        ("refund", {"id": paid[0], "amount": "1.00"}),
        ("edit", {"entity": "customers", "id": customer, "name": "Told"}),
        ("delete", {"entity": "customers", "id": account.truth("customers")[-1]["id"]}),
    ]


def woocommerce_changes(told: Told) -> list[Change]:
    site = told.stores["woocommerce"]
    orders = [row["id"] for row in site.truth("orders")]
    variation = site.truth("variations")[0]
    products = [row["id"] for row in site.truth("products")]
    return [
        ("edit_order", {"id": orders[0], "note": "told"}),
        ("add_orders", {"count": 2}),
        ("refund_order", {"id": orders[1], "goodwill_share": "0.1"}),
        ("trash", {"entity": "order", "id": orders[2]}),
        ("edit_variant", {"id": variation["id"], "price": "12.34"}),
        ("edit_product", {"id": products[-1], "title": "Told"}),
    ]


CHANGES = {
    "shopify": shopify_changes,
    "stripe": stripe_changes,
    "woocommerce": woocommerce_changes,
}


@pytest.mark.parametrize("source", SOURCES)
def test_what_a_store_tells_lands(told: Told, source: str) -> None:
    told.land(source)
    assert told.differences(source) == []
    # Each is told twice, and the last first.
    told.subscribe(source, times=2, shuffled=True)
    for action, what in CHANGES[source](told):
        told.stores[source].change(action, **what)
    deliveries = told.delivered(source)
    assert {each["status"] for each in deliveries} == {200}
    assert told.differences(source) != []
    waiting = told.events(source, "delivery_id", "status")
    assert len({delivery for delivery, _ in waiting}) == len(waiting) > 3
    assert {status for _, status in waiting} == {"waiting"}
    assert [(each.company_id, each.source, each.events) for each in inbox.due()] == [
        (COMPANY, source, len(waiting))
    ]

    done, load = inbox.fetch(told.company, source)

    assert done == len(waiting)
    assert load is not None
    assert told.differences(source) == []
    assert {status for (status,) in told.events(source)} == {"done"}
    assert inbox.due() == []
    # Far less than all was asked for.
    assert load.requests < 60


def test_a_dropped_webhook_is_found_by_the_next_load_of_everything(told: Told) -> None:
    told.land("stripe")
    told.subscribe("stripe")
    store = told.stores["stripe"]
    store.change("add_payments", count=1)
    told.delivered("stripe")
    told.unsubscribe("stripe")
    store.change("add_payments", count=1)  # nobody is told
    inbox.fetch(told.company, "stripe")
    assert told.differences("stripe") != []
    told.land("stripe")
    assert told.differences("stripe") == []


def test_what_waits_or_has_failed_is_settled_by_a_load_of_everything(told: Told) -> None:
    told.subscribe("stripe")
    told.stores["stripe"].change("add_payments", count=1)
    told.delivered("stripe")
    told.connection.execute("update inbox.events set status = 'failed', problem = 'no'")
    told.connection.commit()
    began = datetime.now(UTC)
    told.land("stripe")
    # What came while it ran may have been missed by it.
    assert inbox.settle(COMPANY, "stripe", began) == 0
    assert inbox.settle(COMPANY, "stripe", began + timedelta(minutes=2)) > 0
    assert set(told.events("stripe", "status", "problem")) == {("done", None)}


def test_what_fails_is_tried_again_and_then_left_to_people(told: Told) -> None:
    told.subscribe("stripe")
    account = told.stores["stripe"]
    account.change("add_payments", count=1)
    told.delivered("stripe")
    account.post("keys", {"key": "rk_standin_acme", "expired": True})
    try:
        for attempt in range(1, inbox.MOST_ATTEMPTS + 1):
            with pytest.raises(SourceError, match="401"):
                inbox.fetch(told.company, "stripe")
            found = told.events("stripe", "attempts", "status", "try_after > now()")
            status = "failed" if attempt == inbox.MOST_ATTEMPTS else "waiting"
            assert set(found) == {(attempt, status, True)}
            # Not before its time.
            assert inbox.fetch(told.company, "stripe") == (0, None)
            told.connection.execute("update inbox.events set try_after = now()")
            told.connection.commit()
        assert inbox.due() == []
        ((problem,),) = set(told.events("stripe", "problem"))
        assert "key is wrong or has expired" in problem
        assert "rk_standin" not in problem
    finally:
        account.post("keys", {"key": "rk_standin_acme", "expired": False})


def test_a_load_under_way_costs_no_try(told: Told) -> None:
    told.subscribe("stripe")
    told.stores["stripe"].change("add_payments", count=1)
    told.delivered("stripe")
    with exclusive_load("stripe", COMPANY), pytest.raises(LoadUnderWayError):
        inbox.fetch(told.company, "stripe")
    assert set(told.events("stripe", "attempts", "status")) == {(0, "waiting")}


def test_nothing_is_fetched_before_the_first_load(told: Told) -> None:
    never = told.company.model_copy(update={"id": "never"})
    told.connection.execute(
        "insert into inbox.events (company_id, source, delivery_id, topic, objects)"
        " values ('never', 'stripe', 'evt_1', 'charge.updated', '{charges/ch_1}')"
    )
    told.connection.commit()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLV_STRIPE__NEVER__KEY", "rk_standin_acme")
        assert inbox.fetch(never, "stripe") == (0, None)
    found = told.connection.execute(
        "select status, attempts, try_after > now() from inbox.events where company_id = 'never'"
    ).fetchall()
    assert found == [("waiting", 0, True)]
