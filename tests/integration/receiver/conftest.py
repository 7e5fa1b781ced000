"""A receiver as a process of its own, and a company whose stores are stand-ins that tell it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
import yaml
from psycopg import Connection as Postgres

from ingestion.sources.shopify import land_shopify
from ingestion.sources.stripe import land_stripe
from ingestion.sources.woocommerce import land_woocommerce
from tests.integration.conftest import free_port
from tests.integration.connectors.harness import StandIn, command_environment
from tests.integration.shopify.checker import differences as shopify_differences
from tests.integration.stripe.checker import differences as stripe_differences
from tests.integration.woocommerce.checker import differences as woocommerce_differences
from warehouse.companies import Company
from warehouse.settings import PROJECT_ROOT, Settings

COMPANY = "told"
SECRET, OLD_SECRET = "whsec_current", "whsec_old"
TOKEN = "upload-token"
SOURCES = ("shopify", "stripe", "woocommerce")

_ARGUMENTS = {
    "shopify": [
        *("--company", "acme", "--scale", "0.05"),
        *("--bucket", "20000", "--restore", "100000"),
    ],
    "stripe": ["--api", "stripe", "--company", "acme", "--scale", "0.05"],
    "woocommerce": ["--api", "woocommerce", "--company", "acme", "--scale", "0.1"],
}
_LAND: dict[str, Callable[[Company], Any]] = {
    "shopify": land_shopify,
    "stripe": land_stripe,
    "woocommerce": land_woocommerce,
}
_DIFFERENCES: dict[str, Callable[..., list[str]]] = {
    "shopify": shopify_differences,
    "stripe": stripe_differences,
    "woocommerce": woocommerce_differences,
}


@dataclass
class Receiver:
    """The receiver's process.

    Attributes:
        environment: Of it.
        log: What it says.
        port: Where it listens.
    """

    environment: dict[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ingestion.receiver", "--port", str(self.port)],
                cwd=PROJECT_ROOT,
                env=os.environ | self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        for _ in range(600):
            assert self._process.poll() is None, self.log.read_text()
            try:
                requests.get(f"{self.address}/health", timeout=1)
                return
            except requests.RequestException:
                time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        """Kills all of it as hard as can be."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)

    def kill_one(self) -> None:
        """Kills one of the two that answer."""
        assert self._process is not None
        children = psutil.Process(self._process.pid).children()
        workers = [each for each in children if "spawn_main" in " ".join(each.cmdline())]
        assert len(workers) == 2
        workers[0].kill()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def post(self, source: str, body: bytes, company: str = COMPANY, **headers: str) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.post(
            f"{self.address}/webhooks/{company}/{source}", data=body, headers=given, timeout=30
        )


@dataclass
class Told:
    """The company, its stores and what they tell."""

    company: Company
    stores: dict[str, StandIn]
    settings: Settings
    connection: Postgres
    receiver: Receiver

    def land(self, source: str) -> Any:
        return _LAND[source](self.company)

    def subscribe(self, source: str, **how: Any) -> None:
        address = f"{self.receiver.address}/webhooks/{COMPANY}/{source}"
        self.stores[source].post("webhooks", {"address": address, "secret": SECRET, **how})

    def delivered(self, source: str) -> list[dict[str, Any]]:
        """What was delivered, once nothing waits any more."""
        for _ in range(600):
            state = self.stores[source].get("webhooks")
            if not state["waiting"]:
                return list(state["deliveries"])
            time.sleep(0.1)
        raise AssertionError(state)

    def unsubscribe(self, source: str) -> None:
        store = self.stores[source]
        control = f"{store.endpoint.split('/admin')[0]}/_control/webhooks"
        requests.delete(control, timeout=30).raise_for_status()

    def differences(self, source: str) -> list[str]:
        return _DIFFERENCES[source](self.connection, COMPANY, self.stores[source].truth)

    def events(self, source: str, *columns: str) -> list[tuple[Any, ...]]:
        """The events of a source in the order of their coming."""
        self.connection.rollback()
        return self.connection.execute(
            f"select {', '.join(columns or ('status',))} from inbox.events"
            " where company_id = %s and source = %s order by event_number",
            (COMPANY, source),
        ).fetchall()

    def forget(self) -> None:
        self.connection.rollback()
        self.connection.execute("delete from inbox.events")
        self.connection.commit()


def base64_hmac(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def stripe_signature(body: bytes, secret: str = SECRET, at: float | None = None) -> str:
    moment = int(time.time() if at is None else at)
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={signed.hexdigest()}"


@pytest.fixture(scope="session")
def stores() -> Iterator[dict[str, StandIn]]:
    started = {source: StandIn(arguments) for source, arguments in _ARGUMENTS.items()}
    yield started
    for each in started.values():
        each.stop()


@pytest.fixture(scope="session")
def company(stores: dict[str, StandIn]) -> Company:
    return Company.model_validate(
        {
            "id": COMPANY,
            "name": "Told",
            "base_currency": "USD",
            "timezone": "America/New_York",
            "margin_rate": 0.3,
            "sources": {
                "shopify": {
                    "shop": "acme.myshopify.com",
                    "endpoint": stores["shopify"].endpoint,
                },
                "stripe": {"endpoint": stores["stripe"].endpoint},
                "woocommerce": {"site": stores["woocommerce"].endpoint},
            },
        }
    )


@pytest.fixture(scope="session")
def receiver(
    warehouse_settings: Settings, company: Company, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Receiver]:
    folder = tmp_path_factory.mktemp("receiver")
    companies_file = folder / "companies.yml"
    written = company.model_dump(mode="json", exclude_defaults=True)
    companies_file.write_text(yaml.safe_dump({"companies": [written]}))
    secrets = {
        "CLV_SHOPIFY__TOLD__TOKEN": "shpat_standin_acme",
        "CLV_STRIPE__TOLD__KEY": "rk_standin_acme",
        "CLV_WOOCOMMERCE__TOLD__KEY": "ck_standin_acme",
        "CLV_WOOCOMMERCE__TOLD__SECRET": "cs_standin_acme",
        "CLV_UPLOADS__TOLD__TOKEN": TOKEN,
    } | {f"CLV_{source.upper()}__TOLD__WEBHOOK_SECRET": SECRET for source in SOURCES}
    environment = command_environment(warehouse_settings, companies_file) | {
        "CLV_WEBHOOK_MAX_BYTES": "20000",
        "CLV_UPLOAD_MAX_BYTES": "100000",
    }
    started = Receiver(environment | secrets, folder / "receiver.log")
    with pytest.MonkeyPatch.context() as patch:
        # What lands reads them in this process.
        for name, value in secrets.items():
            patch.setenv(name, value)
        started.start()
        yield started
        started.stop()


@pytest.fixture
def told(
    company: Company,
    stores: dict[str, StandIn],
    warehouse_settings: Settings,
    connection: Postgres,
    receiver: Receiver,
) -> Iterator[Told]:
    made = Told(company, stores, warehouse_settings, connection, receiver)
    made.forget()
    yield made
    for source, store in stores.items():
        made.unsubscribe(source)
        store.peace()
