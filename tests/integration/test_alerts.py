"""Alerts reach a real mail server and real HTTP receivers, each once, and none is lost."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from datetime import date
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from orchestration.alerts import alert as alerts
from orchestration.alerts.alert import Alert
from orchestration.alerts.channels import DeliveryError, Message, channel, routes, signature
from orchestration.alerts.outbox import deliver, raise_alert
from orchestration.lib.alerts import alerts_of_run
from orchestration.resources.notifier import Notifier
from tests.integration.conftest import free_port
from warehouse.settings import Settings


class Receiver:
    """Keeps what is posted, and answers with a status."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.headers.append(dict(self.headers))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> SecretStr:
        return SecretStr(f"http://127.0.0.1:{self.server.server_port}/hook?token=secret")


class Mailbox:
    """What a mail server took."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], Any]] = []

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def outbox(connection: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    yield connection
    connection.rollback()
    connection.execute("truncate alerts.raised, alerts.deliveries")
    connection.commit()


def settings(**given: Any) -> Settings:
    return Settings(**{"alert_webhook_url": None, "alert_smtp_url": None, **given})


def told(key: str = "run-1", company_id: str | None = "acme") -> Alert:
    return alerts.run_failed("land", company_id, key, ["step: cdnow.csv is missing"])


def post(outbox: psycopg.Connection[Any], ours: Settings, *raised: Alert) -> None:
    for alert in raised:
        raise_alert(outbox, alert, routes(ours))
    outbox.commit()


def test_a_mail_says_what_happened_what_it_means_and_what_to_do(
    outbox: psycopg.Connection[Any],
) -> None:
    mailbox, port = Mailbox(), free_port()
    server = Controller(mailbox, hostname="127.0.0.1", port=port)
    server.start()
    try:
        ours = settings(
            alert_smtp_url=SecretStr(f"smtp://127.0.0.1:{port}"), alert_emails=("owner@clv.test",)
        )
        raise_alert(outbox, told(), routes(ours, ("ann@acme.test", "owner@clv.test")))
        assert not raise_alert(outbox, told(), routes(ours)), "the same alert again"
        for _ in range(2):
            deliver(outbox, lambda route: channel(route, ours))
    finally:
        server.stop()
    assert sorted(to for to, _ in mailbox.mails) == [["ann@acme.test"], ["owner@clv.test"]]
    mail = mailbox.mails[0][1]
    text = mail.get_payload(decode=True).decode()
    assert mail["Subject"].startswith("land failed for acme")
    for part in ("cdnow.csv is missing", "What it means: The tables keep", "What to do: Run run-1"):
        assert part in text


def test_the_weekly_mail_carries_the_page_of_its_company_once_a_week(
    outbox: psycopg.Connection[Any], tmp_path: Path
) -> None:
    mailbox, port = Mailbox(), free_port()
    (tmp_path / "reports").mkdir()
    for company in ("acme", "bolt"):
        (tmp_path / "reports" / f"{company}.html").write_text(f"<p>{company}</p>")
    server = Controller(mailbox, hostname="127.0.0.1", port=port)
    server.start()
    try:
        ours = settings(alert_smtp_url=SecretStr(f"smtp://127.0.0.1:{port}"), home=tmp_path)
        for week in ("2026-W47", "2026-W47", "2026-W48"):
            weekly = alerts.weekly_report("acme", week, "2,357 customers", "http://here/report")
            raise_alert(outbox, weekly, routes(ours, ("ann@acme.test",)))
        deliver(outbox, lambda route: channel(route, ours))
    finally:
        server.stop()
    subjects = [mail["Subject"] for _, mail in mailbox.mails]
    assert subjects == [
        f"Weekly report of acme, {week}: 2,357 customers" for week in ("2026-W47", "2026-W48")
    ]
    for _, mail in mailbox.mails:
        text, page = mail.get_payload()
        assert "http://here/report" in text.get_payload(decode=True).decode()
        assert page.get_filename() == "acme.html"
        assert page.get_payload(decode=True) == b"<p>acme</p>"


def test_what_fails_is_sent_later_and_once(
    outbox: psycopg.Connection[Any], receiver: Receiver
) -> None:
    ours = settings(alert_webhook_url=receiver.url, alert_webhook_secret=SecretStr("shared"))
    receiver.status = 500
    post(outbox, ours, told())
    failed = deliver(outbox, lambda route: channel(route, ours))
    assert failed.messages == 0
    assert "secret" not in str(failed.failures)
    receiver.status = 200
    assert deliver(outbox, lambda route: channel(route, ours)).messages == 0, "it waits first"
    outbox.execute("update alerts.deliveries set try_after = now()")
    assert deliver(outbox, lambda route: channel(route, ours)).messages == 1
    assert deliver(outbox, lambda route: channel(route, ours)).messages == 0
    assert len(receiver.bodies) == 2
    assert receiver.headers[0]["Idempotency-Key"] == receiver.headers[1]["Idempotency-Key"]
    signed = receiver.headers[1]["CLV-Signature"]
    moment = int(signed.split(",")[0].removeprefix("t="))
    assert signed == signature("shared", moment, receiver.bodies[1])
    assert json.loads(receiver.bodies[1])["alerts"][0]["kind"] == "run_failed"


def test_a_sender_that_dies_loses_nothing(
    outbox: psycopg.Connection[Any], receiver: Receiver
) -> None:
    class Dies:
        def send(self, message: Message) -> None:
            raise KeyboardInterrupt

    ours = settings(alert_slack_url=receiver.url)
    post(outbox, ours, told("a"), told("b"))
    with pytest.raises(KeyboardInterrupt):
        deliver(outbox, lambda _: Dies())
    assert deliver(outbox, lambda route: channel(route, ours)).messages == 2
    assert [json.loads(body)["text"][:5] for body in receiver.bodies] == ["*land", "*land"]


def test_a_storm_is_one_message(outbox: psycopg.Connection[Any], receiver: Receiver) -> None:
    ours = settings(alert_webhook_url=receiver.url)
    post(outbox, ours, *(told(f"run-{number}") for number in range(20)))
    assert deliver(outbox, lambda route: channel(route, ours)).messages == 1
    message = json.loads(receiver.bodies[0])
    assert message["title"] == "20 alerts: acme"
    assert len(message["alerts"]) == 20


def test_one_route_that_fails_stops_no_other(
    outbox: psycopg.Connection[Any], receiver: Receiver
) -> None:
    ours = settings(
        alert_webhook_url=SecretStr("http://127.0.0.1:9/"), alert_slack_url=receiver.url
    )
    post(outbox, ours, told())
    sent = deliver(outbox, lambda route: channel(route, ours))
    assert (sent.messages, [*sent.failures]) == (1, ["webhook"])


def test_two_senders_send_once(outbox: psycopg.Connection[Any], receiver: Receiver) -> None:
    from warehouse.connection import connect

    ours = settings(alert_webhook_url=receiver.url)

    class Slow:
        def send(self, message: Message) -> None:
            with connect() as other:
                assert deliver(other, lambda route: channel(route, ours)).messages == 0
            found = channel("webhook", ours)
            assert found is not None
            found.send(message)

    post(outbox, ours, told())
    assert deliver(outbox, lambda _: Slow()).messages == 1
    assert len(receiver.bodies) == 1


def test_an_error_names_no_address(receiver: Receiver) -> None:
    for ours, route in (
        (settings(alert_slack_url=SecretStr("http://127.0.0.1:9/secret")), "slack"),
        (settings(alert_smtp_url=SecretStr("smtp://me:secret@127.0.0.1:9")), "email:a@b.c"),
    ):
        found = channel(route, ours)
        assert found is not None
        with pytest.raises(DeliveryError) as raised:
            found.send(Message("id", "title", "text", ()))
        assert "secret" not in str(raised.value)


@dg.asset(key=["raw_files", "lines"])
def lines() -> None:
    pass


@dg.asset_check(asset=lines, blocking=True)
def nobody_is_missing() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, description="3 customers are missing")


@dg.asset(key=["raw_stripe", "charges"])
def refused() -> None:
    raise dg.Failure("HTTP 401: The token is wrong or has expired", allow_retries=False)


def ended(instance: dg.DagsterInstance, *made: Any) -> list[Alert]:
    result = dg.materialize(
        [*made], instance=instance, raise_on_error=False, tags={"dagster/partition": "acme"}
    )
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    return [*alerts_of_run(instance, run)]


def test_what_a_run_is_worth_telling() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        failed = ended(instance, lines, nobody_is_missing)
        assert "check_failed" in {each.kind for each in failed}
        assert any("3 customers are missing" in each.happened for each in failed)
        (told_once,) = ended(instance, refused)
        assert (told_once.kind, told_once.company_id) == ("credentials_refused", "acme")
        (same,) = ended(instance, refused)
        assert same.key == told_once.key, "an expired token is told once a day, not once a run"
        assert ended(instance, lines) == []


def test_the_notifier_logs_and_raises_once(
    outbox: psycopg.Connection[Any], caplog: pytest.LogCaptureFixture
) -> None:
    alert = alerts.at_risk("acme", date(2026, 6, 30), 3, "120.00 USD")
    assert Notifier().tell(alert, logging.getLogger("test"))
    assert not Notifier().tell(alert, logging.getLogger("test"))
    assert caplog.text.count("3 customers of acme are at risk, with 120.00 USD") == 1
