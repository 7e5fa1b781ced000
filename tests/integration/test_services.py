"""The services of a whole installation, really started, ended, killed and started again."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import requests
from pydantic import SecretStr

from orchestration import services
from orchestration.processes import Record, read_record
from orchestration.services import ServiceError, State
from tests.integration.conftest import free_port, make_folder
from warehouse.connection import connect
from warehouse.embedded import EmbeddedServer, embedded_server
from warehouse.settings import DAGSTER_DATABASE, Settings

NAMES = [
    "postgres",
    "dagster-code-server",
    "mlflow",
    "dagster-webserver",
    "dagster-daemon",
    "receiver",
    "dashboard",
    "demo-shop-acme",
]
COMPANIES = """
companies:
  - id: acme
    name: Acme
    base_currency: USD
    timezone: America/New_York
    margin_rate: 0.4
    sources:
      shopify: {{shop: acme.myshopify.com, demo_port: {port}}}
"""
# Seconds that a killed run may keep its place, and the next one may take.
PATIENCE = 180
COMMAND = "from orchestration.cli import main; main()"


def make_settings(home: Path) -> Settings:
    companies_file = home.with_name("companies.yml")
    companies_file.write_text(COMPANIES.format(port=free_port()))
    return Settings(
        home=home,
        companies_file=companies_file,
        postgres_port=free_port(),
        webserver_port=free_port(),
        mlflow_port=free_port(),
        code_server_port=free_port(),
        dashboard_port=free_port(),
    )


def variables(settings: Settings) -> dict[str, str]:
    """The environment in which the command has these settings."""
    named = settings.model_dump(
        include={
            "home",
            "companies_file",
            "postgres_port",
            "webserver_port",
            "mlflow_port",
            "code_server_port",
            "dashboard_port",
        }
    )
    return {**os.environ, **{f"CLV_{name.upper()}": str(value) for name, value in named.items()}}


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    """An installation with everything up; a test that ends something starts it again."""
    folder = make_folder()
    made = make_settings(folder / ".clv")
    try:
        services.up(made)
        yield made
    finally:
        services.down(made)
        shutil.rmtree(folder)


def record(settings: Settings, name: str) -> Record:
    found = read_record(settings.run_folder / f"{name}.json")
    assert found is not None
    return found


def records(settings: Settings) -> dict[str, Record]:
    return {name: record(settings, name) for name in NAMES[1:]}


def states(settings: Settings) -> dict[str, State]:
    return {status.name: status.state for status in services.status(settings)}


def get(address: str | None, path: str) -> bytes:
    assert address is not None
    with closing(http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)) as asked:
        asked.request("GET", path)
        answer = asked.getresponse()
        assert answer.status == 200
        return answer.read()


def test_everything_answers(settings: Settings) -> None:
    found = services.status(settings)
    assert [status.name for status in found] == NAMES
    assert {status.state for status in found} == {State.RUNNING}
    addresses = {status.name: status.address for status in found}
    assert b"dagster_webserver_version" in get(addresses["dagster-webserver"], "/server_info")
    assert b"<title>MLflow</title>" in get(addresses["mlflow"], "/")
    assert b"Log in" in get(addresses["dashboard"], "/login")
    assert addresses["postgres"] == f"127.0.0.1:{settings.postgres_port}"
    assert addresses["dagster-daemon"] is None


def test_the_command_says_the_same(settings: Settings) -> None:
    said = subprocess.run(
        [sys.executable, "-c", COMMAND, "status", "--json"],
        env=variables(settings),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    listed = json.loads(said.stdout)
    assert [entry["name"] for entry in listed] == NAMES
    assert {entry["state"] for entry in listed} == {"running"}


def test_the_webserver_finds_the_code_server(settings: Settings) -> None:
    port = record(settings, "dagster-webserver").port
    query = "{workspaceOrError {... on Workspace {locationEntries {name loadStatus}}}}"
    deadline = time.monotonic() + 60
    entries = None
    while time.monotonic() < deadline:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as asked:
            body = json.dumps({"query": query})
            asked.request("POST", "/graphql", body, {"Content-Type": "application/json"})
            answer = json.loads(asked.getresponse().read())
        entries = answer["data"]["workspaceOrError"]["locationEntries"]
        if entries == [{"name": "clv", "loadStatus": "LOADED"}]:
            return
        time.sleep(0.5)
    pytest.fail(f"not loaded: {entries}")


def test_a_second_up_leaves_what_runs(settings: Settings) -> None:
    before = records(settings)
    services.up(settings)
    assert records(settings) == before


def test_two_ups_at_once(settings: Settings) -> None:
    before = records(settings)
    threads = [threading.Thread(target=services.up, args=(settings,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert records(settings) == before


def test_no_password_can_be_seen_in_arguments_or_logs(settings: Settings) -> None:
    password = embedded_server(settings).password_file.read_text().strip()
    for found in records(settings).values():
        for process in found.processes():
            assert password not in " ".join(process.cmdline())
    for log in settings.log_folder.iterdir():
        assert password not in log.read_text()


def test_everything_listens_on_this_machine_only(settings: Settings) -> None:
    for found in records(settings).values():
        for process in found.processes():
            for connection in process.net_connections("inet"):
                if connection.status == psutil.CONN_LISTEN:
                    assert connection.laddr.ip.removeprefix("::ffff:") == "127.0.0.1"


def test_a_killed_service_is_started_again_and_the_others_are_left(settings: Settings) -> None:
    before = records(settings)
    children = [p for p in before["mlflow"].processes() if p.pid != before["mlflow"].pid]
    assert children, "the server works in a process of its own"
    os.kill(before["mlflow"].pid, signal.SIGKILL)
    _await(lambda: not before["mlflow"].is_alive())
    assert states(settings)["mlflow"] is State.STOPPED
    services.up(settings)
    after = records(settings)
    assert after.pop("mlflow").pid != before.pop("mlflow").pid
    assert after == before
    assert not any(child.is_running() for child in children), "the orphan has made room"
    assert set(states(settings).values()) == {State.RUNNING}


def test_a_hanging_service_is_seen(settings: Settings) -> None:
    webserver = psutil.Process(record(settings, "dagster-webserver").pid)
    webserver.suspend()
    try:
        assert states(settings)["dagster-webserver"] is State.NOT_ANSWERING
    finally:
        webserver.resume()
    _await(lambda: states(settings)["dagster-webserver"] is State.RUNNING)


def test_a_killed_server_comes_back_where_it_was(settings: Settings) -> None:
    before = records(settings)
    server = embedded_server(settings)
    pid = int((server.data / "postmaster.pid").read_text().splitlines()[0])
    postmaster = psutil.Process(pid)
    postmaster.kill()
    postmaster.wait(10)
    assert states(settings)["postgres"] is State.STOPPED
    services.up(settings)
    assert records(settings) == before
    # A probe has two seconds, which a busy machine may take.
    _await(lambda: set(states(settings).values()) == {State.RUNNING}, 60)
    receiver = record(settings, "receiver")
    # Either of its processes answers, each with connections to the server that there is now.
    for _ in range(10):
        assert b"ok" in get(f"http://127.0.0.1:{receiver.port}", "/health/db")


def test_a_code_server_that_lost_its_port_moves_on(settings: Settings) -> None:
    """Those that talk to it are started anew with its address, at their own old ports."""
    before = records(settings)
    code = before["dagster-code-server"]
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for process in code.processes():
            process.kill()
        psutil.wait_procs(code.processes(), timeout=10)
        other.bind(("127.0.0.1", settings.code_server_port))
        other.listen()
        services.up(settings)
    after = records(settings)
    assert after["dagster-code-server"].port not in {code.port, None}
    assert after["mlflow"] == before["mlflow"]
    for name in ("dagster-webserver", "dagster-daemon"):
        assert after[name].pid != before[name].pid
        assert after[name].port == before[name].port
    _await(lambda: set(states(settings).values()) == {State.RUNNING}, 60)


REPOSITORY = {"repositoryLocationName": "clv", "repositoryName": "__repository__"}
ADD_COMPANY = """
mutation($repository: RepositorySelector!, $company: String!) {
  addDynamicPartition(
    repositorySelector: $repository, partitionsDefName: "company", partitionKey: $company
  ) { __typename }
}"""
LAUNCH = """
mutation($selector: JobOrPipelineSelector!, $tags: [ExecutionTag!]!) {
  launchRun(executionParams: {selector: $selector, executionMetadata: {tags: $tags}}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
  }
}"""


def ask(settings: Settings, query: str, **variables: object) -> dict[str, Any]:
    """Asks the webserver as the Dagster UI does."""
    port = record(settings, "dagster-webserver").port
    answer = requests.post(
        f"http://127.0.0.1:{port}/graphql",
        json={"query": query, "variables": variables},
        timeout=60,
    ).json()
    assert "errors" not in answer, answer
    return dict(answer["data"])


def await_code(settings: Settings) -> None:
    """Waits until the webserver has loaded the code: it answers before."""
    found = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if ask(settings, found)["repositoriesOrError"]["nodes"]:
            return
        time.sleep(0.2)
    pytest.fail("the webserver doesn't load the code")


def launch_landing(settings: Settings, company_id: str) -> str:
    selector = REPOSITORY | {"pipelineName": "land"}
    tags = [{"key": "dagster/partition", "value": company_id}]
    launched = ask(settings, LAUNCH, selector=selector, tags=tags)["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    return str(launched["run"]["runId"])


def await_status(settings: Settings, run_id: str, *wanted: str) -> None:
    deadline = time.monotonic() + PATIENCE
    status = None
    while time.monotonic() < deadline:
        with connect(DAGSTER_DATABASE, settings) as connection:
            row = connection.execute(
                "select status from runs where run_id = %s", (run_id,)
            ).fetchone()
        status = row[0] if row else None
        if status in wanted:
            return
        time.sleep(0.2)
    pytest.fail(f"run {run_id} is {status}, not {wanted}")


def process_of(settings: Settings, run_id: str) -> int:
    """Finds the process that executes a run, by what the run says in its log."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with connect(DAGSTER_DATABASE, settings) as connection:
            found = connection.execute(
                "select substring(event from 'in process \\(pid: ([0-9]+)\\)') from event_logs"
                " where run_id = %s and event like '%%Executing steps in process%%'",
                (run_id,),
            ).fetchone()
        if found:
            return int(found[0])
        time.sleep(0.2)
    pytest.fail(f"run {run_id} doesn't begin its steps")


