"""Load on the receiver: 200 signed events a second for a minute, then twice with kill -9 in it.

Run with ``make bench-receiver``. One process sends, open loop: each event has its moment, whether
or not those before are answered, so that a receiver that stalls is charged for all that waits. A
PostgreSQL of its own, with fsync, on the disk of the temporary folder. Belongs here: the load and
its judgement. Does not belong here: whether the receiver is right (tests/integration/receiver).
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import yaml

from warehouse.connection import url
from warehouse.databases import ensure_databases
from warehouse.embedded import HOST, embedded_server
from warehouse.settings import PROJECT_ROOT, Settings

RATE, SECONDS = 200, 60
LIMIT_MS = 100.0
DISTURBED_AFTER = 0.4

SECRET = "whsec_of_the_benchmark"  # noqa: S105  nobody's
COMPANY = "bench"

#: Before an event that wasn't taken is sent again; each time twice as long, up to a limit.
AGAIN_SECONDS, LONGEST_AGAIN_SECONDS = 0.25, 8.0

#: Bytes of a body; an event of Stripe with its object is about that long.
BODY_BYTES = 3_000


@dataclass
class Sent:
    """What became of the events of one run.

    Attributes:
        milliseconds: From an event's moment to its 200, however often it was sent until then.
        again: Events that had to be sent again.
        taken: Ids of events that were answered by 200.
        lag: Longest that the sender itself was behind.
    """

    milliseconds: list[float] = field(default_factory=list)
    again: int = 0
    taken: set[str] = field(default_factory=set)
    lag: float = 0.0


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints, and returns 1 where a limit isn't kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.receiver", description=__doc__)
    parser.add_argument("--rate", type=int, default=RATE, help="events a second")
    parser.add_argument("--seconds", type=int, default=SECONDS)
    chosen = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="clv-bench-receiver-"))
    folder.chmod(0o711)
    try:
        return _measure(folder, chosen.rate, chosen.seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(folder: Path, rate: int, seconds: int) -> int:
    settings = _installation(folder)
    server = embedded_server(settings)
    server.start()
    good = True
    print(f"{_machine()}\n{rate} events a second for {seconds} s, {BODY_BYTES:,} bytes each\n")
    try:
        ensure_databases(settings)
        for title, disturb in (
            ("undisturbed", None),
            ("kill -9 of one of its processes", Receiver.kill_one),
            ("kill -9 of all of it", Receiver.kill),
        ):
            good &= _run(settings, folder, title, rate, seconds, disturb)
    finally:
        server.stop()
    return 0 if good else 1


def _run(
    settings: Settings,
    folder: Path,
    title: str,
    rate: int,
    seconds: int,
    disturb: Callable[[Receiver], None] | None,
) -> bool:
    receiver = Receiver(settings, folder)
    receiver.start()
    try:
        sent = asyncio.run(_send(receiver, title, rate, seconds, disturb))
    finally:
        receiver.stop()
    number = rate * seconds
    with psycopg.connect(url(settings=settings)) as connection:
        found = connection.execute(
            "select delivery_id from inbox.events where delivery_id like %s", (f"{title}%",)
        ).fetchall()
    stored = [each for (each,) in found]
    lost = sent.taken.difference(stored)
    doubled = len(stored) - len(set(stored))
    taken = sorted(sent.milliseconds)
    p50, p99 = (taken[min(len(taken) - 1, int(share * len(taken)))] for share in (0.5, 0.99))
    print(f"{title}")
    print(
        f"  {len(sent.taken):,} of {number:,} answered by 200, {len(lost)} of them lost, ", end=""
    )
    print(f"{doubled} stored twice")
    print(
        f"  p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {taken[-1]:,.0f} ms; p99 is "
        f"{p99 / LIMIT_MS:.2f} of the {LIMIT_MS:.0f} ms allowed"
    )
    print(
        f"  {sent.again:,} were sent again; the sender was {sent.lag * 1000:.0f} ms late at most\n",
        flush=True,
    )
    whole = len(sent.taken) == number and not lost and not doubled
    # While nothing is there, nothing can answer: of that run it is asked that none is lost.
    return whole and (disturb is Receiver.kill or p99 <= LIMIT_MS)


async def _send(
    receiver: Receiver,
    title: str,
    rate: int,
    seconds: int,
    disturb: Callable[[Receiver], None] | None,
) -> Sent:
    sent = Sent()
    number = rate * seconds
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(limits=limits, timeout=10, trust_env=False) as client:
        for warm in range(20):
            await _deliver(client, receiver.address, f"warm {title} {warm}")
        start = time.perf_counter() + 0.5
        moment = start + DISTURBED_AFTER * seconds
        disturbance = asyncio.create_task(_disturb(receiver, moment, disturb))
        tasks = []
        for place in range(number):
            moment = start + place / rate
            now = time.perf_counter()
            if moment > now:
                await asyncio.sleep(moment - now)
            sent.lag = max(sent.lag, time.perf_counter() - moment)
            task = _until_taken(client, receiver.address, f"{title} {place}", moment, sent)
            tasks.append(asyncio.create_task(task))
        await asyncio.gather(*tasks)
        await disturbance
    return sent


async def _disturb(
    receiver: Receiver, moment: float, disturb: Callable[[Receiver], None] | None
) -> None:
    if disturb is not None:
        await asyncio.sleep(moment - time.perf_counter())
        await asyncio.to_thread(disturb, receiver)


async def _until_taken(
    client: httpx.AsyncClient, address: str, event_id: str, moment: float, sent: Sent
) -> None:
    """Sends an event until it is answered by 200, as a store does."""
    for attempt in range(600):
        try:
            status = await _deliver(client, address, event_id)
        except httpx.HTTPError:
            status = 0
        if status == 200:
            sent.milliseconds.append((time.perf_counter() - moment) * 1000)
            sent.again += attempt > 0
            sent.taken.add(event_id)
            return
        await asyncio.sleep(min(AGAIN_SECONDS * 2**attempt, LONGEST_AGAIN_SECONDS))


async def _deliver(client: httpx.AsyncClient, address: str, event_id: str) -> int:
    charge: dict[str, Any] = {"object": "charge", "id": f"ch_{event_id}"}
    event: dict[str, Any] = {
        "object": "event",
        "id": event_id,
        "type": "charge.updated",
        "created": 1_790_000_000,
        "data": {"object": charge},
    }
    charge["description"] = "x" * (BODY_BYTES - len(json.dumps(event)) - 20)
    body = json.dumps(event).encode()
    now = int(time.time())
    signed = hmac.new(SECRET.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "Stripe-Signature": f"t={now},v1={signed}"}
    answer = await client.post(address, content=body, headers=headers)
    return answer.status_code


@dataclass
class Receiver:
    """The receiver as a process, as `clv up` starts it."""

    settings: Settings
    folder: Path
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where the events go."""
        return f"http://{HOST}:{self.settings.receiver_port}/webhooks/{COMPANY}/stripe"

    def start(self) -> None:
        """Starts it and waits until it listens."""
        environment = {
            "CLV_HOME": str(self.settings.home),
            "CLV_COMPANIES_FILE": str(self.settings.companies_file),
            "CLV_POSTGRES_PORT": str(self.settings.postgres_port),
            f"CLV_STRIPE__{COMPANY.upper()}__WEBHOOK_SECRET": SECRET,
        }
        port = self.settings.receiver_port
        with (self.folder / "receiver.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ingestion.receiver", "--port", str(port)],
                cwd=PROJECT_ROOT,
                env=os.environ | environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(600):
            if self._process.poll() is not None:
                break
            try:
                httpx.get(f"http://{HOST}:{port}/health", timeout=1, trust_env=False)
                return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise SystemExit((self.folder / "receiver.log").read_text())

    def kill_one(self) -> None:
        """Kills one of the two processes that answer, as hard as can be; it is replaced."""
        if self._process is not None:
            children = psutil.Process(self._process.pid).children()
            next(each for each in children if "spawn_main" in " ".join(each.cmdline())).kill()

    def kill(self) -> None:
        """Kills all of it, and starts it anew."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self.start()

    def stop(self) -> None:
        """Ends it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


def _installation(folder: Path) -> Settings:
    company = {
        "id": COMPANY,
        "name": "Bench",
        "base_currency": "USD",
        "timezone": "UTC",
        "margin_rate": 0.3,
        "sources": {"stripe": {"endpoint": "http://127.0.0.1:9"}},
    }
    companies_file = folder / "companies.yml"
    companies_file.write_text(yaml.safe_dump({"companies": [company]}))
    return Settings(
        home=folder / "home",
        companies_file=companies_file,
        postgres_port=_free_port(),
        receiver_port=_free_port(),
        database_url=None,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return f"{today}, {model}, {cores} cores{load}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
