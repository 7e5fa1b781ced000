"""Retries, waits and errors of `ingestion.http`, against a server that says what it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from ingestion.errors import SourceError
from ingestion.http import Patience, Transport, TryAgainError, retry_after

Reply = tuple[int, dict[str, str], bytes] | None


class Server(ThreadingHTTPServer):
    replies: list[Reply]
    seen: int


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[str, Server]]]:
    """Starts a server that gives these replies in turn, the last one for ever."""
    running: list[Server] = []

    class Handler(BaseHTTPRequestHandler):
        server: Server

        def do_GET(self) -> None:
            place = min(self.server.seen, len(self.server.replies) - 1)
            self.server.seen += 1
            reply = self.server.replies[place]
            if reply is None:
                # More was promised than comes.
                self.send_response(200)
                self.send_header("Content-Length", "100")
                self.end_headers()
                self.wfile.write(b'{"half"')
                return
            status, headers, body = reply
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    def start(*replies: Reply) -> tuple[str, Server]:
        server = Server(("127.0.0.1", 0), Handler)
        server.replies, server.seen = list(replies), 0
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return f"http://127.0.0.1:{server.server_port}", server

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


GOOD: Reply = (200, {}, b'{"n": 1}')


def transport(address: str, waits: list[float], **other: Any) -> Transport:
    return Transport("shop", address, sleep=waits.append, chance=lambda: 0.5, **other)


def ask(client: Transport) -> Any:
    return client.send("Orders, page 3", "GET", read=lambda response: response.json())


@pytest.mark.parametrize("bad", [None, (500, {}, b""), (503, {}, b"x"), (429, {}, b"")], ids=str)
def test_what_may_pass_is_tried_again_with_growing_waits(
    serve: Callable[..., tuple[str, Server]], bad: Reply
) -> None:
    address, _ = serve(bad, bad, GOOD)
    waits: list[float] = []
    assert ask(transport(address, waits)) == {"n": 1}
    assert len(waits) == 2
    assert all(0 < wait <= 2 for wait in waits)


def test_retry_after_is_honoured_and_never_undercut(
    serve: Callable[..., tuple[str, Server]],
) -> None:
    address, _ = serve((429, {"Retry-After": "7"}, b""), (503, {"Retry-After": "3"}, b""), GOOD)
    waits: list[float] = []
    assert ask(transport(address, waits)) == {"n": 1}
    assert waits[0] == pytest.approx(7.35)
    assert waits[1] == pytest.approx(3.15)


def test_a_wait_that_is_too_long_is_not_waited_for(
    serve: Callable[..., tuple[str, Server]],
) -> None:
    address, _ = serve((429, {"Retry-After": "86400"}, b""))
    waits: list[float] = []
    with pytest.raises(SourceError, match=r"Orders, page 3: HTTP 429.*86,400 s"):
        ask(transport(address, waits))
    assert waits == []


def test_giving_up_names_the_request_and_its_last_trouble(
    serve: Callable[..., tuple[str, Server]],
) -> None:
    address, server = serve((502, {}, b""))
    with pytest.raises(SourceError, match=r"shop: Orders, page 3: given up after 3.*HTTP 502"):
        ask(transport(address, [], patience=Patience(attempts=3)))
    assert server.seen == 3


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 423])
def test_a_refusal_is_not_tried_again(
    serve: Callable[..., tuple[str, Server]], status: int
) -> None:
    address, server = serve((status, {}, b""))
    with pytest.raises(SourceError, match=f"Orders, page 3: HTTP {status}"):
        ask(transport(address, []))
    assert server.seen == 1


def test_being_slowed_down_uses_up_no_attempt(serve: Callable[..., tuple[str, Server]]) -> None:
    address, server = serve(*[(429, {}, b"")] * 6, GOOD)
    client = transport(address, [], patience=Patience(attempts=2, slowdowns=10))
    assert ask(client) == {"n": 1}
    assert server.seen == 7


def test_a_server_that_is_not_there_is_given_up_without_its_address_or_credentials() -> None:
    client = Transport(
        "shop",
        "http://127.0.0.1:9/secret-path",
        patience=Patience(attempts=2),
        sleep=lambda _: None,
    )
    with pytest.raises(SourceError, match="ConnectionError") as raised:
        ask(client)
    assert "secret-path" not in str(raised.value)


def test_a_download_begins_anew_after_a_break(
    serve: Callable[..., tuple[str, Server]], tmp_path: Path
) -> None:
    address, _ = serve(None, (200, {}, b"whole"))
    target = tmp_path / "file"
    assert transport("http://unused", []).download("result", f"{address}/?signature=x", target) == 5
    assert target.read_bytes() == b"whole"


def test_a_reader_can_ask_for_another_try(serve: Callable[..., tuple[str, Server]]) -> None:
    address, server = serve(GOOD)

    def read(response: requests.Response) -> int:
        if server.seen < 3:
            raise TryAgainError("not yet", after=4)
        return server.seen

    waits: list[float] = []
    assert transport(address, waits).send("Orders", "GET", read=read) == 3
    assert waits == [pytest.approx(4.2), pytest.approx(4.2)]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Fri, 20 Nov 2026 10:00:30 GMT", 30.0),
        ("Fri, 20 Nov 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str | None, seconds: float | None) -> None:
    assert retry_after(text, datetime(2026, 11, 20, 10, tzinfo=UTC)) == seconds
