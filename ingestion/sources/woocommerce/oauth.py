"""OAuth 1.0a with one leg: a request is signed, and neither key nor secret travels in its address.

Over plain HTTP WooCommerce takes nothing else. The rules are those of RFC 5849, section 3.4;
WooCommerce leaves out the token.

Belongs here: signing. Does not belong here: which requests are signed (`client.py`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable
from urllib.parse import parse_qsl, quote, urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase

Pairs = list[tuple[str, str]]

_DIGESTS = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
_USUAL_PORTS = {"http": 80, "https": 443}


def escaped(text: str) -> str:
    """Percent-encodes all but letters, digits and ``-._~`` (section 3.6)."""
    return quote(text, safe="~")


def base_string(method: str, address: str, parameters: Iterable[tuple[str, str]]) -> str:
    """Builds what is signed (section 3.4.1).

    Args:
        method: Of the request.
        address: Its address; the query in it counts as parameters.
        parameters: Those of OAuth, and of the body if it is a form.
    """
    parts = urlsplit(address)
    query = parse_qsl(parts.query, keep_blank_values=True)
    pairs = sorted((escaped(name), escaped(value)) for name, value in [*query, *parameters])
    return "&".join(
        (
            method.upper(),
            escaped(_without_query(address)),
            escaped("&".join(f"{name}={value}" for name, value in pairs)),
        )
    )


def signature(text: str, secret: str, token_secret: str = "", method: str = "HMAC-SHA256") -> str:
    """Signs a base string (section 3.4.2), in base64.

    Raises:
        KeyError: There is no such method.
    """
    key = f"{escaped(secret)}&{escaped(token_secret)}"
    return base64.b64encode(
        hmac.new(key.encode(), text.encode(), _DIGESTS[method]).digest()
    ).decode()


def numbered(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """Names array parameters as PHP, and so the site's side, knows them: ``a[]`` is ``a[0]``."""
    met: Counter[str] = Counter()
    named = []
    for name, value in pairs:
        if name.endswith("[]"):
            named.append((f"{name[:-2]}[{met[name]}]", value))
            met[name] += 1
        else:
            named.append((name, value))
    return named


class OAuth(AuthBase):
    """Signs requests and writes the signature into a header."""

    def __init__(
        self,
        key: str,
        secret: str,
        clock: Callable[[], float] = time.time,
        method: str = "HMAC-SHA256",
    ) -> None:
        """Takes the credentials.

        Args:
            key: Consumer key.
            secret: Consumer secret.
            clock: Seconds since 1970.
            method: HMAC-SHA256 or HMAC-SHA1.
        """
        self._key = key
        self._secret = secret
        self._clock = clock
        self._method = method

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Signs one attempt; each has a nonce of its own."""
        own = [
            ("oauth_consumer_key", self._key),
            ("oauth_nonce", secrets.token_hex(16)),
            ("oauth_signature_method", self._method),
            ("oauth_timestamp", str(int(self._clock()))),
            ("oauth_version", "1.0"),
        ]
        address = str(request.url)
        query = numbered(parse_qsl(urlsplit(address).query, keep_blank_values=True))
        text = base_string(str(request.method), _without_query(address), [*query, *own])
        own.append(("oauth_signature", signature(text, self._secret, method=self._method)))
        header = ", ".join(f'{name}="{escaped(value)}"' for name, value in own)
        request.headers["Authorization"] = f"OAuth {header}"
        return request


def _without_query(address: str) -> str:
    """Returns scheme, host and path, in small letters and without a usual port as due."""
    parts = urlsplit(address)
    scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    host = f"[{host}]" if ":" in host else host
    if port is not None and port != _USUAL_PORTS.get(scheme):
        host = f"{host}:{port}"
    return f"{scheme}://{host}{parts.path or '/'}"