@pytest.mark.faults
@pytest.mark.parametrize("victim", ["run", "code server and run"])
def test_a_killed_run_frees_its_place(settings: Settings, victim: str) -> None:
    await_code(settings)
    ask(settings, ADD_COMPANY, repository=REPOSITORY, company="acme")
    first = launch_landing(settings, "acme")
    await_status(settings, first, "STARTED")
    processes = [psutil.Process(process_of(settings, first))]
    if victim != "run":
        server = psutil.Process(record(settings, "dagster-code-server").pid)
        processes += [server, *server.children(recursive=True)]
    for process in processes:
        with suppress(psutil.Error):
            process.kill()
    services.up(settings)
    await_code(settings)
    second = launch_landing(settings, "acme")
    await_status(settings, second, "SUCCESS")
    await_status(settings, first, "FAILURE")


def test_down_ends_all_of_ours_and_nothing_else(settings: Settings) -> None:
    ours = [process for found in records(settings).values() for process in found.processes()]
    stranger = EmbeddedServer(settings.home.parent / "stranger", free_port())
    stranger.start()
    with subprocess.Popen(["sleep", "600"]) as bystander:
        try:
            assert services.down(settings) == [*sorted(NAMES[1:]), "postgres"]
            assert set(states(settings).values()) == {State.STOPPED}
            assert not any(process.is_running() for process in ours)
            assert bystander.poll() is None
            assert stranger.port() is not None
            assert services.down(settings) == []
        finally:
            bystander.kill()
            stranger.stop()


