"""What the client makes of answers, and the pace that it keeps."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import requests

from ingestion.errors import SourceError
from ingestion.http import Patience
from ingestion.sources.shopify.client import Bucket, ShopifyClient, TooExpensiveError

TOKEN = "shpat_secret"


class Clock:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


class Answers(requests.adapters.BaseAdapter):
    """Answers in turn instead of a server, the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)
        self.requests: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        place = min(len(self.requests), len(self.answers) - 1)
        self.requests.append(request)
        answer = self.answers[place]
        response = requests.Response()
        response.status_code = 200
        response._content = answer if isinstance(answer, bytes) else orjson.dumps(answer)
        response.url = str(request.url)
        return response

    def close(self) -> None:
        pass


def client_of(*answers: Any, clock: Clock | None = None) -> tuple[ShopifyClient, Answers]:
    clock = clock or Clock()
    client = ShopifyClient(
        "acme",
        "http://shop.test/graphql.json",
        TOKEN,
        patience=Patience(attempts=3, slowdowns=5),
        sleep=clock.sleep,
        clock=clock,
    )
    adapter = Answers(*answers)
    client.transport._session.mount("http://", adapter)
    return client, adapter


def cost(requested: float, available: float) -> dict[str, Any]:
    status = {"maximumAvailable": 1000.0, "currentlyAvailable": available, "restoreRate": 50.0}
    return {"cost": {"requestedQueryCost": requested, "throttleStatus": status}}


def error(code: str, message: str = "Sorry.") -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


GOOD = {"data": {"shop": {"name": "Acme"}}}


def test_an_answer_is_its_data_and_the_token_travels_in_the_header() -> None:
    client, sent = client_of(GOOD)
    assert client.ask("Shop", "query Shop { shop { name } }").data == GOOD["data"]
    assert sent.requests[0].headers["X-Shopify-Access-Token"] == TOKEN
    assert TOKEN not in str(sent.requests[0].body)


def test_it_waits_before_it_would_be_throttled() -> None:
    clock = Clock()
    client, _ = client_of(GOOD | {"extensions": cost(500, 200)}, clock=clock)
    client.ask("Orders", "q")
    assert clock.waits == []
    client.ask("Orders", "q", page=2)
    # 500 points and a tenth of the bucket for others; 200 are there; 50 come a second.
    assert clock.waits == [pytest.approx(8.0)]


def test_the_first_page_of_a_list_counts_as_the_dearest_there_is() -> None:
    clock = Clock()
    client, _ = client_of(GOOD | {"extensions": cost(3, 400)}, clock=clock)
    client.ask("OrdersNewest", "q")
    client.ask("OrdersCount", "q", {"query": None})
    assert clock.waits == []
    client.ask("Orders", "q", {"first": 5})
    assert clock.waits == [pytest.approx(12.0)]


def test_being_throttled_waits_until_the_query_can_be_paid() -> None:
    clock = Clock()
    throttled = error("THROTTLED") | {"extensions": cost(800, 100)}
    client, sent = client_of(throttled, throttled, GOOD, clock=clock)
    client.ask("Orders", "q")
    assert len(sent.requests) == 3
    assert clock.waits[0] >= 16


@pytest.mark.parametrize(
    "answer",
    [b"<html>", b"[1]", b'{"data": {"half', {"data": None}, error("INTERNAL_SERVER_ERROR")],
    ids=str,
)
def test_an_accident_is_tried_again(answer: Any) -> None:
    client, sent = client_of(answer, GOOD)
    assert client.ask("Shop", "q").data == GOOD["data"]
    assert len(sent.requests) == 2


def test_an_accident_that_stays_names_operation_and_page() -> None:
    client, _ = client_of(error("INTERNAL_SERVER_ERROR", "Something went wrong"))
    with pytest.raises(SourceError, match=r"company acme: Orders, page 7: .*Something went wrong"):
        client.ask("Orders", "q", page=7)


def test_a_part_of_the_data_is_never_taken_for_all() -> None:
    client, sent = client_of(GOOD | error("ACCESS_DENIED", "Access denied. Required: `read_x`."))
    with pytest.raises(SourceError, match=r"Required: `read_x`.*Grant the app that scope"):
        client.ask("Shop", "q")
    assert len(sent.requests) == 1


def test_a_query_that_is_too_expensive_says_so() -> None:
    client, _ = client_of(error("MAX_COST_EXCEEDED", "Query cost is 1200"))
    with pytest.raises(TooExpensiveError, match="1200"):
        client.ask("Orders", "q")


def test_other_errors_fail_at_once_with_what_the_api_says() -> None:
    client, sent = client_of({"errors": [{"message": "Field 'x' doesn't exist"}]})
    with pytest.raises(SourceError, match="Field 'x' doesn't exist"):
        client.ask("Orders", "q")
    assert len(sent.requests) == 1


def test_a_search_that_was_not_understood_fails() -> None:
    ignored = {"search": [{"warnings": [{"field": "made_at", "message": "Invalid search field"}]}]}
    client, _ = client_of(GOOD | {"extensions": ignored})
    with pytest.raises(SourceError, match="ignored: made_at: Invalid search field"):
        client.ask("Orders", "q")


def test_nothing_shows_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    client, _ = client_of(b"<html>")
    with pytest.raises(SourceError) as raised:
        client.ask("Orders", "q")
    assert TOKEN not in caplog.text + str(raised.value) + repr(client) + repr(vars(client))


def test_a_bucket_that_nobody_told_of_lets_pass() -> None:
    assert Bucket().wait_for(900) == 0


def test_a_query_as_large_as_the_bucket_waits_for_all_of_it() -> None:
    clock = Clock()
    bucket = Bucket(clock)
    bucket.update({"currentlyAvailable": 0, "restoreRate": 100, "maximumAvailable": 1000})
    assert bucket.wait_for(1000) == 10
    clock.sleep(4)
    assert bucket.wait_for(1000) == 6
    clock.sleep(10)
    assert bucket.wait_for(1000) == 0
