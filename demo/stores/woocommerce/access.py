"""Who asks: OAuth 1.0a over HTTP, Basic over HTTPS; checked as WooCommerce checks it.

Over HTTP no password counts. A request that is signed wrongly is refused with what is wrong; one
that isn't signed at all is a stranger's, who may list nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from starlette.requests import Request

_WINDOW = 15 * 60
_NEEDED = (
    "oauth_consumer_key",
    "oauth_timestamp",
    "oauth_nonce",
    "oauth_signature",
    "oauth_signature_method",
)
_DIGESTS = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
#: Where it isn't in the address as it was sent, up to 11.0 no key is looked for.
_SEEN = "wp-json/wc/"
_BAD = "woocommerce_rest_authentication_error"
_STRANGER = ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")

Refusal = tuple[str, str]


@dataclass(slots=True)
class Key:
    """A key of the API and its secret."""

    key: str
    secret: str
    permissions: str = "read"
    expired: bool = False
    nonces: dict[str, int] = field(default_factory=dict)


def refused(request: Request, key: Key) -> Refusal | None:
    """Tells why a request is refused, as code and message; None lets it pass."""
    looked_for = _SEEN in f"{request.url.path}?{request.url.query}"
    header = request.headers.get("authorization", "") if looked_for else ""
    query = list(request.query_params.multi_items())
    given = dict(query)
    if request.url.scheme == "https":
        name, secret = _basic(header)
        name, secret = given.get("consumer_key", name), given.get("consumer_secret", secret)
        if name:
            if name == key.key and not key.expired and secret != key.secret:
                return _BAD, "Consumer secret is invalid."
            return _STRANGER if name != key.key or key.expired else _forbidden(key)
    oauth = given | _oauth(header)
    missing = [each for each in _NEEDED if not oauth.get(each)]
    if len(missing) == len(_NEEDED):
        return _STRANGER
    if missing:
        parameters = "parameter" if len(missing) == 1 else "parameters"
        return (
            "woocommerce_rest_authentication_missing_parameter",
            f"Missing OAuth {parameters} {', '.join(missing)}",
        )
    if oauth["oauth_consumer_key"] != key.key or key.expired:
        return _BAD, "Consumer key is invalid."
    return _signed_wrongly(request, key, oauth) or _stale(key, oauth) or _forbidden(key)


def _forbidden(key: Key) -> Refusal | None:
    if "read" in key.permissions:
        return None
    return _BAD, "The API key provided does not have read permissions."


def _basic(header: str) -> tuple[str, str]:
    if not header.startswith("Basic "):
        return "", ""
    name, _, secret = base64.b64decode(header[6:]).decode().partition(":")
    return name, secret


def _oauth(header: str) -> dict[str, str]:
    if not header.startswith("OAuth "):
        return {}
    found = re.findall(r'(oauth_[a-z_-]*)="([^"]*)"', header)
    return {name: unquote(value) for name, value in found}


def _signed_wrongly(request: Request, key: Key, oauth: dict[str, str]) -> Refusal | None:
    method = oauth["oauth_signature_method"]
    if method not in _DIGESTS:
        return _BAD, "Invalid signature - signature method is invalid."
    # PHP numbers what has empty brackets, and keeps the last of what has the same name.
    named: dict[str, str] = {}
    for name, value in oauth.items():
        if name != "oauth_signature" and not name.endswith("[]"):
            named[name] = value
    arrays: dict[str, int] = {}
    for name, value in request.query_params.multi_items():
        if name.endswith("[]"):
            place = arrays.get(name, 0)
            arrays[name] = place + 1
            named[f"{name[:-2]}[{place}]"] = value
    pairs = "&".join(f"{_escaped(name)}={_escaped(named[name])}" for name in sorted(named))
    # WordPress' own address of its front page ends without a slash, against the rules of OAuth.
    path = request.url.path.rstrip("/")
    address = f"{request.url.scheme}://{request.url.netloc}{path}"
    text = f"{request.method}&{_escaped(address)}&{_escaped(pairs)}"
    digest = hmac.new(f"{key.secret}&".encode(), text.encode(), _DIGESTS[method]).digest()
    if not hmac.compare_digest(base64.b64encode(digest).decode(), oauth["oauth_signature"]):
        return _BAD, "Invalid signature - provided signature does not match."
    return None


def _stale(key: Key, oauth: dict[str, str]) -> Refusal | None:
    now, stamp = time.time(), oauth["oauth_timestamp"]
    if not stamp.isdecimal() or abs(now - int(stamp)) > _WINDOW:
        return _BAD, "Invalid timestamp."
    if oauth["oauth_nonce"] in key.nonces:
        return _BAD, "Invalid nonce - nonce has already been used."
    key.nonces[oauth["oauth_nonce"]] = int(stamp)
    for nonce in [each for each, at in key.nonces.items() if at < now - _WINDOW]:
        del key.nonces[nonce]
    return None


def _escaped(text: str) -> str:
    return quote(text, safe="~")
