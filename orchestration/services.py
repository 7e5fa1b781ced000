"""The long-running processes: Postgres, Dagster's three, MLflow, receiver and dashboard.

Belongs here: which they are, how each is started and how it is seen to answer. Does not belong
here: how a process is started and ended at all (`orchestration/processes.py`).
"""

from __future__ import annotations

import hashlib
import http.client
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from orchestration.environment import (
    platform_environment,
    prepare_dagster_home,
    runtime_environment,
)
from orchestration.manifest import ensure_manifest
from orchestration.processes import Record, end_processes, read_record, start_process
from warehouse.companies import CompaniesFileError, load_companies
from warehouse.connection import ConnectionFailedError, connect, url
from warehouse.databases import ensure_databases
from warehouse.embedded import HOST, EmbeddedServerError, embedded_server, port_is_free
from warehouse.locks import exclusive
from warehouse.settings import DAGSTER_DATABASE, PROJECT_ROOT, Settings

POSTGRES = "postgres"
PORTS_TRIED = 100
# A first start on two busy cores, MLflow's tables included, takes up to half a minute.
START_SECONDS = 90.0
END_SECONDS = 10.0
LOCK_SECONDS = 120.0
POLL_SECONDS = 0.1
PROBE_SECONDS = 2.0
LOG_LINES_SHOWN = 15

# Dagster's daemons report twice a minute. These two start runs by themselves.
HEARTBEAT_SECONDS = 120.0
AWAITED_DAEMONS = frozenset({"SENSOR", "SCHEDULER"})


class ServiceError(Exception):
    """A service can't be started; the message says which, why and what to do."""


class State(StrEnum):
    """How a service is."""

    RUNNING = "running"
    NOT_ANSWERING = "not answering"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Status:
    """One line of `clv status`.

    Attributes:
        name: The service.
        address: Where it answers, or None where there is nothing to reach.
        state: How it is.
    """

    name: str
    address: str | None
    state: State


@dataclass(frozen=True)
class Service:
    """A process of the platform.

    Attributes:
        name: Its name in records, logs and messages.
        preferred_port: Port tried first, None for a process that doesn't listen.
        command: Its arguments after `python -m`, given settings and port.
        answers: Whether it does its work, given settings and record.
        address: What people or programs reach it by, given its port.
        needs_code: Whether it talks to the code server and has to know where that is.
        any_port: Whether another port will do when the preferred one is taken.
    """

    name: str
    preferred_port: Callable[[Settings], int] | None
    command: Callable[[Settings, int | None], list[str]]
    answers: Callable[[Settings, Record], bool]
    address: Callable[[int | None], str | None]
    needs_code: bool = False
    any_port: bool = True


def _code_server_answers(settings: Settings, record: Record) -> bool:
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    target = f"{HOST}:{record.port}"
    with grpc.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            health = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service="DagsterApi"), timeout=PROBE_SECONDS
            )
        except grpc.RpcError:
            return False
    return bool(health.status == health_pb2.HealthCheckResponse.SERVING)


def _daemon_answers(settings: Settings, record: Record) -> bool:
    """Reads the heartbeats where `dagster-daemon liveness-check` does, without loading Dagster."""
    try:
        with connect(DAGSTER_DATABASE, settings) as connection:
            beats = connection.execute("select daemon_type, timestamp from daemon_heartbeats")
            times = {name: at.replace(tzinfo=UTC).timestamp() for name, at in beats}
    except (ConnectionFailedError, EmbeddedServerError, psycopg.errors.UndefinedTable):
        return False
    oldest = max(record.born, time.time() - HEARTBEAT_SECONDS)
    return {name for name, at in times.items() if at >= oldest} >= AWAITED_DAEMONS


