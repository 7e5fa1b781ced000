"""The Stripe connector against a stand-in of the API and a real Postgres."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import requests
from psycopg import Connection as Postgres

from ingestion.errors import SourceError
from ingestion.sources.stripe import backfill_stripe, land_stripe, source
from ingestion.sources.stripe.client import StripeClient
from ingestion.sources.stripe.reconciliation import reconcile
from tests.integration.connectors.harness import Connector, Faulty, StandIn, grid
from tests.integration.connectors.suite import ConnectorSuite
from tests.integration.stripe.conftest import KEY
from warehouse.quality import raw_stripe as suite
from warehouse.quality.validation import validate

DAY = 86_400


class TestStripe(ConnectorSuite):
    """What every connector has to do; what takes long comes with the faults."""

    @pytest.mark.faults
    def test_first_load_lands_everything(self, connector: Connector) -> None:
        # The next one begins with it.
        super().test_first_load_lands_everything(connector)

    @pytest.mark.faults
    def test_killed_between_merge_and_state(
        self, connector: Connector, connection: Postgres
    ) -> None:
        super().test_killed_between_merge_and_state(connector, connection)


def rows(connection: Postgres, connector: Connector, query: str, *values: Any) -> list[Any]:
    connection.rollback()
    return connection.execute(query, (connector.company.id, *values)).fetchall()  # type: ignore[arg-type]


def charge_of(stand_in: StandIn, **wanted: Any) -> dict[str, Any]:
    """A charge that was paid and not touched since."""
    return next(
        each
        for each in stand_in.truth("charges")
        if Decimal(each["captured"]) > 0 and Decimal(each["refunded"]) == 0
        if not each["disputed"] and all(each[name] == value for name, value in wanted.items())
    )


def running(stand_in: StandIn) -> dict[str, Any]:
    """A subscription that can be changed."""
    dearest = {
        each["id"] for each in stand_in.truth("prices") if "Archive" in (each["nickname"] or "")
    }
    prices = {each["id"]: each["price"] for each in stand_in.truth("subscription_items")}
    return next(
        each
        for each in stand_in.truth("subscriptions")
        if each["status"] == "active" and each["currency"] == "USD" and len(each["items"]) == 1
        if prices[each["items"][0]] not in dearest
    )


def test_all_that_happens_lands_with_the_next_load(connector: Connector) -> None:
    """One load each for what is new, and for what changed in what is old."""
    shop = connector.stand_in
    connector.land()
    shop.change("advance", seconds=3 * 3600)
    made = shop.change("add_payments", count=3)["ids"]
    shop.change("add_customers", count=2)
    shop.change("add_product", currency="KWD", amount="1.230")
    connector.land()
    assert connector.differences() == []

    shop.change("advance", seconds=3 * 3600)
    for amount in ("1.50", "2.25"):
        shop.change("refund", id=made[0], amount=amount)
    refund = shop.change("refund", id=made[1], amount="5.00")["id"]
    customer = shop.truth("customers")[2]
    shop.change("edit", entity="customers", id=customer["id"], name="Somebody Else")
    product = shop.truth("products")[0]
    shop.change("edit", entity="products", id=product["id"], name="Renamed")
    price = shop.truth("prices")[0]
    shop.change("edit", entity="prices", id=price["id"], active=False)
    connector.land()
    assert connector.differences() == []

    shop.change("advance", seconds=3 * 3600)
    shop.change("fail_refund", id=refund)
    subscription = running(shop)
    invoice = shop.change("upgrade", id=subscription["id"], plan="Archive")["id"]
    other = shop.change("subscribe", customer=customer["id"], coupon="HALFOFF")["id"]
    shop.change("cancel", id=other)
    connector.land()
    assert connector.differences() == []

    shop.change("advance", seconds=3 * 3600)
    shop.change("credit", id=invoice, amount="0.50")
    failed = shop.change("renew", id=subscription["id"], fails=True)["id"]
    connector.land()
    assert connector.differences() == []

    shop.change("advance", seconds=3 * 3600)
    shop.change("collect", id=failed, amount="1.00")
    shop.change("collect", id=failed)
    shop.change("void_note", id=shop.truth("credit_notes")[-1]["id"])
    connector.land()
    assert connector.differences() == []


@pytest.mark.faults
def test_disputes_won_and_lost_land_with_what_they_moved(
    connector: Connector, connection: Postgres
) -> None:
    shop = connector.stand_in
    connector.land()
    disputes = []
    for currency in ("JPY", "USD"):
        shop.change("advance", seconds=2 * 3600)
        charge = charge_of(shop, currency=currency)
        disputes.append((charge, shop.change("dispute", id=charge["id"])["id"]))
    connector.land()
    assert connector.differences() == []
    shop.change("advance", seconds=20 * DAY)
    for (_, dispute), won in zip(disputes, (True, False), strict=True):
        shop.change("decide", id=dispute, won=won)
    connector.land()
    assert connector.differences() == []
    for (charge, dispute), categories in zip(
        disputes, (["dispute", "dispute_reversal"], ["dispute"]), strict=True
    ):
        moved = rows(
            connection,
            connector,
            "select reporting_category, sum(net) over () from raw_stripe.balance_transactions"
            " where company_id = %s and source_id = %s order by created_at, reporting_category",
            dispute,
        )
        assert [category for category, _ in moved] == categories
        (amount,) = rows(
            connection,
            connector,
            "select amount, currency from raw_stripe.disputes where company_id = %s and id = %s",
            dispute,
        )
        assert amount == (Decimal(charge["amount"]), charge["currency"])
        # What was won comes back to the cent, fee included; what was lost costs the fee, too.
        total = moved[0][1]
        paid = rows(
            connection,
            connector,
            "select amount from raw_stripe.balance_transactions where company_id = %s and id = %s",
            charge["balance_transaction"],
        )[0][0]
        assert total == (0 if "dispute_reversal" in categories else -paid - Decimal("15.00"))


@pytest.mark.faults
def test_amounts_land_in_the_currency_whatever_its_smallest_unit(
    connector: Connector, connection: Postgres
) -> None:
    shop = connector.stand_in
    # The examples of Stripe's page on currencies: 500 is 5 UGX and 5 ISK, 10 is 10 JPY.
    amounts = {"JPY": "10", "ISK": "5", "UGX": "5", "KWD": "5.120", "USD": "10.99"}
    for currency, amount in amounts.items():
        shop.change("add_payments", currency=currency, amount=amount)
    connector.land()
    assert connector.differences() == []
    found = rows(
        connection,
        connector,
        "select distinct on (currency) currency, amount from raw_stripe.charges"
        " where company_id = %s and currency = any(%s) order by currency, created_at desc",
        list(amounts),
    )
    assert dict(found) == {code: Decimal(amount) for code, amount in amounts.items()}
    # A price of less than a cent.
    (price,) = rows(
        connection,
        connector,
        "select unit_amount, unit_amount_decimal from raw_stripe.prices"
        " where company_id = %s and unit_amount is null",
    )
    assert price == (None, Decimal("0.00451"))


@pytest.mark.faults
def test_an_upgrade_in_the_middle_of_a_period_brings_two_prorations(
    connector: Connector, connection: Postgres
) -> None:
    shop = connector.stand_in
    connector.land()
    shop.change("advance", seconds=2 * 3600)
    invoice = shop.change("upgrade", id=running(shop)["id"], plan="Archive")["id"]
    connector.land()
    assert connector.differences() == []
    lines = rows(
        connection,
        connector,
        "select sign(amount)::int, proration, subscription_item_id is not null"
        " from raw_stripe.invoice_lines where company_id = %s and invoice_id = %s order by 1",
        invoice,
    )
    assert lines == [(-1, True, True), (1, True, True)]
    total, lines_total = rows(
        connection,
        connector,
        "select total, (select sum(amount - discount) from raw_stripe.invoice_lines as lines"
        " where lines.company_id = invoices.company_id and lines.invoice_id = invoices.id)"
        " from raw_stripe.invoices as invoices where company_id = %s and id = %s",
        invoice,
    )[0]
    assert total == lines_total > 0


@pytest.mark.faults
def test_an_invoice_paid_by_two_payments_and_long_lists_land_whole(
    connector: Connector, connection: Postgres
) -> None:
    connector.land()
    paid = rows(
        connection,
        connector,
        "select invoices.total, array_agg(payments.amount_paid order by payments.created_at)"
        " from raw_stripe.invoices as invoices join raw_stripe.invoice_payments as payments"
        " on payments.company_id = invoices.company_id and payments.invoice_id = invoices.id"
        " where invoices.company_id = %s group by invoices.id, invoices.total having count(*) > 1",
    )
    assert paid == [(Decimal("1000.01"), [Decimal("500.00"), Decimal("500.01")])] or (
        paid == [(Decimal("1000.01"), [Decimal("500.01"), Decimal("500.00")])]
    )
    for table, parent, longest in (
        ("invoice_lines", "invoice_id", 134),
        ("subscription_items", "subscription_id", 14),
    ):
        most = rows(
            connection,
            connector,
            f"select max(n) from (select count(*) as n from raw_stripe.{table}"
            f" where company_id = %s group by {parent}) as counted",
        )
        assert most == [(longest,)]


@pytest.mark.faults
def test_an_item_that_is_taken_off_a_subscription_vanishes(connector: Connector) -> None:
    shop = connector.stand_in
    connector.land()
    shop.change("advance", seconds=2 * 3600)
    many = max(shop.truth("subscriptions"), key=lambda each: len(each["items"]))
    gone = shop.change("drop_item", id=many["id"])["id"]
    assert gone == many["items"][-1]
    connector.land()
    assert connector.differences() == []


@pytest.mark.faults
def test_events_that_are_older_than_their_object_are_signals_only(
    connector: Connector, connection: Postgres
) -> None:
    """Each event shows the object as it was then; what lands is the object as it is now."""
    shop = connector.stand_in
    connector.land()
    shop.change("advance", seconds=2 * 3600)
    customer = shop.truth("customers")[0]["id"]
    for name in ("First", "Second", "Third"):
        shop.change("edit", entity="customers", id=customer, name=name)
    connector.stand_in.peace()
    connector.land()
    assert connector.differences() == []
    assert shop.operations().count("customer") == 1
    found = rows(
        connection,
        connector,
        "select name from raw_stripe.customers where company_id = %s and id = %s",
        customer,
    )
    assert found == [("Third",)]


def test_what_is_deleted_becomes_a_tombstone(connector: Connector, connection: Postgres) -> None:
    shop = connector.stand_in
    customer = shop.change("add_customers")["ids"][0]
    shop.change("subscribe", customer=customer)
    product = shop.change("add_product")["id"]
    connector.land()
    shop.change("advance", seconds=2 * 3600)
    draft = next(each["id"] for each in shop.truth("invoices") if each["status"] == "draft")
    gone = {
        ("customers", customer),
        ("products", product),
        ("coupons", "TENTHOFF"),
        ("invoices", draft),
    }
    for entity, key in gone:
        shop.change("delete", entity=entity, id=key)
    load = connector.land()
    assert connector.differences() == []
    query = "select entity, id, found_by from raw_stripe.deletions where company_id = %s"
    # Coupons are read as a whole each time.
    marked = {(*each, "sweep" if each[0] == "coupons" else "event") for each in gone}
    assert {*rows(connection, connector, query)} == marked
    assert sum(load.deleted.values()) == len(gone)
    # Events stand for an hour more, and make the same tombstones again.
    connector.land()
    assert {*rows(connection, connector, query)} == marked
    assert connector.differences() == []


def test_a_cursor_that_is_too_old_reads_all_anew_and_finds_what_is_gone(
    connector: Connector, connection: Postgres
) -> None:
    shop = connector.stand_in
    customer = shop.change("add_customers")["ids"][0]
    connector.land()
    shop.change("advance", seconds=2 * 3600)
    shop.change("delete", entity="customers", id=customer)
    shop.change("edit", entity="customers", id=shop.truth("customers")[0]["id"], name="Anew")
    shop.change("refund", id=charge_of(shop)["id"])
    shop.change("advance", seconds=31 * DAY)
    load = connector.land()
    assert [warning for warning in load.warnings if "all was read anew" in warning]
    assert connector.differences() == []
    found = rows(
        connection,
        connector,
        "select entity, id, found_by from raw_stripe.deletions where company_id = %s",
    )
    assert found == [("customers", customer, "sweep")]
    again = connector.land()
    assert again.warnings == ()
    assert again.requests < load.requests


@pytest.mark.faults
def test_the_key_of_another_account_deletes_nothing(
    connector: Connector, connection: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector.land()
    other = StandIn(["--api", "stripe", "--company", "bolt", "--scale", "0.05"])
    monkeypatch.setattr(source, "A_FEW", 2)
    try:
        other.change("advance", seconds=200 * DAY)
        client = StripeClient(connector.company.id, other.endpoint, "rk_standin_bolt")
        load = land_stripe(connector.company, client=client)
    finally:
        other.stop()
    assert [each for each in load.warnings if "check that the key is of the right account" in each]
    assert rows(
        connection,
        connector,
        "select count(*) from raw_stripe.deletions where company_id = %s and entity = 'customers'",
    ) == [(0,)]


@pytest.mark.faults
def test_too_many_changes_are_read_with_the_whole_list(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = connector.stand_in
    connector.land()
    shop.change("advance", seconds=2 * 3600)
    for each in shop.truth("customers")[:6]:
        shop.change("edit", entity="customers", id=each["id"], name="Changed")
    shop.peace()
    monkeypatch.setattr(source, "MOST_CHANGES", 5)
    load = connector.land()
    assert any("more than 5 changed" in each for each in load.warnings)
    assert "customer" not in shop.operations()
    assert connector.differences() == []


@pytest.mark.faults
def test_pending_money_is_asked_for_until_it_is_available(
    connector: Connector, connection: Postgres
) -> None:
    query = (
        "select count(*) from raw_stripe.balance_transactions"
        " where company_id = %s and status = 'pending'"
    )
    shop = connector.stand_in
    shop.change("add_payments", count=2)
    connector.land()
    assert rows(connection, connector, query)[0][0] >= 2
    # No event tells of it.
    shop.change("advance", seconds=3 * DAY)
    connector.land()
    assert rows(connection, connector, query) == [(0,)]
    assert connector.differences() == []


def test_what_is_pending_for_long_is_asked_for_by_its_id(
    connector: Connector, connection: Postgres
) -> None:
    """A reserve is held for months; no event tells when it comes free."""
    shop = connector.stand_in
    connector.land()
    held = connection.execute(
        "update raw_stripe.balance_transactions set status = 'pending' where company_id = %s"
        " and id = (select id from raw_stripe.balance_transactions where company_id = %s"
        " order by created_at limit 1) returning id",
        (connector.company.id, connector.company.id),
    ).fetchone()
    connection.commit()
    assert held and connector.differences()
    shop.peace()
    connector.land()
    assert connector.differences() == []
    assert "balance_transaction" in " ".join(shop.operations())
    asked = [each for each in shop.get("log") if str(held[0]) in str(each.get("path"))]
    assert len(asked) == 1


def test_lists_that_move_while_they_are_read_lose_nothing(connector: Connector) -> None:
    shop = connector.stand_in
    shop.change("add_customers", count=120)
    # All of one second, more than a page.
    shop.change("add_customers", count=120, seconds=0)
    customers = sorted(
        enumerate(shop.truth("customers")), key=lambda each: (each[1]["created"], each[0])
    )
    newest_first = [each["id"] for _, each in reversed(customers)]
    # What the second and the third page begin after vanishes, and something new comes first.
    for nth in (1, 2):
        shop.after(
            "customers",
            nth,
            {"action": "delete", "entity": "customers", "id": newest_first[100 * nth - 1]},
            {"action": "add_customers", "count": 1},
        )
    # So it is where the list goes on from the middle of a second.
    charges = sorted(
        enumerate(shop.truth("charges")), key=lambda each: (each[1]["created"], each[0])
    )
    shop.after(
        "charges",
        1,
        {"action": "refund", "id": charges[-100][1]["id"], "amount": "0.50"}
        if Decimal(charges[-100][1]["captured"]) > 1
        else {"action": "advance", "seconds": 1},
        {"action": "add_payments", "count": 3},
    )
    connector.land()
    connector.land()
    assert connector.differences() == []


@pytest.mark.faults
def test_what_happens_between_the_lists_and_the_events_lands(connector: Connector) -> None:
    shop = connector.stand_in
    connector.land()
    shop.change("advance", seconds=2 * 3600)
    customers = shop.truth("customers")
    shop.change("edit", entity="customers", id=customers[0]["id"], name="Before")
    # The head of the events was asked for its time; these come after the first page was read.
    shop.after(
        "events",
        2,
        {"action": "edit", "entity": "customers", "id": customers[0]["id"], "name": "Meanwhile"},
        {"action": "edit", "entity": "customers", "id": customers[1]["id"], "name": "Meanwhile"},
        {"action": "delete", "entity": "customers", "id": customers[2]["id"]},
    )
    connector.land()
    connector.land()
    assert connector.differences() == []


@pytest.mark.faults
def test_two_edits_in_one_second_and_one_at_the_cursor_land(connector: Connector) -> None:
    shop = connector.stand_in
    connector.land()
    customer, other = (each["id"] for each in shop.truth("customers")[:2])
    # The clock stands: all of this has the time of the load that just ended.
    shop.change("edit", entity="customers", id=customer, name="One", seconds=0)
    connector.land()
    shop.change("edit", entity="customers", id=customer, name="Two", seconds=0)
    shop.change("edit", entity="customers", id=other, name="Two", seconds=0)
    shop.change("add_customers", seconds=0)
    connector.land()
    assert connector.differences() == []


@pytest.mark.faults
def test_an_invoice_that_is_deleted_while_its_lines_are_read_is_left_to_its_event(
    connector: Connector,
) -> None:
    shop = connector.stand_in
    draft = [each["id"] for each in shop.truth("invoices") if each["status"] == "draft"]
    long = max(shop.truth("invoices"), key=lambda each: len(each["lines"]))["id"]
    assert long not in draft
    if draft:
        shop.after("invoices", 1, {"action": "delete", "entity": "invoices", "id": draft[0]})
    connector.land()
    connector.land()
    assert connector.differences() == []


@pytest.mark.faults
def test_a_backfill_lands_the_same_and_moves_no_cursor(
    connector: Connector, connection: Postgres, client_for: Callable[..., StripeClient]
) -> None:
    def state() -> list[Any]:
        connection.rollback()
        return connection.execute(
            "select version_hash from raw_stripe._dlt_pipeline_state"
            " where pipeline_name = %s order by version desc limit 1",
            (f"stripe_{connector.company.id}",),
        ).fetchall()

    company = connector.company
    client = client_for(company.id)
    backfill_stripe(company, date(2020, 1, 1), date(2027, 12, 31), client=client)
    assert connector.differences() == []
    before = state()
    connector.land()
    assert connector.differences() == []
    after = state()
    assert after != before
    backfill_stripe(company, date(2026, 1, 1), date(2026, 1, 31), client=client_for(company.id))
    assert state() == after
    with pytest.raises(SourceError, match=r"ends .* before it starts"):
        backfill_stripe(company, date(2026, 2, 1), date(2026, 1, 1), client=client)


@pytest.mark.faults
def test_since_leaves_the_past_to_backfills(
    make_connector: Callable[..., Connector], stand_in: StandIn, connection: Postgres
) -> None:
    stand_in.peace()
    connector = make_connector(since="2026-06-01")
    connector.land()
    oldest = "select min(created_at)::date >= '2026-06-01' from raw_stripe.charges"
    assert rows(connection, connector, f"{oldest} where company_id = %s") == [(True,)]


@pytest.fixture
def corrupted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[..., None]], None]]:
    """Spoils answers before they are read."""
    get = StripeClient.get

    def install(spoil: Callable[[dict[str, Any]], None]) -> None:
        def spoiled(self: StripeClient, *given: Any, **named: Any) -> Any:
            answer = get(self, *given, **named)
            for node in answer.get("data") or [] if answer["object"] == "list" else [answer]:
                spoil(node)
            return answer

        monkeypatch.setattr(StripeClient, "get", spoiled)

    yield install
    monkeypatch.setattr(StripeClient, "get", get)


@pytest.mark.faults
def test_what_does_not_fit_is_set_aside_until_it_is_read_again(
    connector: Connector,
    connection: Postgres,
    corrupted: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = connector.stand_in
    charges = shop.truth("charges")
    unknown, floating = charges[-1]["id"], charges[-2]["id"]
    invoices = [each for each in shop.truth("invoices") if len(each["lines"]) == 1]
    shapeless, line = invoices[-1]["id"], invoices[-2]["lines"][0]
    customer = shop.truth("customers")[0]["id"]

    def spoil(node: dict[str, Any]) -> None:
        if node.get("id") == unknown:
            node["currency"] = "xyz"
        elif node.get("id") == floating:
            node["amount"] = 12.5
        elif node.get("id") == shapeless:
            node["lines"] = None
        elif node.get("id") == customer:
            node["brand_new"] = {"of": "tomorrow"}
        elif node.get("object") == "invoice":
            for each in node["lines"]["data"]:
                if each["id"] == line:
                    each["description"] = "NUL \x00"

    query = (
        "select feed, source_file, column_name, reason from quarantine.rejected_rows"
        " where company_id = %s order by feed, source_file"
    )
    with monkeypatch.context():
        corrupted(spoil)
        load = connector.land()
    rejected = {
        (feed, name): (column, reason)
        for feed, name, column, reason in rows(connection, connector, query)
    }
    assert set(rejected) == {
        ("charges", unknown),
        ("charges", floating),
        ("invoices", shapeless),
        ("invoice_lines", invoices[-2]["id"]),
    }
    assert "'XYZ', a currency that isn't in Stripe's table" in rejected["charges", unknown][1]
    assert rejected["charges", floating] == (
        "amount",
        "is not a whole number of the currency's smallest unit",
    )
    assert load.totals["charges"].rejected_rows == 2
    extra = "select extra ->> 'brand_new' from raw_stripe.customers where company_id = %s"
    found = rows(connection, connector, f"{extra} and id = %s", customer)
    assert found == [('{"of":"tomorrow"}',)]
    # A later load, with its window over what is new and what changed, lands them all the same.
    monkeypatch.undo()
    shop.change("advance", seconds=31 * DAY)
    connector.land()
    assert rows(connection, connector, query) == []
    assert connector.differences() == []


def test_what_landed_is_checked_and_reconciled(
    connector: Connector, connection: Postgres, client_for: Callable[..., StripeClient]
) -> None:
    connector.land()
    company_id = connector.company.id

    def unmet(table: str) -> tuple[str, ...]:
        return validate(f"raw_stripe.{table}", company_id, suite.expectations(table)).failures

    assert [unmet(table) for table in suite.KEYS] == [()] * len(suite.KEYS)
    # It goes on working meanwhile.
    connector.stand_in.change("add_payments", count=2)
    connector.stand_in.change("refund", id=charge_of(connector.stand_in)["id"], amount="0.01")
    client = client_for(connector.company.id)
    found = reconcile(connector.company, days=6, seed=1, client=client)
    assert [str(each) for each in found if not each.agrees] == []
    assert {each.what.split(" on ")[0] for each in found} >= {
        "charges in USD",
        "net of balance_transactions in USD",
    }
    (day,) = rows(
        connection,
        connector,
        "update raw_stripe.balance_transactions set net = net + 0.01 where (company_id, id) in"
        " (select company_id, id from raw_stripe.balance_transactions where company_id = %s"
        "  and created_at::date = (select max(created_at)::date from raw_stripe.charges"
        "   where company_id = %s) order by created_at limit 1)"
        " returning (created_at at time zone 'UTC')::date",
        connector.company.id,
    )
    connection.commit()
    (broken,) = unmet("balance_transactions")
    assert "net <> amount - fee" in broken
    wrong = [
        each.what for each in reconcile(connector.company, days=1, client=client) if not each.agrees
    ]
    assert wrong == [f"net of balance_transactions in USD on {day[0]}"]


def test_a_wrong_key_fails_at_once_and_is_not_shown(
    connector: Connector, client_for: Callable[..., StripeClient], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    client = client_for(connector.company.id, key="rk_live_worn_out")
    with pytest.raises(SourceError, match=r"events, page 1: HTTP 401.*put a valid one") as raised:
        land_stripe(connector.company, client=client)
    assert client.requests == 1
    assert "worn_out" not in str(raised.value) + caplog.text


@pytest.mark.faults
def test_a_missing_permission_is_named_and_can_be_skipped(
    make_connector: Callable[..., Connector], stand_in: StandIn, connection: Postgres
) -> None:
    stand_in.peace()
    limited = "rk_standin_acme_limited"
    stand_in.post("keys", {"key": limited, "lacks": ["rak_dispute_read"]})
    connector = make_connector()
    client = StripeClient(connector.company.id, stand_in.endpoint, limited)
    with pytest.raises(SourceError, match=r"disputes, page 1: .*rak_dispute_read.*skip"):
        land_stripe(connector.company, client=client)
    skipping = make_connector(skip=["disputes"])
    client = StripeClient(skipping.company.id, stand_in.endpoint, limited)
    land_stripe(skipping.company, client=client)
    assert rows(
        connection, skipping, "select count(*) from raw_stripe.disputes where company_id = %s"
    ) == [(0,)]
    # Once the key may read them, all of them are read, however long ago they were made.
    company = skipping.company.model_copy(update={"sources": connector.company.sources})
    client = StripeClient(company.id, stand_in.endpoint, KEY)
    land_stripe(company, client=client)
    assert skipping.differences() == []


@pytest.mark.faults
def test_what_stripe_says_about_trying_again_is_obeyed(connector: Connector) -> None:
    shop = connector.stand_in
    shop.fault("status", {"operation": "charges"}, status=503, retry=False)
    with pytest.raises(SourceError, match=r"charges, page 1: HTTP 503, and Stripe says"):
        connector.land()
    shop.peace()
    shop.fault("status", {"operation": "charges"}, status=409, retry=True)
    connector.land()
    assert shop.operations().count("charges") >= 2
    assert connector.differences() == []


@pytest.mark.faults
def test_the_version_is_pinned_and_the_key_is_in_no_address(connector: Connector) -> None:
    connector.land()
    log = connector.stand_in.get("log")
    assert all("stripe-version" in entry["headers"] for entry in log)
    assert all(KEY not in entry["path"] + entry["query"] for entry in log)
    refused = requests.get(
        f"{connector.stand_in.endpoint}/v1/charges",
        headers={"Authorization": f"Bearer {KEY}", "Stripe-Version": "2019-01-01"},
        timeout=10,
    )
    assert refused.status_code == 400


# Each fault that may pass, at each request of a load at which it may happen.
OPERATIONS = [
    ("events", 1),
    ("products", 1),
    ("prices", 1),
    ("coupons", 1),
    ("customers", 1),
    ("subscriptions", 1),
    ("subscription_items", 1),
    ("invoices", 1),
    ("invoices", 2),
    ("invoice_lines", 1),
    ("invoice_lines", 2),
    ("invoice_payments", 2),
    ("credit_notes", 1),
    ("payment_intents", 3),
    ("charges", 1),
    ("charges", 3),
    ("refunds", 1),
    ("disputes", 1),
    ("balance_transactions", 2),
]
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("throttled", {}),
    ("throttled", {"retry": True, "retry_after": 0.5}),
    ("internal", {}),
    ("drop", {}),
    ("malformed", {}),
    ("slow", {"seconds": 0.2}),
    ("status", {"status": 500, "retry": True}),
    ("status", {"status": 502}),
    ("status", {"status": 503}),
]
CASES = grid(OPERATIONS, FAULTS)


@pytest.mark.parametrize("fault", random.Random(2026).sample(CASES, 1), ids=str)
def test_a_fault_that_passes(connector: Connector, fault: Faulty) -> None:
    TestStripe().survives(connector, fault)


@pytest.mark.faults
@pytest.mark.parametrize("fault", CASES, ids=str)
def test_every_fault_that_passes(connector: Connector, fault: Faulty) -> None:
    TestStripe().survives(connector, fault)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Faulty("status", "charges", 2, (("status", 503),)), "charges, page 2: given up after 4"),
        pytest.param(
            Faulty("drop", "invoice_lines", 1),
            "invoice_lines of in_.*, page 1: given up after 4",
            marks=pytest.mark.faults,
        ),
        pytest.param(
            Faulty("throttled", "customers", 1),
            "customers, page 1: given up after 8",
            marks=pytest.mark.faults,
        ),
    ],
    ids=["503", "drop", "throttled"],
)
def test_a_fault_that_stays(connector: Connector, fault: Faulty, says: str) -> None:
    TestStripe().gives_up(connector, fault, says)
