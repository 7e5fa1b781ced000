"""A failed run is told to a real HTTP receiver; a receiver that fails is no second failure."""

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import dagster as dg
import pytest

from orchestration.defs.automation.sensors import run_failure
from orchestration.resources.notifier import Notifier


class Receiver:
    """Keeps what is posted, and answers with a status."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                receiver.messages.append(json.loads(self.rfile.read(length)))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook?token=secret"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@dg.op
def broken() -> None:
    raise dg.Failure("cdnow.csv is missing. Put the file there.", allow_retries=False)


@dg.job
def nightly() -> None:
    broken()


def failed_run(instance: dg.DagsterInstance) -> dg.RunFailureSensorContext:
    result = nightly.execute_in_process(
        instance=instance, raise_on_error=False, tags={"dagster/partition": "cdnow"}
    )
    assert not result.success
    return dg.build_run_status_sensor_context(
        sensor_name="run_failure",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_failure_event(),
    ).for_run_failure()


def test_people_learn_which_company_which_step_and_what_to_do(receiver: Receiver) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run_failure(failed_run(instance), notifier=Notifier(webhook_url=receiver.url))
    (message,) = receiver.messages
    assert message["title"] == "nightly failed for cdnow"
    assert "broken: " in message["text"]
    assert "cdnow.csv is missing. Put the file there." in message["text"]
    assert "The tables keep their last good state" in message["text"]


def test_a_failing_receiver_is_logged_without_its_address(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = 500
    logger = logging.getLogger("test")
    Notifier(webhook_url=receiver.url).send("title", "text", logger)
    Notifier(webhook_url="http://127.0.0.1:9/?token=secret").send("title", "text", logger)
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 4
    assert "The alert webhook failed" in caplog.text
    assert "secret" not in caplog.text


def test_without_a_receiver_the_log_has_it(caplog: pytest.LogCaptureFixture) -> None:
    Notifier().send("the title", "the text", logging.getLogger("test"))
    assert "the title\nthe text" in caplog.text