def _http_answers(path: str) -> Callable[[Settings, Record], bool]:
    def answers(settings: Settings, record: Record) -> bool:
        # Never through a proxy, as urllib would with http_proxy set.
        connection = http.client.HTTPConnection(HOST, record.port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return answers


def _workspace() -> list[str]:
    return ["--workspace", str(PROJECT_ROOT / "workspace.yaml")]


CODE_SERVER = Service(
    name="dagster-code-server",
    preferred_port=lambda settings: settings.code_server_port,
    command=lambda settings, port: [
        *("dagster", "code-server", "start", "--module-name", "orchestration.definitions"),
        *("--location-name", "clv", "--working-directory", str(PROJECT_ROOT)),
        *("--host", HOST, "--port", str(port)),
    ],
    answers=_code_server_answers,
    address=lambda port: f"{HOST}:{port}",
)
WEBSERVER = Service(
    name="dagster-webserver",
    preferred_port=lambda settings: settings.webserver_port,
    command=lambda settings, port: [
        *("dagster_webserver", *_workspace(), "--host", HOST, "--port", str(port)),
    ],
    answers=_http_answers("/server_info"),
    address=lambda port: f"http://{HOST}:{port}",
    needs_code=True,
)
DAEMON = Service(
    name="dagster-daemon",
    preferred_port=None,
    command=lambda settings, port: ["dagster._daemon", "run", *_workspace()],
    answers=_daemon_answers,
    address=lambda port: None,
    needs_code=True,
)
MLFLOW = Service(
    name="mlflow",
    preferred_port=lambda settings: settings.mlflow_port,
    # The database's URL comes by the environment: `ps` shows arguments to everyone.
    command=lambda settings, port: [
        *("mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"),
        *("--artifacts-destination", settings.mlflow_artifacts.resolve().as_uri()),
    ],
    answers=_http_answers("/health"),
    address=lambda port: f"http://{HOST}:{port}",
)
RECEIVER = Service(
    name="receiver",
    preferred_port=lambda settings: settings.receiver_port,
    command=lambda settings, port: ["ingestion.receiver", "--host", HOST, "--port", str(port)],
    answers=_http_answers("/health/db"),
    address=lambda port: f"http://{HOST}:{port}",
)
DASHBOARD = Service(
    name="dashboard",
    preferred_port=lambda settings: settings.dashboard_port,
    command=lambda settings, port: ["reporting.dashboard", "--host", HOST, "--port", str(port)],
    answers=_http_answers("/health"),
    address=lambda port: f"http://{HOST}:{port}",
)
# The order in which they are shown, and started where the machine has few cores.
SERVICES = (CODE_SERVER, MLFLOW, WEBSERVER, DAEMON, RECEIVER, DASHBOARD)


def demo_shops(settings: Settings) -> tuple[Service, ...]:
    """Returns the made-up shops of companies.yml that are served from this machine.

    Raises:
        CompaniesFileError: companies.yml has a mistake.
    """
    found = []
    for company in load_companies(settings.companies_file).values():
        for source, stand_in in _STAND_INS.items():
            shop = getattr(company.sources, source)
            # An address in the environment goes before the one of companies.yml.
            elsewhere = settings.source_setting(source, company.id, "endpoint") is not None
            if shop is not None and shop.demo_port is not None and not elsewhere:
                found.append(_stand_in(company.id, shop.demo_port, *stand_in))
    return tuple(found)


#: By source, what its stand-in is called and how it is started besides company and port.
_STAND_INS = {
    # Limits that don't make its first load wait for minutes.
    "shopify": (
        "shop",
        *("--cost-model", "observed", "--bucket", "20000", "--restore", "10000"),
    ),
    "square": ("stall", "--api", "square"),
    "stripe": ("account", "--api", "stripe"),
    "woocommerce": ("site", "--api", "woocommerce"),
}


def _stand_in(company_id: str, port: int, what: str, *arguments: str) -> Service:
    return Service(
        name=f"demo-{what}-{company_id}",
        preferred_port=lambda settings: port,
        # A small shop.
        command=lambda settings, chosen: [
            *("demo.stores", "--company", company_id, "--port", str(chosen), "--scale", "0.4"),
            *arguments,
        ],
        answers=_http_answers("/_control/clock"),
        address=lambda chosen: f"http://{HOST}:{chosen}",
        # companies.yml names the port, so no other will do.
        any_port=False,
    )


def _services(settings: Settings) -> tuple[Service, ...]:
    try:
        return (*SERVICES, *demo_shops(settings))
    except CompaniesFileError:
        # What is wrong there is for `clv doctor` and the next run to say.
        return SERVICES


def start_postgres(settings: Settings) -> None:
    """Starts the embedded server, where no other one is to be used.

    Raises:
        EmbeddedServerError: It can't be started.
    """
    if settings.database_url is None:
        embedded_server(settings).start()


def prepare(settings: Settings) -> None:
    """Makes everything that a run or a service needs: the server, databases, Dagster's home.

    Does nothing that is done already, and is safe to call from several processes at once.

    Raises:
        EmbeddedServerError: The embedded server can't be started.
        ConnectionFailedError: The server of CLV_DATABASE_URL can't be reached.
        MissingRightError: Its role lacks a right.
        ManifestError: The dbt project has a mistake.
        ServiceError: A folder can't be written.
    """
    start_postgres(settings)
    _make_folders(settings)
    ensure_databases(settings)
    prepare_dagster_home(settings)
    with exclusive(
        settings.run_folder / "manifest.lock", "A parse of the dbt project", wait_seconds=60
    ):
        ensure_manifest(runtime_environment(settings))


def up(settings: Settings, report: Callable[[str], None] = lambda line: None) -> list[Status]:
    """Starts what doesn't run and waits until everything answers.

    A service that runs is left alone unless it was started otherwise than it would be now, such as
    with the address of a server that has moved since.

    Args:
        settings: Those of the installation.
        report: Told each service that answers.

    Returns:
        All services, running.

    Raises:
        ServiceError: One ended while it started, or doesn't answer in time.
        EmbeddedServerError: The embedded server can't be started.
        ConnectionFailedError: The server of CLV_DATABASE_URL can't be reached.
        MissingRightError: Its role lacks a right.
        ManifestError: The dbt project has a mistake.
        LockError: Another `clv up` or `clv down` takes too long.
    """
    _make_folders(settings)
    with _locked(settings):
        prepare(settings)
        report(POSTGRES)
        _start_all(settings, _services(settings), report)
    return status(settings)


def start_demo_shops(settings: Settings) -> None:
    """Starts the stand-ins of the demo's shops and waits until they answer.

    Raises:
        ServiceError: One ended while it started, or its port is taken.
        LockError: A `clv up` or `clv down` takes too long.
    """
    _make_folders(settings)
    with _locked(settings):
        _start_all(settings, demo_shops(settings), lambda line: None)


def _start_all(
    settings: Settings, services: tuple[Service, ...], report: Callable[[str], None]
) -> None:
    deadline = time.monotonic() + START_SECONDS
    answering: set[str] = set()
    while len(answering) < len(services):
        records = _start_missing(settings, services)
        _await(settings, services, records, answering, deadline, report)


def down(settings: Settings) -> list[str]:
    """Stops what `up` started and nothing else, Postgres last.

    Returns:
        Names of the services that were stopped.

    Raises:
        EmbeddedServerError: The embedded server doesn't end.
        LockError: Another `clv up` or `clv down` takes too long.
    """
    if not settings.home.exists():
        return []
    _make_folders(settings)
    with _locked(settings):
        # By their records, not by companies.yml: a company may have left it meanwhile.
        files = sorted(settings.run_folder.glob("*.json"))
        found = {file.stem: read_record(file) for file in files}
        records = {name: record for name, record in found.items() if record is not None}
        stopped = [name for name, record in records.items() if record.processes()]
        end_processes(records.values(), END_SECONDS)
        for name in records:
            _record_file(settings, name).unlink(missing_ok=True)
        if settings.database_url is None and embedded_server(settings).stop():
            stopped.append(POSTGRES)
    return stopped


def status(settings: Settings) -> list[Status]:
    """Returns how every service is, Postgres first."""
    states = [_postgres_status(settings)]
    for service in _services(settings):
        record = _record(settings, service)
        if record is None or not record.is_alive():
            states.append(Status(service.name, None, State.STOPPED))
        else:
            answers = service.answers(settings, record)
            state = State.RUNNING if answers else State.NOT_ANSWERING
            states.append(Status(service.name, service.address(record.port), state))
    return states


def has_died(settings: Settings, name: str) -> bool:
    """Tells whether a service was started, never stopped, and is gone."""
    record = read_record(_record_file(settings, name))
    return record is not None and not record.is_alive()


def preferred_port(settings: Settings, name: str) -> int | None:
    """Returns the port that a service is started at when it is free; None where there is none."""
    for service in _services(settings):
        if service.name == name and service.preferred_port is not None:
            return service.preferred_port(settings)
    return settings.postgres_port if name == POSTGRES and settings.database_url is None else None


def last_log_lines(settings: Settings, name: str, offset: int = 0) -> str:
    """Returns the end of a service's log, read from an offset in bytes on."""
    try:
        with _log_file(settings, name).open("rb") as log:
            log.seek(offset)
            lines = log.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return "\n".join(f"  {line}" for line in lines[-LOG_LINES_SHOWN:])


def _start_missing(settings: Settings, services: tuple[Service, ...]) -> dict[str, Record]:
    """Starts what doesn't run as it should, and returns the records of all."""
    ours = platform_environment(settings)
    inherited = runtime_environment(settings)
    records: dict[str, Record] = {}
    for service in services:
        added = dict(ours)
        if service.needs_code:
            added["CLV_CODE_SERVER_HOST"] = HOST
            added["CLV_CODE_SERVER_PORT"] = str(records[CODE_SERVER.name].port)
        if service is DASHBOARD and settings.receiver_url is None:
            added["CLV_RECEIVER_URL"] = f"http://{HOST}:{records[RECEIVER.name].port}"
        records[service.name] = _start(settings, service, added, inherited, records)
    return records


def _start(
    settings: Settings,
    service: Service,
    ours: Mapping[str, str],
    inherited: Mapping[str, str],
    others: Mapping[str, Record],
) -> Record:
    record = _record(settings, service)
    if record is not None:
        if record.is_alive() and record.launch == _launch(settings, service, ours, record.port):
            return record
        end_processes([record], END_SECONDS)
    port = _choose_port(settings, service, record, {other.port for other in others.values()})
    return start_process(
        [sys.executable, "-m", *service.command(settings, port)],
        folder=PROJECT_ROOT,
        environment={**inherited, **ours},
        record_file=_record_file(settings, service.name),
        log_file=_log_file(settings, service.name),
        port=port,
        launch=_launch(settings, service, ours, port),
    )


def _launch(settings: Settings, service: Service, ours: Mapping[str, str], port: int | None) -> str:
    described = json.dumps([service.command(settings, port), sorted(ours.items())])
    return hashlib.sha256(described.encode()).hexdigest()


def _choose_port(
    settings: Settings, service: Service, last: Record | None, taken: set[int | None]
) -> int | None:
    if service.preferred_port is None:
        return None
    preferred = service.preferred_port(settings)
    if not service.any_port:
        if port_is_free(preferred):
            return preferred
        raise ServiceError(
            f"Port {preferred} of {service.name} is taken. Stop what uses it, or write another "
            f"port as the company's demo_port into {settings.companies_file}."
        )
    candidates = list(range(preferred, min(preferred + PORTS_TRIED, 65536)))
    if last is not None and last.port is not None:
        candidates.insert(0, last.port)
    for port in candidates:
        if port not in taken and port_is_free(port):
            return port
    raise ServiceError(
        f"No port from {preferred} to {candidates[-1]} is free for {service.name}. Stop what uses "
        "them, or choose another one (CLV_WEBSERVER_PORT, CLV_MLFLOW_PORT, CLV_CODE_SERVER_PORT, "
        "CLV_RECEIVER_PORT, CLV_DASHBOARD_PORT)."
    )


def _await(
    settings: Settings,
    services: tuple[Service, ...],
    records: Mapping[str, Record],
    answering: set[str],
    deadline: float,
    report: Callable[[str], None],
) -> None:
    """Waits until every service answers, or until one lost its port and is to be started again."""
    while True:
        for service in services:
            record = records[service.name]
            if not record.is_alive():
                lost_port = record.port is not None and not port_is_free(record.port)
                if lost_port and time.monotonic() < deadline:
                    return
                said = last_log_lines(settings, service.name, record.log_offset)
                raise ServiceError(
                    f"{service.name} ended while it started. It said:\n{said}\n"
                    f"The whole log: {_log_file(settings, service.name)}"
                )
            if service.name not in answering and service.answers(settings, record):
                answering.add(service.name)
                report(service.name)
        if len(answering) == len(services):
            return
        if time.monotonic() > deadline:
            silent = [service for service in services if service.name not in answering]
            logs = "\n".join(
                f"{service.name} ({_log_file(settings, service.name)}):\n"
                f"{last_log_lines(settings, service.name, records[service.name].log_offset)}"
                for service in silent
            )
            raise ServiceError(
                f"No answer after {START_SECONDS:.0f} s, though still running: "
                f"{', '.join(service.name for service in silent)}. Wait and try again, or look at "
                f"what they said.\n{logs}"
            )
        time.sleep(POLL_SECONDS)


def _postgres_status(settings: Settings) -> Status:
    try:
        address = url(settings=settings)
    except EmbeddedServerError:
        return Status(POSTGRES, None, State.STOPPED)
    known = conninfo_to_dict(address)
    shown = f"{known.get('host') or 'localhost'}:{known.get('port') or 5432}"
    try:
        connect(settings=settings).close()
    except ConnectionFailedError:
        return Status(POSTGRES, shown, State.NOT_ANSWERING)
    return Status(POSTGRES, shown, State.RUNNING)


def _make_folders(settings: Settings) -> None:
    for folder in (settings.run_folder, settings.log_folder, settings.mlflow_artifacts):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ServiceError(
                f"{folder} can't be made ({error.strerror}). Make {settings.home} a folder that "
                "you may write, or choose another one with CLV_HOME."
            ) from error


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    with exclusive(
        settings.run_folder / "services.lock",
        "Another `clv up` or `clv down`",
        wait_seconds=LOCK_SECONDS,
    ):
        yield


def _record(settings: Settings, service: Service) -> Record | None:
    return read_record(_record_file(settings, service.name))


def _record_file(settings: Settings, name: str) -> Path:
    return settings.run_folder / f"{name}.json"


def _log_file(settings: Settings, name: str) -> Path:
    return settings.log_folder / f"{name}.log"
