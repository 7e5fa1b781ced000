"""The dashboard as a process of its own, and a browser that must not leave the machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.integration.conftest import free_port
from tests.integration.pages.conftest import PASSWORD
from warehouse.settings import PROJECT_ROOT, Settings

CHROMIUM = os.environ.get("CLV_CHROMIUM") or shutil.which("chromium") or ""
NO_BROWSER = pytest.mark.skipif(
    not CHROMIUM,
    reason="no Chromium: install one (apt-get install chromium) or name it in CLV_CHROMIUM",
)
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Served:
    """The dashboard where it answers.

    Attributes:
        base: Its address.
        log: File of what it says.
    """

    base: str
    log: Path


@contextmanager
def serving(settings: Settings, folder: Path, **variables: str) -> Iterator[Served]:
    """Starts the dashboard and ends it."""
    port = free_port()
    log = folder / f"dashboard-{port}.log"
    environment = {
        **os.environ,
        "CLV_HOME": str(settings.home),
        "CLV_POSTGRES_PORT": str(settings.postgres_port),
        **variables,
    }
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "reporting.dashboard", "--port", str(port)],
            cwd=PROJECT_ROOT,
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        base = f"http://127.0.0.1:{port}"
        try:
            for _ in range(600):
                assert process.poll() is None, log.read_text()
                try:
                    if requests.get(f"{base}/health", timeout=2).ok:
                        break
                except requests.ConnectionError:
                    time.sleep(0.1)
            yield Served(base, log)
        finally:
            process.terminate()
            process.wait(timeout=20)


def token_of(text: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', text)
    assert found
    return found.group(1)


def log_in(served: Served, user: str, password: str = PASSWORD) -> requests.Session:
    session = requests.Session()
    form = session.get(f"{served.base}/login")
    session.post(
        f"{served.base}/login",
        data={"user": user, "password": password, "token": token_of(form.text)},
    )
    return session
