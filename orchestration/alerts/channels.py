"""How a message leaves: e-mail, Slack, a signed webhook.

Belongs here: what goes over the wire. Does not belong here: what was sent already (`outbox.py`). An
address may hold a secret, so no error quotes one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import requests

from orchestration.alerts.alert import WEEKLY_REPORT
from orchestration.report import report_file
from warehouse.settings import Settings

SECONDS = 10


class DeliveryError(Exception):
    """A message could not be sent; the message says what kind of failure it was."""


@dataclass(frozen=True)
class Message:
    """One message.

    Attributes:
        id: The same for every attempt, so that a receiver can drop a second one.
        title: One line.
        text: All of it.
        alerts: As data, for programs.
    """

    id: str
    title: str
    text: str
    alerts: tuple[Mapping[str, str | None], ...]


class Channel(Protocol):
    """Sends messages to one place."""

    def send(self, message: Message) -> None:
        """Sends one message.

        Raises:
            DeliveryError: It was not taken.
        """
        ...


@dataclass(frozen=True)
class Email:
    """SMTP, with STARTTLS where the server offers it and always for smtps.

    Attributes:
        server: smtp://user:password@host:587 or smtps://…
        sender: Address of the platform.
        recipient: Address of a person.
        report_of: Gives the file of a company's report, which weekly mails carry.
    """

    server: str
    sender: str
    recipient: str
    report_of: Callable[[str], Path]

    def send(self, message: Message) -> None:
        """Sends one e-mail; see `Channel.send`."""
        parts = urlsplit(self.server)
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, self.recipient, message.title
        mail["Message-ID"] = f"<{message.id}@clv.invalid>"
        mail.set_content(message.text)
        for alert in message.alerts:
            company_id = alert["company_id"]
            if alert["kind"] != WEEKLY_REPORT or company_id is None:
                continue
            page = self.report_of(company_id)
            if page.is_file():
                mail.add_attachment(
                    page.read_bytes(), maintype="text", subtype="html", filename=page.name
                )
        secure = parts.scheme == "smtps"
        try:
            connection = (
                smtplib.SMTP_SSL(
                    parts.hostname or "",
                    parts.port or 465,
                    timeout=SECONDS,
                    context=ssl.create_default_context(),
                )
                if secure
                else smtplib.SMTP(parts.hostname or "", parts.port or 25, timeout=SECONDS)
            )
            with connection:
                connection.ehlo()
                if not secure and connection.has_extn("starttls"):
                    connection.starttls(context=ssl.create_default_context())
                    connection.ehlo()
                if parts.username:
                    connection.login(unquote(parts.username), unquote(parts.password or ""))
                connection.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(f"the mail server failed: {type(error).__name__}") from None


@dataclass(frozen=True)
class Slack:
    """An incoming webhook of Slack.

    Attributes:
        address: Secret as a whole.
    """

    address: str

    def send(self, message: Message) -> None:
        """Posts one message; see `Channel.send`."""
        # Slack's own rule: these three stand for themselves only when they are escaped.
        text = message.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        _post(self.address, json.dumps({"text": f"*{message.title}*\n{text}"}).encode(), {})


@dataclass(frozen=True)
class SignedWebhook:
    """A program of one's own.

    Attributes:
        address: Where to post.
        secret: Shared with the receiver; without one nothing is signed.
    """

    address: str
    secret: str | None

    def send(self, message: Message) -> None:
        """Posts one message; see `Channel.send`."""
        body = json.dumps(
            {
                "id": message.id,
                "title": message.title,
                "text": message.text,
                "alerts": message.alerts,
            }
        ).encode()
        headers = {"Idempotency-Key": message.id}
        if self.secret:
            headers["CLV-Signature"] = signature(self.secret, int(time.time()), body)
        _post(self.address, body, headers)


def signature(secret: str, moment: int, body: bytes) -> str:
    """Returns `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`.

    The receiver computes the same over the raw body, compares in constant time, and refuses a
    moment that is more than five minutes away.
    """
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={signed.hexdigest()}"


def _post(address: str, body: bytes, headers: Mapping[str, str]) -> None:
    try:
        requests.post(
            address,
            data=body,
            headers={"Content-Type": "application/json", **headers},
            timeout=SECONDS,
            allow_redirects=False,
        ).raise_for_status()
    except requests.RequestException as error:
        answer = getattr(error, "response", None)
        status = f" {answer.status_code}" if answer is not None else ""
        raise DeliveryError(f"the receiver failed: {type(error).__name__}{status}") from None


def channel(route: str, settings: Settings) -> Channel | None:
    """Returns the channel of a route, or None where it is configured no more.

    Args:
        route: `slack`, `webhook` or `email:<address>`.
        settings: Hold the secrets; a route holds none.
    """
    if route == "slack" and settings.alert_slack_url:
        return Slack(settings.alert_slack_url.get_secret_value())
    if route == "webhook" and settings.alert_webhook_url:
        secret = settings.alert_webhook_secret
        return SignedWebhook(
            settings.alert_webhook_url.get_secret_value(),
            secret.get_secret_value() if secret else None,
        )
    if route.startswith("email:") and settings.alert_smtp_url:
        return Email(
            settings.alert_smtp_url.get_secret_value(),
            settings.alert_email_from,
            route.removeprefix("email:"),
            partial(report_file, settings),
        )
    return None


def routes(settings: Settings, emails_of_company: tuple[str, ...] = ()) -> list[str]:
    """Returns where an alert goes: to the platform's owner, and to the company's people."""
    found = []
    if settings.alert_slack_url:
        found.append("slack")
    if settings.alert_webhook_url:
        found.append("webhook")
    if settings.alert_smtp_url:
        people = dict.fromkeys((*settings.alert_emails, *emails_of_company))
        found.extend(f"email:{address}" for address in people)
    return found
