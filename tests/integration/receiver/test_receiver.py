"""What the receiver answers, stores and says, over real HTTP."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.integration.receiver.conftest import (
    COMPANY,
    OLD_SECRET,
    SECRET,
    Receiver,
    Told,
    base64_hmac,
    stripe_signature,
)

JSON = "application/json"


def event(number: int, **more: Any) -> bytes:
    charge = {"object": "charge", "id": f"ch_{number}", "billing_details": {"email": "a@b.example"}}
    return json.dumps(
        {
            "object": "event",
            "id": f"evt_{number}",
            "type": "charge.updated",
            "created": 1_790_000_000,
            "data": {"object": charge},
            **more,
        }
    ).encode()


def send(told: Told, body: bytes, signature: str | None = None, kind: str = JSON) -> Any:
    headers = {"Content_Type": kind, "Stripe_Signature": signature or stripe_signature(body)}
    return told.receiver.post("stripe", body, **headers)


def test_stored_once_before_it_is_answered(told: Told) -> None:
    body = event(1)
    first = send(told, body)
    assert (first.status_code, first.json()) == (200, {"status": "stored"})
    assert told.events("stripe", "delivery_id", "topic", "objects", "status", "attempts") == [
        ("evt_1", "charge.updated", ["charges/ch_1"], "waiting", 0)
    ]
    # Signed anew, as Stripe repeats it.
    again = send(told, body, stripe_signature(body, at=time.time() - 60))
    assert (again.status_code, again.json()) == (200, {"status": "duplicate"})
    assert len(told.events("stripe")) == 1


def test_the_old_secret_is_good_while_it_is_set(told: Told) -> None:
    body = event(1)
    assert send(told, body, stripe_signature(body, OLD_SECRET)).status_code == 401
    secrets = Path(told.receiver.environment["CLV_COMPANIES_FILE"]).parent / ".dlt/secrets.toml"
    secrets.parent.mkdir(exist_ok=True)
    secrets.write_text(f'[sources.stripe.{COMPANY}]\nold_webhook_secret = "{OLD_SECRET}"\n')
    try:
        time.sleep(1.1)
        assert send(told, body, stripe_signature(body, OLD_SECRET)).json() == {"status": "stored"}
        assert send(told, event(2)).json() == {"status": "stored"}
    finally:
        secrets.unlink()
    time.sleep(1.1)
    assert send(told, event(3), stripe_signature(event(3), OLD_SECRET)).status_code == 401


def test_shopify_is_known_by_delivery_and_by_event(told: Told) -> None:
    body = b'{"id": 7}'

    def deliver(webhook: str, event_id: str, topic: str = "orders/updated", **more: str) -> Any:
        headers = {
            "Content_Type": JSON,
            "X_Shopify_Hmac_Sha256": base64_hmac(body),
            "X_Shopify_Shop_Domain": "acme.myshopify.com",
            "X_Shopify_Topic": topic,
            "X_Shopify_Webhook_Id": webhook,
            "X_Shopify_Event_Id": event_id,
        }
        return told.receiver.post("shopify", body, **(headers | more))

    assert deliver("w1", "e1").json() == {"status": "stored"}
    assert deliver("w1", "e1").json() == {"status": "duplicate"}
    # A second subscription tells of the same event.
    assert deliver("w2", "e1").json() == {"status": "duplicate"}
    # Another topic of one event is told apart.
    assert deliver("w3", "e1", "orders/paid").json() == {"status": "stored"}
    assert deliver("w4", "e2").json() == {"status": "stored"}
    assert deliver("w5", "e5", X_Shopify_Shop_Domain="bolt.myshopify.com").status_code == 403
    assert deliver("w6", "e6", "themes/publish").json() == {"status": "ignored"}
    assert len(told.events("shopify")) == 3


def test_a_duty_waits_for_people(told: Told) -> None:
    body = b'{"customer": {"id": 7, "email": "secret.person@example.com"}}'
    headers = {
        "Content_Type": JSON,
        "X_Shopify_Hmac_Sha256": base64_hmac(body),
        "X_Shopify_Shop_Domain": "acme.myshopify.com",
        "X_Shopify_Topic": "customers/redact",
        "X_Shopify_Webhook_Id": "w9",
    }
    assert told.receiver.post("shopify", body, **headers).json() == {"status": "stored"}
    ((status, problem),) = told.events("shopify", "status", "problem")
    assert status == "failed"
    assert "clv erase" in problem


def test_the_ping_of_woocommerce_is_answered_and_not_stored(told: Told) -> None:
    told.subscribe("woocommerce")
    assert told.delivered("woocommerce") == [{"topic": "ping", "status": 200, "attempt": 1}]
    assert told.events("woocommerce") == []


@pytest.mark.parametrize(
    ("status", "what"),
    [
        (401, {"signature": "t=1,v1=00"}),
        (401, {"signature": "none"}),
        (403, {"at": -301}),
        (413, {"body": b'{"a": "' + b"x" * 20_000 + b'"}'}),
        (400, {"body": b"{"}),
        (400, {"body": b"[]"}),
        (400, {"body": b'{"id": "evt_1"}'}),
        (400, {"body": b'{"id": "evt_1", "object": "event", "type": "x", "data": {}}'}),
        (415, {"kind": "text/plain"}),
        (415, {"kind": "application/x-www-form-urlencoded"}),
    ],
)
def test_what_is_wrong_is_refused_and_not_stored(
    told: Told, status: int, what: dict[str, Any]
) -> None:
    body = what.get("body", event(1))
    signature = what.get("signature") or stripe_signature(body, at=time.time() + what.get("at", 0))
    assert send(told, body, signature, what.get("kind", JSON)).status_code == status
    assert told.events("stripe") == []


def test_a_body_without_a_declared_length_is_limited_too(told: Told) -> None:
    def parts() -> Any:
        for _ in range(100):
            yield b"x" * 1000

    address = f"{told.receiver.address}/webhooks/{COMPANY}/stripe"
    assert requests.post(address, data=parts(), timeout=30).status_code == 413


@pytest.mark.parametrize(
    "path", ["nobody/stripe", f"{COMPANY}/square", f"{COMPANY}/x", "..%2f/stripe", f"{COMPANY}/"]
)
def test_an_address_that_nobody_has_is_not_found(told: Told, path: str) -> None:
    address = f"{told.receiver.address}/webhooks/{path}"
    answer = requests.post(address, data=b"{}", timeout=30)
    assert answer.status_code == 404


def test_only_post(told: Told) -> None:
    address = f"{told.receiver.address}/webhooks/{COMPANY}/stripe"
    assert requests.get(address, timeout=30).status_code == 405


def test_it_says_what_happened_and_nothing_of_what_was_sent(told: Told) -> None:
    before = len(told.receiver.lines())
    send(told, event(1))
    send(told, event(2), "t=1,v1=00")
    send(told, event(3), kind="text/plain")
    lines = told.receiver.lines()[before:]
    assert [(line["event"], line["status"], line["company_id"]) for line in lines] == [
        ("stored", 200, COMPANY),
        ("refused", 401, COMPANY),
        ("refused", 415, COMPANY),
    ]
    assert {line["level"] for line in lines} == {"info", "warning"}
    text = told.receiver.log.read_text()
    for secret in (SECRET, OLD_SECRET, "a@b.example", "billing_details", "v1=", "secret.person"):
        assert secret not in text


def test_health_and_metrics(told: Told) -> None:
    address = told.receiver.address
    send(told, event(1))
    send(told, event(1), "t=1,v1=00")
    assert requests.get(f"{address}/health", timeout=30).json() == {"status": "ok"}
    health = requests.get(f"{address}/health/db", timeout=30).json()
    assert (health["status"], health["events_waiting"], health["events_failed"]) == ("ok", 1, 0)
    told.connection.execute(
        "insert into inbox.runs (run_id, job_name, company_id, status, started_at, ended_at,"
        " rows_landed) values ('r1', 'land', 'told', 'success', now() - interval '8 s', now(), 42)"
        " on conflict do nothing"
    )
    told.connection.commit()
    answer = requests.get(f"{address}/metrics", timeout=30)
    assert answer.headers["content-type"].startswith("text/plain")
    figures = dict(
        line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#")
    )
    labels = f'company="{COMPANY}",source="stripe",status="waiting"'
    assert figures[f"clv_inbox_events{{{labels}}}"] == "1.0"
    assert 0 <= float(figures[f"clv_inbox_oldest_event_seconds{{{labels}}}"]) < 60
    stored = 'clv_receiver_requests_total{outcome="stored",source="stripe",status="200"}'
    assert float(figures[stored]) >= 1
    refused = 'clv_receiver_requests_total{outcome="refused",source="stripe",status="401"}'
    assert float(figures[refused]) >= 1
    assert float(figures['clv_receiver_request_seconds_count{source="stripe"}']) >= 2
    run = 'company="told",job="land",status="success"'
    assert figures[f"clv_run_duration_seconds_count{{{run}}}"] == "1.0"
    assert abs(float(figures[f"clv_run_duration_seconds_sum{{{run}}}"]) - 8) < 0.1
    assert figures[f"clv_run_rows_landed_total{{{run}}}"] == "42.0"
    assert figures["clv_database_up"] == "1.0"


def test_a_database_that_is_away_is_waited_for(told: Told) -> None:
    """What can't be stored isn't taken: the store sends it again."""
    told.connection.execute("lock table inbox.events in access exclusive mode")
    answer = send(told, event(1))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.elapsed.total_seconds() < 5
    told.connection.rollback()
    # Its sessions end, as they do when the server is started anew.
    told.connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'clv-receiver'"
    )
    told.connection.commit()
    assert send(told, event(2)).status_code == 200


def test_a_source_without_a_secret_is_not_taken(told: Told, receiver: Receiver) -> None:
    companies_file = Path(receiver.environment["CLV_COMPANIES_FILE"])
    before = companies_file.read_text()
    written = yaml.safe_load(before)
    written["companies"].append({**written["companies"][0], "id": "unset"})
    companies_file.write_text(yaml.safe_dump(written))
    try:
        time.sleep(1.1)
        answer = receiver.post("stripe", b"{}", company="unset", Stripe_Signature="t=1,v1=00")
        assert answer.status_code == 503
        assert "CLV_STRIPE__UNSET__WEBHOOK_SECRET" in receiver.log.read_text()
        companies_file.write_text("companies: [")
        time.sleep(1.1)
        assert send(told, event(1)).status_code == 503
    finally:
        companies_file.write_text(before)
    time.sleep(1.1)
    assert send(told, event(1)).status_code == 200


def test_kill_9_in_the_middle_of_a_burst_loses_nothing(told: Told) -> None:
    """Whatever was answered with 200 is there; what wasn't is sent again, and is there once."""
    events = 600
    over = threading.Event()
    chance = random.Random(8)
    statuses: Counter[int] = Counter()

    def deliver(number: int) -> int:
        for _ in range(300):
            try:
                status = send(told, event(number)).status_code
            except requests.RequestException:
                status = 0
            statuses[status] += 1
            if status == 200:
                return number
            time.sleep(0.1)
        raise AssertionError(f"{number} was never taken")

    def trouble() -> None:
        over.wait(chance.uniform(0.2, 1.0))
        told.receiver.kill_one()
        over.wait(chance.uniform(0.2, 1.0))
        told.receiver.kill()
        told.receiver.start()

    with ThreadPoolExecutor(16) as pool:
        troubled = pool.submit(trouble)
        sent = [pool.submit(deliver, number) for number in range(events)]
        assert sorted(each.result() for each in sent) == list(range(events))
        over.set()
        troubled.result()
    found = told.events("stripe", "delivery_id")
    assert Counter(each for (each,) in found) == Counter(f"evt_{n}" for n in range(events))
    assert statuses[0] > 0, "it was never killed while somebody was asking"