def test_a_command_with_captured_output_is_not_kept_waiting(settings: Settings) -> None:
    services.down(settings)
    said = subprocess.run(
        [sys.executable, "-c", COMMAND, "up"],
        env=variables(settings),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert all(name in said.stdout for name in NAMES)
    assert set(states(settings).values()) == {State.RUNNING}


def test_a_service_that_cannot_start_is_named_and_quoted(
    server: EmbeddedServer, folder: Path
) -> None:
    """In MLflow's database stands a table of somebody else's."""
    server.start()
    own = make_settings(folder / ".clv").model_copy(
        update={"database_url": SecretStr(server.url("clv"))}
    )
    services.prepare(own)
    with connect("mlflow", own) as connection:
        connection.execute("create table experiments (mouse text)")
    try:
        with pytest.raises(ServiceError) as refusal:
            services.up(own)
        assert str(refusal.value).startswith("mlflow ended while it started. It said:")
        log = own.log_folder / "mlflow.log"
        assert log.read_text().splitlines()[-1] in str(refusal.value)
        assert str(log) in str(refusal.value)
    finally:
        stopped = services.down(own)
    assert "postgres" not in stopped
    with psycopg.connect(server.url("clv")) as connection:
        assert connection.execute("select 1").fetchone() == (1,), "the server isn't ours to stop"


@pytest.mark.faults
def test_up_that_is_killed_is_taken_over_by_the_next(folder: Path) -> None:
    own = make_settings(folder / ".clv")
    try:
        for seconds in (1.0, 2.0, 4.0):
            with subprocess.Popen(
                [sys.executable, "-c", COMMAND, "up"], env=variables(own)
            ) as killed:
                time.sleep(seconds)
                killed.kill()
        services.up(own)
        assert set(states(own).values()) == {State.RUNNING}
        listening = [p for p in psutil.process_iter() if _works_for(p, own)]
        known = [p.pid for found in records(own).values() for p in found.processes()]
        assert sorted(p.pid for p in listening) == sorted(known), "none is running twice"
    finally:
        services.down(own)


def _works_for(process: psutil.Process, settings: Settings) -> bool:
    try:
        home = process.environ().get("CLV_HOME")
    except psutil.Error:
        return False
    return home == str(settings.home.resolve()) and process.pid != os.getpid()


def _await(condition: object, seconds: float = 20.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
