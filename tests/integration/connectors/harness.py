"""What a connector has to bring along to be judged by `suite.ConnectorSuite`.

A stand-in of the API runs as a process of its own and is ordered about over its control plane. The
checker compares the warehouse with what the stand-in says the shop really is; it knows neither the
connector nor how the stand-in answers.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests

from warehouse.companies import Company
from warehouse.settings import PROJECT_ROOT, Settings

SECONDS = 60


class StandIn:
    """One stand-in, started at a free port and stopped at the end."""

    def __init__(self, arguments: list[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "demo.stores", *arguments],
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.said: list[str] = []
        for line in self._process.stdout:
            self.said.append(line.strip())
            if line.startswith("http"):
                break
        assert self.said and self.said[-1].startswith("http"), self.said
        self.endpoint = self.said[-1]
        address = urlsplit(self.endpoint)
        self._control = f"{address.scheme}://{address.netloc}/_control"

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(SECONDS)

    def get(self, what: str) -> Any:
        answer = requests.get(f"{self._control}/{what}", timeout=SECONDS)
        answer.raise_for_status()
        return answer.json()

    def post(self, what: str, body: dict[str, Any]) -> Any:
        answer = requests.post(f"{self._control}/{what}", json=body, timeout=SECONDS)
        assert answer.ok, answer.text
        return answer.json()

    def truth(self, entity: str) -> list[dict[str, Any]]:
        """All rows of an entity as they really are."""
        return list(self.get(f"truth/{entity}"))

    def change(self, action: str, **what: Any) -> Any:
        """Changes the shop now."""
        return self.post("changes", {"action": action, **what})

    def after(self, operation: str, nth: int, *changes: dict[str, Any]) -> None:
        """Changes the shop after the nth request of an operation was answered."""
        self.post("hooks", {"after": {"operation": operation, "nth": nth}, "do": list(changes)})

    def fault(self, kind: str, match: dict[str, Any], **how: Any) -> None:
        """Lets a request meet a fault."""
        self.post("faults", {"kind": kind, "match": match, **how})

    def peace(self) -> None:
        """Forgets all faults and hooks, and the log."""
        requests.delete(f"{self._control}/faults", timeout=SECONDS).raise_for_status()
        requests.delete(f"{self._control}/log", timeout=SECONDS).raise_for_status()

    def operations(self) -> list[str]:
        """Names of the requests since the last peace, in their order."""
        return [entry["operation"] for entry in self.get("log") if entry.get("operation")]


class Load(Protocol):
    """What every connector's load reports."""

    @property
    def requests(self) -> int: ...


@dataclass(frozen=True)
class Faulty:
    """A fault that a load has to live through.

    Attributes:
        kind: As the control plane calls it.
        operation: Which request meets it.
        nth: Which one of them.
        how: Further parts of the order.
    """

    kind: str
    operation: str
    nth: int
    how: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        status = dict(self.how).get("status", "")
        return f"{self.kind}{status}-{self.operation}-{self.nth}"


def grid(
    operations: Sequence[tuple[str, int]], faults: Sequence[tuple[str, dict[str, Any]]]
) -> list[Faulty]:
    """Every fault at every request."""
    return [
        Faulty(kind, operation, nth, tuple(how.items()))
        for operation, nth in operations
        for kind, how in faults
    ]


@dataclass
class Connector:
    """One connector under judgement, with a company of its own.

    Attributes:
        source: Its name; tables are in raw_<source>.
        company: Fresh for each test; nothing has landed.
        stand_in: The shop.
        land: Loads what changed, in this process and with short waits.
        differences: Compares warehouse and shop, a line for each difference.
        command: Arguments of `python -m ingestion`.
        environment: Of that command.
        tables: All that a load writes.
    """

    source: str
    company: Company
    stand_in: StandIn
    land: Callable[[], Any]
    differences: Callable[[], list[str]]
    command: list[str]
    environment: dict[str, str]
    tables: tuple[str, ...]

    def start(self, preamble: str = "") -> subprocess.Popen[bytes]:
        """Starts the load as a process of its own, after some lines of Python."""
        code = f"import sys\n{preamble}\nfrom ingestion.__main__ import main\nsys.exit(main())"
        return subprocess.Popen(
            [sys.executable, "-c", code, *self.command],
            cwd=PROJECT_ROOT,
            env=os.environ | self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kills a process as hard as can be."""
    process.send_signal(signal.SIGKILL)
    process.wait(SECONDS)


def command_environment(settings: Settings, companies_file: Path) -> dict[str, str]:
    """The environment in which a command finds the session's warehouse."""
    return {
        "CLV_HOME": str(settings.home),
        "CLV_POSTGRES_PORT": str(settings.postgres_port),
        "CLV_COMPANIES_FILE": str(companies_file),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
