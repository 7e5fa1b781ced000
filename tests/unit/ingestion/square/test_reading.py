"""Paging, whatever moves meanwhile, and what the client makes of refusals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from ingestion.errors import SourceError
from ingestion.http import Patience
from ingestion.sources.square.client import API_VERSION, SquareClient
from ingestion.sources.square.reading import Window, locations, payments, refunds, written
from ingestion.sources.square.settings import client_for
from warehouse.companies import Company

TOKEN = "EAAAsecret"


class Server(requests.adapters.BaseAdapter):
    """Answers instead of a server."""

    def __init__(self, answer: Callable[[dict[str, str]], tuple[int, Any]]) -> None:
        super().__init__()
        self.answer = answer
        self.requests: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        from urllib.parse import parse_qsl, urlsplit

        self.requests.append(request)
        response = requests.Response()
        response.status_code, body = self.answer(dict(parse_qsl(urlsplit(str(request.url)).query)))
        response._content = orjson.dumps(body)
        response.url = str(request.url)
        return response

    def close(self) -> None:
        pass


def serving(answer: Callable[[dict[str, str]], tuple[int, Any]]) -> tuple[SquareClient, Server]:
    client = SquareClient(
        "acme",
        "http://square.test/",
        TOKEN,
        patience=Patience(attempts=3, slowdowns=3),
        sleep=lambda _: None,
    )
    server = Server(answer)
    client._transport._session.mount("http://", server)
    return client, server


def failure(code: str, detail: str = "no") -> dict[str, Any]:
    return {"errors": [{"category": "X", "code": code, "detail": detail}]}


def ids(pages: Any) -> list[str]:
    return [node["id"] for page in pages for node in page]


def test_a_request_has_its_token_its_version_and_all_filters() -> None:
    client, server = serving(lambda _: (200, {}))
    moment = datetime(2026, 7, 1, 2, 3, 4, 5678, UTC)
    assert list(payments(client, "L1", Window(changed=moment))) == []
    (request,) = server.requests
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.headers["Square-Version"] == API_VERSION
    assert TOKEN not in str(request.url)
    asked = str(request.url)
    # Without it, changes of what is older than a year would be left out.
    assert "begin_time=1970-01-01T00%3A00%3A00.000Z" in asked
    assert "updated_at_begin_time=2026-07-01T02%3A03%3A04.005Z" in asked
    assert "location_id=L1" in asked
    assert "sort_field=UPDATED_AT&sort_order=DESC" in asked


def test_a_page_without_objects_is_not_the_last() -> None:
    pages = {None: ({}, "b"), "b": ({"refunds": [{"id": "1"}]}, "c"), "c": ({}, None)}

    def answer(asked: dict[str, str]) -> tuple[int, Any]:
        body, cursor = pages[asked.get("cursor")]
        return 200, body | ({"cursor": cursor} if cursor else {})

    client, server = serving(answer)
    assert ids(refunds(client, Window())) == ["1"]
    assert len(server.requests) == 3


@given(data=st.data(), count=st.integers(0, 30))
def test_nothing_that_stays_is_passed_over(data: st.DataObject, count: int) -> None:
    """Between pages anything may change, which moves it to the head, or be new there."""
    shop = [f"p{number}" for number in range(count)]
    made = 0

    def answer(asked: dict[str, str]) -> tuple[int, Any]:
        nonlocal made
        if "cursor" in asked and data.draw(st.integers(0, 9)) == 0:
            stale[0] += 1
            if stale[0] <= 5:
                return 400, failure("INVALID_CURSOR")
        start = int(asked.get("cursor", 0))
        size = data.draw(st.integers(1, 7))
        page = [{"id": each} for each in shop[start : start + size]]
        more = start + size < len(shop)
        match data.draw(st.sampled_from(["nothing", "new", "changed"])):
            case "new" if made < 20:
                made += 1
                shop.insert(0, f"new{made}")
            case "changed" if shop:
                moved = shop.pop(data.draw(st.integers(0, len(shop) - 1)))
                changed.add(moved)
                shop.insert(0, moved)
        return 200, {"payments": page} | ({"cursor": str(start + size)} if more else {})

    stale, changed = [0], set[str]()
    client, _ = serving(answer)
    found = ids(payments(client, "L1", Window()))
    # What changed meanwhile is for the next load; all else is here.
    assert {f"p{number}" for number in range(count)} - set(found) <= changed


def test_a_cursor_that_stays_stale_is_given_up() -> None:
    def answer(asked: dict[str, str]) -> tuple[int, Any]:
        if "cursor" in asked:
            return 400, failure("INVALID_CURSOR")
        return 200, {"payments": [{"id": "1"}], "cursor": "x"}

    client, server = serving(answer)
    with pytest.raises(SourceError, match=r"payments of L1, page 2: HTTP 400 INVALID_CURSOR"):
        list(payments(client, "L1", Window()))
    assert len(server.requests) == 12


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, {"payments": {}}, "page 1: the answer isn't a list of objects"),
        (200, {"payments": [7]}, "page 1: the answer isn't a list of objects"),
        (200, {"cursor": 7}, "the cursor doesn't move on"),
        (200, [], "given up after 3 attempts: the answer isn't an object"),
        (200, failure("INTERNAL_SERVER_ERROR"), "given up after 3 attempts"),
        (400, failure("INVALID_TIME", "begin_time"), "HTTP 400 INVALID_TIME: begin_time"),
        (400, ["?"], "refused as it stands"),
        (401, failure("UNAUTHORIZED"), "HTTP 401.*put a valid one"),
        (403, failure("INSUFFICIENT_SCOPES"), "HTTP 403.*PAYMENTS_READ"),
        (404, failure("NOT_FOUND"), "HTTP 404.*check the endpoint"),
        (429, failure("RATE_LIMITED"), "given up after 3 attempts: HTTP 429"),
    ],
)
def test_a_refusal_names_the_request_and_no_secret(status: int, body: Any, says: str) -> None:
    client, _ = serving(lambda _: (status, body))
    with pytest.raises(SourceError, match=f"square, company acme: payments of L1.*{says}") as error:
        list(payments(client, "L1", Window()))
    assert TOKEN not in str(error.value)


def test_locations_need_their_ids() -> None:
    client, _ = serving(lambda _: (200, {"locations": [{"id": "A"}, {"id": "B"}]}))
    assert locations(client) == ["A", "B"]
    client, _ = serving(lambda _: (200, {"locations": [{"name": "A"}]}))
    with pytest.raises(SourceError, match="a location has no id"):
        locations(client)


@given(st.datetimes(min_value=datetime(1971, 1, 1), timezones=st.timezones()))
def test_a_limit_is_never_later_than_its_moment(moment: datetime) -> None:
    try:
        text = written(moment)
    except OverflowError:
        return
    parsed = datetime.fromisoformat(text)
    assert text.endswith("Z")
    assert 0 <= (moment.astimezone(UTC) - parsed).total_seconds() < 0.001


def company(**square: Any) -> Company:
    return Company.model_validate(
        {
            "id": "acme",
            "name": "Acme",
            "base_currency": "USD",
            "timezone": "UTC",
            "margin_rate": 0.3,
            "sources": {"square": square} if square else {},
        }
    )


def test_settings_say_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLV_SQUARE__ACME__TOKEN", raising=False)
    with pytest.raises(SourceError, match="no Square account"):
        client_for(company())
    with pytest.raises(SourceError, match=r"CLV_SQUARE__ACME__TOKEN.*\n.*sources.square.acme"):
        client_for(company(since="2026-01-01"))
    assert client_for(company(demo_port=8799)).source == "square, company acme"
    with pytest.raises(ValueError, match="give one of them"):
        company(demo_port=8799, endpoint="http://x")
