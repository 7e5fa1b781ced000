"""Signatures are those of the published examples, and a site that checks them lets them pass."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from requests import Request
from starlette.requests import Request as Asked

from demo.stores.woocommerce.access import Key, refused
from ingestion.sources.woocommerce.oauth import OAuth, base_string, numbered, signature

KEY, SECRET = "ck_some", "cs_secret"


def test_the_base_string_of_rfc_5849() -> None:
    """Section 3.4.1.1, its body's parameters included."""
    text = base_string(
        "post",
        "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b",
        [
            ("oauth_consumer_key", "9djdj82h48djs9d2"),
            ("oauth_token", "kkk9d7dh3k39sjv7"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131201"),
            ("oauth_nonce", "7d8f3e4a"),
            ("c2", ""),
            ("a3", "2 q"),
        ],
    )
    assert text == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D"
        "%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e"
        "4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9"
        "d7dh3k39sjv7"
    )


def test_the_signature_of_oauth_core_1_0() -> None:
    """Appendix A.5: the photo that is accessed."""
    text = base_string(
        "GET",
        "http://photos.example.net/photos?file=vacation.jpg&size=original",
        [
            ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
            ("oauth_token", "nnch734d00sl2jdk"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "1191242096"),
            ("oauth_nonce", "kllo9940pd9333jh"),
            ("oauth_version", "1.0"),
        ],
    )
    signed = signature(text, "kd94hf93k423kf44", "pfkkdhi9sl3r4s00", "HMAC-SHA1")
    assert signed == "tR3+Ty81lMeYAr/Fid0kMTYa/WM="


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("http://shop.example.com/a?b=1", "http://shop.example.com/a"),
        ("HTTP://Shop.Example.com:80/A", "http://shop.example.com/A"),
        ("http://shop.example.com:8080", "http://shop.example.com:8080/"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
    ],
)
def test_the_address_that_is_signed(address: str, wanted: str) -> None:
    assert base_string("GET", address, []).split("&")[1] == quote(wanted, safe="")


def test_arrays_are_numbered_as_php_does() -> None:
    pairs = [("include[]", "3"), ("a", "1"), ("include[]", "5"), ("x[y]", "2")]
    assert numbered(pairs) == [("include[0]", "3"), ("a", "1"), ("include[1]", "5"), ("x[y]", "2")]


def asked(
    params: list[tuple[str, str]], method: str = "HMAC-SHA256", secret: str = SECRET
) -> Asked:
    """A signed request as a server receives it."""
    request = Request("GET", "http://shop.example.com:8080/wp-json/wc/v3/orders", params=params)
    signed = OAuth(KEY, secret, method=method)(request.prepare())
    path, _, query = str(signed.path_url).partition("?")
    assert KEY not in query
    return Asked(
        {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "query_string": query.encode(),
            "headers": [
                (b"host", b"shop.example.com:8080"),
                (b"authorization", str(signed.headers["Authorization"]).encode()),
            ],
            "server": ("shop.example.com", 8080),
        }
    )


VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8)
# Of other names PHP changes some, and sorts them before they are escaped.
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, VALUES), max_size=5, unique_by=lambda pair: pair[0]))
def test_whatever_is_asked_for_the_signature_is_right(params: list[tuple[str, str]]) -> None:
    assert refused(asked(params), Key(KEY, SECRET)) is None


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256"])
def test_arrays_and_both_methods_are_right(method: str) -> None:
    params = [("include[]", "7"), ("include[]", "12"), ("per_page", "100"), ("search", "a b+c~")]
    assert refused(asked(params, method), Key(KEY, SECRET)) is None


def test_a_request_passes_once_and_with_the_right_secret_only() -> None:
    key = Key(KEY, SECRET)
    request = asked([("page", "1")])
    assert refused(request, key) is None
    assert "nonce has already been used" in str(refused(request, key))
    assert "does not match" in str(refused(asked([], secret="cs_other"), key))
    other = asked([("page", "1")])
    other.scope["query_string"] = b"page=2"
    assert "does not match" in str(refused(Asked(other.scope), key))
    key.expired = True
    assert "Consumer key is invalid" in str(refused(asked([]), key))


def test_an_old_timestamp_is_refused() -> None:
    request = Request("GET", "http://shop.example.com:8080/wp-json/wc/v3/orders")
    signed = OAuth(KEY, SECRET, clock=lambda: 1_000_000.0)(request.prepare())
    fresh = asked([])
    fresh.scope["headers"][1] = (b"authorization", str(signed.headers["Authorization"]).encode())
    assert refused(Asked(fresh.scope), Key(KEY, SECRET)) == (
        "woocommerce_rest_authentication_error",
        "Invalid timestamp.",
    )
