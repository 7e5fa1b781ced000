"""What the client makes of answers and refusals."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from ingestion.errors import SourceError
from ingestion.http import Patience
from ingestion.sources.stripe.client import API_VERSION, MissingError, StripeClient
from ingestion.sources.stripe.settings import client_for
from warehouse.companies import Company
from warehouse.settings import Settings

KEY = "rk_live_secret"
DATE = {"Date": "Wed, 01 Jul 2026 06:00:00 GMT"}


class Answers(requests.adapters.BaseAdapter):
    """Answers in turn instead of a server, the last one for ever."""

    def __init__(self, *answers: tuple[int, Any, dict[str, str]]) -> None:
        super().__init__()
        self.answers = answers
        self.requests: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        status, body, headers = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.requests.append(request)
        response = requests.Response()
        response.status_code = status
        response._content = body if isinstance(body, bytes) else orjson.dumps(body)
        response.headers.update(headers)
        response.url = str(request.url)
        return response

    def close(self) -> None:
        pass


def asked(*answers: tuple[int, Any, dict[str, str]]) -> tuple[StripeClient, Answers, list[float]]:
    waits: list[float] = []
    client = StripeClient(
        "acme",
        "http://stripe.test/",
        KEY,
        patience=Patience(attempts=3, slowdowns=3),
        sleep=waits.append,
    )
    adapter = Answers(*answers)
    client._transport._session.mount("http://", adapter)
    return client, adapter, waits


def error(code: str | None = None, message: str = "no", param: str | None = None) -> Any:
    return {"error": {"code": code, "message": message, "param": param, "type": "x"}}


GOOD = (200, {"object": "list", "data": [], "has_more": False}, DATE)


def test_a_request_has_its_key_its_version_and_its_lists() -> None:
    client, adapter, _ = asked(GOOD)
    client.get("invoices, page 1", "invoices", {"limit": 100, "expand[]": ["payments", "x"]})
    (request,) = adapter.requests
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["Stripe-Version"] == API_VERSION
    assert request.url == (
        "http://stripe.test/v1/invoices?limit=100&expand%5B%5D=payments&expand%5B%5D=x"
    )
    assert client.now == datetime(2026, 7, 1, 6, tzinfo=UTC)


def test_the_version_is_the_one_that_was_agreed() -> None:
    assert API_VERSION == "2026-10-28.endive"


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, error(message=f"Invalid API Key provided: {KEY}"), "put a valid one in place"),
        (
            403,
            error(message="Having the 'rak_dispute_read' permission would allow this request."),
            "lacks the permission rak_dispute_read.*skip in companies.yml",
        ),
        (403, error(message="Having the 'rak_event_read' permission."), r"rak_event_read.*keys\.$"),
        (403, error(), "give it the permission"),
        (400, error("parameter_unknown", "Received unknown parameter: x"), "unknown parameter: x"),
        (404, error(), "check the endpoint"),
        (404, b"<html>", "check the endpoint"),
        (402, error(), "402"),
    ],
)
def test_a_refusal_says_what_to_do_and_is_not_tried_again(
    status: int, body: Any, says: str
) -> None:
    client, adapter, waits = asked((status, body, {}))
    with pytest.raises(SourceError, match=says) as raised:
        client.get("disputes, page 1", "disputes")
    assert len(adapter.requests) == 1
    assert waits == []
    assert "stripe, company acme: disputes, page 1" in str(raised.value)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("status", [400, 404])
def test_what_is_missing_is_told_apart_by_its_parameter(status: int) -> None:
    client, _, _ = asked((status, error("resource_missing", param="starting_after"), {}))
    with pytest.raises(MissingError) as raised:
        client.get("charges, page 2", "charges")
    assert raised.value.param == "starting_after"


@pytest.mark.parametrize(
    ("status", "headers", "tried"),
    [
        (500, {}, 3),
        (503, {"stripe-should-retry": "true"}, 3),
        (503, {"stripe-should-retry": "false"}, 1),
        (409, {"stripe-should-retry": "true"}, 3),
        (409, {}, 1),
        (429, {}, 3),
        (429, {"stripe-should-retry": "true"}, 3),
        (429, {"stripe-should-retry": "false"}, 1),
    ],
)
def test_stripe_says_whether_to_try_again(status: int, headers: dict[str, str], tried: int) -> None:
    client, adapter, _ = asked((status, error(), headers))
    with pytest.raises(SourceError, match="charges, page 1"):
        client.get("charges, page 1", "charges")
    assert len(adapter.requests) == tried


def test_a_wait_that_is_named_is_kept() -> None:
    client, _, waits = asked(
        (429, error(), {"Retry-After": "7", "stripe-should-retry": "true"}),
        (429, error(), {"Retry-After": "3"}),
        GOOD,
    )
    client.get("charges, page 1", "charges")
    assert len(waits) == 2
    assert 7 <= waits[0] < 8
    assert 3 <= waits[1] < 4


@pytest.mark.parametrize("body", [b'{"object": "li', b"[]", b"<html>", b'{"data": []}'])
def test_an_answer_that_is_none_is_asked_for_again(body: bytes) -> None:
    client, adapter, _ = asked((200, body, {}), GOOD)
    assert client.get("charges, page 1", "charges")["data"] == []
    assert len(adapter.requests) == 2


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("KEY", "ENDPOINT"):
        monkeypatch.delenv(f"CLV_STRIPE__ACME__{name}", raising=False)
    return Settings(companies_file=tmp_path / "companies.yml")


def company(account: dict[str, Any] | None) -> Company:
    return Company.model_validate(
        {
            "id": "acme",
            "name": "Acme",
            "base_currency": "USD",
            "timezone": "America/New_York",
            "margin_rate": 0.3,
            "sources": {} if account is None else {"stripe": account},
        }
    )


def sent_to(client: StripeClient) -> str:
    return client._transport._base_url


def test_a_company_without_account_or_key_says_what_to_write(settings: Settings) -> None:
    with pytest.raises(SourceError, match=r"(?s)has no Stripe account.*stripe: {}"):
        client_for(company(None), settings)
    with pytest.raises(SourceError, match=r"CLV_STRIPE__ACME__KEY") as raised:
        client_for(company({}), settings)
    assert str(settings.secrets_file) in str(raised.value)


def test_the_key_is_found_and_the_endpoint_is_stripes_own(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.secrets_file.parent.mkdir()
    settings.secrets_file.write_text(f'[sources.stripe.acme]\nkey = "{KEY}"\n')
    assert sent_to(client_for(company({}), settings)) == "https://api.stripe.com/v1"
    assert sent_to(client_for(company({"endpoint": "http://proxy:1/"}), settings)) == (
        "http://proxy:1/v1"
    )
    monkeypatch.setenv("CLV_STRIPE__ACME__ENDPOINT", "http://other:2")
    assert sent_to(client_for(company({}), settings)) == "http://other:2/v1"
    monkeypatch.setenv("CLV_STRIPE__ACME__KEY", "rk_live\nbroken")
    with pytest.raises(SourceError, match="copy it anew") as raised:
        client_for(company({}), settings)
    assert "broken" not in str(raised.value)


def test_a_made_up_account_needs_no_key(settings: Settings) -> None:
    client = client_for(company({"demo_port": 8711}), settings)
    assert sent_to(client) == "http://127.0.0.1:8711/v1"
    with pytest.raises(ValueError, match="give one of them"):
        company({"demo_port": 8711, "endpoint": "http://x"})
    with pytest.raises(ValueError, match="skip"):
        company({"skip": ["orders"]})
