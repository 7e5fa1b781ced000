"""What answers mean, where the API lies, and what people are told; no secret among it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.errors import SourceError
from ingestion.http import Patience
from ingestion.sources.woocommerce.client import NoRouteError, WooCommerceClient
from ingestion.sources.woocommerce.settings import client_for
from warehouse.companies import Company
from warehouse.settings import Settings


def response(content: bytes | Any, status: int = 200, **headers: str) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made._content = content if isinstance(content, bytes) else orjson.dumps(content)
    made.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return made


class Site:
    """Answers in a row; notes what was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: requests.Response) -> None:
        self.answers = list(answers)
        self.asked: list[requests.PreparedRequest] = []
        monkeypatch.setattr(requests.Session, "send", self.send)

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        assert how["allow_redirects"] is False
        self.asked.append(request)
        return self.answers.pop(0)


def client(site: str = "http://shop.example.com/sub/") -> WooCommerceClient:
    return WooCommerceClient(
        "acme", site, "ck_key", "cs_secret", patience=Patience(2, 2), sleep=lambda _: None
    )


def test_credentials_are_a_signature_over_http_and_a_password_over_https(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = Site(monkeypatch, response([]), response([]))
    client().get("orders", {"page": 1})
    client("https://shop.example.com").get("orders")
    plain, encrypted = site.asked
    assert plain.url == "http://shop.example.com/sub/wp-json/wc/v3/orders?page=1"
    assert plain.headers["Authorization"].startswith("OAuth oauth_consumer_key=")
    assert "cs_secret" not in str(plain.headers)
    assert encrypted.headers["Authorization"].startswith("Basic ")
    assert "ck_key" not in str(encrypted.url)


@pytest.mark.parametrize(
    "page",
    [
        response(b"<html>Not Found</html>", 404),
        # A web server that hands everything on to WordPress: it shows the front page, or sends on.
        response(b"<!DOCTYPE html><html>A shop</html>"),
        response(b"", 301, Location="http://shop.example.com/sub/"),
        response(b"", 302, Location="/sub/?per_page=1"),
    ],
)
def test_plain_permalinks_are_found_once(
    monkeypatch: pytest.MonkeyPatch, page: requests.Response
) -> None:
    site = Site(monkeypatch, page, response([], X_WP_Total="0"), response([]))
    asking = client()
    asking.get("orders", {"per_page": 1})
    asking.get("customers")
    plain = "http://shop.example.com/sub/index.php?rest_route=/wc/v3"
    assert [each.url for each in site.asked] == [
        "http://shop.example.com/sub/wp-json/wc/v3/orders?per_page=1",
        f"{plain}/orders&via=wp-json/wc/v3&per_page=1",
        f"{plain}/customers&via=wp-json/wc/v3",
    ]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (response({"code": "woocommerce_rest_cannot_view", "message": "No"}, 401), "HTTP 401 .*No"),
        (response(b"<html>", 403), "HTTP 403. .*firewall"),
        (
            response({"code": "rest_invalid_param", "message": "per_page"}, 400),
            "HTTP 400 .*per_page",
        ),
        (
            response(b"", 301, Location="https://www.example.com/wp-json/x"),
            "to https://www.example",
        ),
        (response(b"", 302), "on to another address"),
    ],
)
def test_a_refusal_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, answer: requests.Response, says: str
) -> None:
    site = Site(monkeypatch, answer)
    with pytest.raises(SourceError, match=f"woocommerce, company acme: orders, page 1: .*{says}"):
        client().get("orders")
    assert len(site.asked) == 1


def test_a_list_that_is_missing_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    Site(monkeypatch, response({"code": "rest_no_route", "message": "No route"}, 404))
    with pytest.raises(NoRouteError, match="too old"):
        client().get("refunds")


def test_no_message_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    Site(monkeypatch, response({"code": "x", "message": "bad cs_secret for ck_key"}, 401))
    with pytest.raises(SourceError) as raised:
        client().get("orders")
    assert "cs_secret" not in str(raised.value)
    assert "ck_key" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'[{"id": 1}, {"id"', "isn't JSON"),
        (b'{"id": 1}', "isn't a list"),
        (b"[1, 2]", "isn't a list of objects"),
        (b"", "isn't JSON"),
    ],
)
def test_what_may_pass_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, content: bytes, reason: str
) -> None:
    site = Site(monkeypatch, response(content), response(content))
    with pytest.raises(SourceError, match=f"given up after 2 attempts.*{reason}"):
        client().get("orders")
    assert len(site.asked) == 2


def test_a_web_page_at_both_addresses_may_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    page = response(b"<!DOCTYPE html><html>Maintenance</html>")
    site = Site(monkeypatch, page, page, response([{"id": 1}]))
    assert client().get("orders").nodes == [{"id": 1}]
    assert len(site.asked) == 3
    Site(monkeypatch, page, page, page)
    with pytest.raises(SourceError, match=r"given up after 2 attempts.*web page"):
        client().get("orders")


@settings(deadline=None)
@given(
    st.text(max_size=60), st.lists(st.fixed_dictionaries({"id": st.integers(0, 99)}), max_size=3)
)
def test_a_notice_before_the_json_is_cut_off(notice: str, nodes: list[dict[str, int]]) -> None:
    content = f"<br />{notice}<br />\n".encode() + orjson.dumps(nodes)
    assert client()._json(content) == nodes


def test_a_byte_order_mark_is_nothing() -> None:
    assert client()._json(b"\xef\xbb\xbf[]") == []


COMPANY: dict[str, Any] = {
    "id": "acme",
    "name": "Acme",
    "base_currency": "USD",
    "timezone": "UTC",
    "margin_rate": 0.3,
    "sources": {"woocommerce": {"site": "https://shop.example.com"}},
}


def test_a_missing_key_says_where_it_goes(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    company = Company.model_validate(COMPANY)
    settings = Settings(companies_file=tmp_path / "companies.yml")
    with pytest.raises(SourceError, match="CLV_WOOCOMMERCE__ACME__KEY"):
        client_for(company, settings)
    monkeypatch.setenv("CLV_WOOCOMMERCE__ACME__KEY", "ck_1")
    with pytest.raises(SourceError, match="CLV_WOOCOMMERCE__ACME__SECRET"):
        client_for(company, settings)
    monkeypatch.setenv("CLV_WOOCOMMERCE__ACME__SECRET", "cs_1 or so")
    with pytest.raises(SourceError, match="characters that no secret has") as raised:
        client_for(company, settings)
    assert "cs_1" not in str(raised.value)
    bare = Company.model_validate(COMPANY | {"sources": {}})
    with pytest.raises(SourceError, match="has no WooCommerce site"):
        client_for(bare, settings)


@pytest.mark.parametrize(
    "site",
    ["shop.example.com", "https://user:secret@shop.example.com", "https://x.example/?a=1", ""],
)
def test_a_site_is_an_address_without_secrets(site: str) -> None:
    with pytest.raises(ValueError, match="site"):
        Company.model_validate(COMPANY | {"sources": {"woocommerce": {"site": site}}})
