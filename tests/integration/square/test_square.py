"""The Square connector against a stand-in of the API and a real Postgres."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from psycopg import Connection as Postgres

from ingestion.errors import SourceError
from ingestion.sources.square import backfill_square, land_square
from ingestion.sources.square.client import SquareClient
from ingestion.sources.square.reconciliation import reconcile
from tests.integration.connectors.harness import Connector, Faulty, StandIn, grid
from tests.integration.connectors.suite import ConnectorSuite
from tests.integration.square.conftest import TOKEN
from warehouse.quality import raw_square as suite
from warehouse.quality.validation import validate

HOUR = 3_600


class TestSquare(ConnectorSuite):
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

    @pytest.mark.faults
    def test_killed_at_any_moment(self, connector: Connector) -> None:
        super().test_killed_at_any_moment(connector)

    @pytest.mark.faults
    def test_two_companies_land_at_once_and_for_the_first_time(
        self,
        connector: Connector,
        make_connector: Callable[[], Connector],
        connection: Postgres,
    ) -> None:
        super().test_two_companies_land_at_once_and_for_the_first_time(
            connector, make_connector, connection
        )


def rows(connection: Postgres, connector: Connector, query: str, *values: Any) -> list[Any]:
    connection.rollback()
    return connection.execute(query, (connector.company.id, *values)).fetchall()  # type: ignore[arg-type]


def whole(stand_in: StandIn, **wanted: Any) -> dict[str, Any]:
    """The oldest payment that was paid and not touched since."""
    return next(
        each
        for each in stand_in.truth("payments")
        if each["status"] == "COMPLETED" and not each["refunds"] and each["source"] == "CARD"
        if all(each[name] == value for name, value in wanted.items())
    )


def test_all_that_happens_lands_with_the_next_load(
    connector: Connector, connection: Postgres
) -> None:
    shop = connector.stand_in
    connector.land()
    # More than a year old by the shop's clock: the API leaves such out unless asked.
    assert rows(
        connection,
        connector,
        "select min(created_at) < max(created_at) - interval '1 year' from raw_square.payments"
        " where company_id = %s",
    ) == [(True,)]
    shop.change("advance", seconds=3 * HOUR)
    shop.change("add_payments", count=2)
    shop.change("add_payments", location=1, amount="1850")
    shop.change("add_payments", location=2)
    (waiting,) = shop.change("add_payments", status="APPROVED")["ids"]
    old = whole(shop, currency="USD")
    part = shop.change("refund", id=old["id"], amount="0.50")["id"]
    connector.land()
    assert connector.differences() == []
    shop.change("advance", seconds=3 * HOUR)
    shop.change("complete", id=waiting, tip="1.30")
    shop.change("settle", id=part)
    rest = Decimal(old["total"]) - Decimal("0.50")
    failing = shop.change("refund", id=old["id"], amount=str(rest))["id"]
    shop.change("settle", id=failing, status="FAILED")
    connector.land()
    assert connector.differences() == []


def test_pages_that_drift_and_cursors_that_grow_stale_lose_nothing(connector: Connector) -> None:
    shop = connector.stand_in
    old = whole(shop, currency="USD")["id"]
    shop.after("payments", 1, {"action": "touch", "id": old, "email": "a@example.com"})
    shop.after("payments", 2, {"action": "add_payments", "count": 45})
    shop.after("payments", 3, {"action": "advance", "seconds": HOUR})
    shop.after("refunds", 1, {"action": "refund", "id": old, "amount": "0.10"})
    connector.land()
    assert shop.operations().count("payments") > 8
    connector.land()
    assert connector.differences() == []


@pytest.mark.faults
def test_two_edits_in_one_second_and_one_at_the_cursor_land(connector: Connector) -> None:
    shop = connector.stand_in
    connector.land()
    payment, other = (each["id"] for each in shop.truth("payments")[:2])
    # The clock stands: all of this has the time of the load that just ended.
    shop.change("touch", id=payment, email="one@example.com", seconds=0)
    connector.land()
    shop.change("touch", id=payment, email="two@example.com", seconds=0)
    shop.change("touch", id=other, email="two@example.com", seconds=0)
    shop.change("add_payments", seconds=0)
    connector.land()
    assert connector.differences() == []


def test_a_backfill_lands_the_same_and_moves_no_cursor(
    connector: Connector, connection: Postgres, client_for: Callable[..., SquareClient]
) -> None:
    company, client = connector.company, client_for(connector.company.id)
    backfill_square(company, date(2020, 1, 1), date(2030, 12, 31), client=client)
    assert connector.differences() == []
    states = "select count(*) from raw_square._dlt_pipeline_state where pipeline_name = %s"
    states += " and version > 1"
    name = (f"square_{company.id}",)
    connection.rollback()
    assert connection.execute(states, name).fetchone() == (0,)
    with pytest.raises(SourceError, match=r"ends .* before it starts"):
        backfill_square(company, date(2026, 2, 1), date(2026, 1, 1), client=client)


@pytest.mark.faults
def test_since_leaves_the_past_to_backfills(
    make_connector: Callable[..., Connector], stand_in: StandIn, connection: Postgres
) -> None:
    stand_in.peace()
    connector = make_connector(since="2026-03-01")
    connector.land()
    oldest = "select min(created_at)::date >= '2026-03-01' from raw_square.payments"
    assert rows(connection, connector, f"{oldest} where company_id = %s") == [(True,)]


@pytest.mark.faults
def test_what_does_not_fit_is_set_aside_until_it_is_read_again(
    connector: Connector, connection: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = connector.stand_in
    bad, shapeless, mixed, new = (
        each["id"] for each in shop.truth("payments")[-4:] if each["status"]
    )
    refund = shop.truth("refunds")[-1]["id"]
    get = SquareClient.get

    def spoiled(self: SquareClient, *given: Any, **named: Any) -> Any:
        answer = get(self, *given, **named)
        for node in [*answer.get("payments", ()), *answer.get("refunds", ())]:
            if node["id"] == bad:
                node["amount_money"]["amount"] = 12.5
            elif node["id"] == shapeless:
                node["processing_fee"] = [7]
            elif node["id"] == mixed:
                node["tip_money"] = {"amount": 1, "currency": "JPY"}
            elif node["id"] == new:
                node["brand_new"] = {"of": "tomorrow"}
            elif node["id"] == refund:
                node["amount_money"]["currency"] = "XYZ"
        return answer

    query = (
        "select source_file, column_name, reason from quarantine.rejected_rows"
        " where company_id = %s"
    )
    with monkeypatch.context() as patched:
        patched.setattr(SquareClient, "get", spoiled)
        load = connector.land()
    rejected = {
        name: (column, reason) for name, column, reason in rows(connection, connector, query)
    }
    assert rejected == {
        bad: ("amount_money.amount", "is not a whole number of the currency's smallest unit"),
        shapeless: ("processing_fee", "has another shape than the API promises"),
        mixed: ("tip_money.amount", "is in another currency than the row"),
        refund: ("amount_money.currency", "is in 'XYZ', which is no currency of ISO 4217"),
    }
    assert load.totals["payments"].rejected_rows == 3
    extra = "select extra ->> 'brand_new' from raw_square.payments where company_id = %s"
    found = rows(connection, connector, f"{extra} and id = %s", new)
    assert found == [('{"of":"tomorrow"}',)]
    # What was refused lands once it is read again.
    backfill_square(
        connector.company,
        date(2020, 1, 1),
        date(2030, 1, 1),
        client=SquareClient(connector.company.id, shop.endpoint, TOKEN),
    )
    assert rows(connection, connector, query) == []
    assert connector.differences() == []


def test_what_landed_is_checked_and_reconciled(
    connector: Connector,
    connection: Postgres,
    client_for: Callable[..., SquareClient],
) -> None:
    connector.land()
    company_id, client = connector.company.id, client_for(connector.company.id)

    def unmet(table: str) -> tuple[str, ...]:
        return validate(f"raw_square.{table}", company_id, suite.expectations(table)).failures

    assert [unmet(table) for table in suite.KEYS] == [()] * len(suite.KEYS)
    # It goes on working meanwhile.
    connector.stand_in.change("add_payments", count=2)
    found = reconcile(connector.company, days=12, seed=1, client=client)
    assert [str(each) for each in found if not each.agrees] == []
    assert {each.what.split(" on ")[0] for each in found} >= {
        "payments in USD",
        "total of payments in USD",
        "total of payments in JPY",
    }
    (day,) = rows(
        connection,
        connector,
        "update raw_square.payments set total = total + 0.01 where (company_id, id) in"
        " (select company_id, id from raw_square.payments where company_id = %s"
        "  and currency = 'USD' and created_at::date = (select max(created_at)::date"
        "   from raw_square.payments where company_id = %s) order by created_at limit 1)"
        " returning (created_at at time zone 'UTC')::date",
        company_id,
    )
    connection.commit()
    (broken,) = unmet("payments")
    assert "total <> amount" in broken
    wrong = [
        each.what for each in reconcile(connector.company, days=1, client=client) if not each.agrees
    ]
    assert wrong == [f"total of payments in USD on {day[0]}"]


@pytest.mark.faults
def test_the_command_lands_and_reconciles(connector: Connector) -> None:
    process = connector.start()
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said.decode()
    connector.command.append("--reconcile")
    process = connector.start()
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said.decode()
    assert connector.differences() == []


def test_a_wrong_token_fails_at_once_and_is_not_shown(
    connector: Connector,
    client_for: Callable[..., SquareClient],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    client = client_for(connector.company.id, token="EAAAworn_out")
    with pytest.raises(SourceError, match=r"locations, page 1: HTTP 401") as raised:
        land_square(connector.company, client=client)
    assert client.requests == 1
    assert "worn_out" not in str(raised.value) + caplog.text
    log = connector.stand_in.get("log")
    assert all("worn_out" not in each["path"] + each["query"] for each in log)
    assert all("square-version" in each["headers"] for each in log)


# Each fault that may pass, at each request of a load at which it may happen.
OPERATIONS = [("locations", 1), ("payments", 1), ("payments", 3), ("refunds", 1), ("refunds", 2)]
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("throttled", {}),
    ("throttled", {"retry_after": 0.5}),
    ("internal", {}),
    ("drop", {}),
    ("malformed", {}),
    ("slow", {"seconds": 0.2}),
    ("status", {"status": 502}),
    ("status", {"status": 503}),
]
CASES = grid(OPERATIONS, FAULTS)


@pytest.mark.parametrize("fault", random.Random(2026).sample(CASES, 1), ids=str)
def test_a_fault_that_passes(connector: Connector, fault: Faulty) -> None:
    TestSquare().survives(connector, fault)


@pytest.mark.faults
@pytest.mark.parametrize("fault", CASES, ids=str)
def test_every_fault_that_passes(connector: Connector, fault: Faulty) -> None:
    TestSquare().survives(connector, fault)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Faulty("status", "payments", 2, (("status", 503),)), "payments of .*: given up after 4"),
        pytest.param(
            Faulty("drop", "refunds", 2),
            "refunds, page 2: given up after 4",
            marks=pytest.mark.faults,
        ),
        pytest.param(
            Faulty("access_denied", "payments", 1),
            "page 1: HTTP 403.*PAYMENTS_READ",
            marks=pytest.mark.faults,
        ),
    ],
    ids=["503", "drop", "denied"],
)
def test_a_fault_that_stays(connector: Connector, fault: Faulty, says: str) -> None:
    TestSquare().gives_up(connector, fault, says)
