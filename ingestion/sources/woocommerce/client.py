"""Asks a site's REST API, wherever its WordPress has it, and reads what answers mean.

Belongs here: addresses, credentials, envelopes and errors. Does not belong here: paging
(`reading.py`), and what is in the answers.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson
import requests
from requests.auth import AuthBase, HTTPBasicAuth

from ingestion.errors import SourceError
from ingestion.http import Patience, Transport, TryAgainError
from ingestion.sources.woocommerce.oauth import OAuth

log = logging.getLogger(__name__)

Node = Any

NAMESPACE = "wc/v3"

#: Where the API lies without pretty permalinks. Of WooCommerce up to 11.0 only an address with
#: "wp-json/wc/" in it is looked at for a key; WordPress doesn't mind a parameter that it doesn't
#: know. And a signature of the folder alone would be one of another address there.
_PLAIN = f"index.php?rest_route=/{NAMESPACE}/{{route}}&via=wp-json/{NAMESPACE}"

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_READ = _REDIRECTS | {200, 400, 401, 403, 404}

#: A notice of PHP before the JSON is looked through this far, and no further.
_NOTICE_BYTES = 65_536

_HINTS = {
    400: "The site's WooCommerce doesn't take this request: version 5.8 or later is needed.",
    401: (
        "Put a valid key and secret in place (WooCommerce > Settings > Advanced > REST API, read "
        "access, of an administrator or shop manager). If they are right: site in companies.yml "
        "has to be written as WordPress knows it (http or https, www or not, the port), the "
        "clocks may differ by 15 minutes at most, the web server has to hand the Authorization "
        "header on to PHP, and WordPress behind a proxy has to be told that it is reached by https."
    ),
    403: (
        "The key may not read this, or a firewall or a security plugin refuses the request: give "
        "the key of an administrator or shop manager read access, and allow this machine."
    ),
    404: "There is no WooCommerce at this address: check site in companies.yml.",
}


class NoRouteError(SourceError):
    """The site's WooCommerce is too old for a list."""


class _ElsewhereError(Exception):
    """Nothing of WordPress is at the address: its permalinks may be plain."""


@dataclass(frozen=True)
class Answer:
    """A page of a list.

    Attributes:
        nodes: Its objects.
        total: How many the whole list has; None where the site doesn't say.
    """

    nodes: list[Node]
    total: int | None


class WooCommerceClient:
    """The REST API of one site. One instance serves one thread.

    Attributes:
        requests: Sent so far.
        site_time: The site's clock at its last answer; ours as long as it has said nothing.
    """

    def __init__(
        self,
        company_id: str,
        site: str,
        key: str,
        secret: str,
        *,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Opens nothing yet.

        Args:
            company_id: Whose site it is, for messages.
            site: Its address, as far as the folder in which WordPress lies.
            key: Consumer key.
            secret: Consumer secret.
            patience: When to give up.
            sleep: Waits for seconds.
        """
        self._site = site.rstrip("/")
        self._secrets = (key, secret)
        # As an auth, not a header: dlt writes headers into its debug log.
        encrypted = urlsplit(site).scheme.lower() == "https"
        auth: AuthBase = HTTPBasicAuth(key, secret) if encrypted else OAuth(key, secret)
        self.transport = Transport(
            f"woocommerce, company {company_id}",
            self._site,
            auth,
            hints=_HINTS,
            patience=patience,
            sleep=sleep,
        )
        self.requests = 0
        self.site_time = datetime.now(UTC)
        self._pretty: bool | None = None
        self._noticed = False

    def get(self, route: str, parameters: dict[str, Any] | None = None, page: int = 1) -> Answer:
        """Reads one page of a list.

        Args:
            route: Such as "orders" or "products/12/variations".
            parameters: Of the list; lists of numbers joined by commas.
            page: Number of the request among those of the list, for messages.

        Raises:
            NoRouteError: The site's WooCommerce doesn't have this list.
            SourceError: The site refuses or doesn't answer; the message names list and page, and
                what to do.
        """
        name = f"{route}, page {page}"
        try:
            return self._send(name, route, parameters or {})
        except _ElsewhereError:
            # Every WordPress answers at the other address, whatever its permalinks are.
            self._pretty = False
            return self._send(name, route, parameters or {})

    def error(self, name: str, what: str) -> SourceError:
        """Builds an error that names site and request."""
        return SourceError(f"{self.transport.source}: {name}: {self._clean(what)}")

    def _send(self, name: str, route: str, parameters: dict[str, Any]) -> Answer:
        address = f"{self._site}/wp-json/{NAMESPACE}/{route}"
        if self._pretty is False:
            address = f"{self._site}/{_PLAIN.format(route=route)}"
        self.requests += 1
        answer = self.transport.send(
            name,
            "GET",
            address,
            read=lambda response: self._read(name, response),
            expected=_READ,
            params=parameters,
            # Elsewhere a signature is wrong, and a password was given to somebody else.
            allow_redirects=False,
        )
        if self._pretty is None:
            self._pretty = True
        return answer

    def _read(self, name: str, response: requests.Response) -> Answer:
        status = response.status_code
        if status in _REDIRECTS:
            location = response.headers.get("Location", "")
            if self._pretty is None and self._is_front(location):
                raise _ElsewhereError
            raise self.error(name, self._moved(location))
        if status != 200:
            self._refuse(name, response)
        self._look_at_clock(response.headers.get("Date"))
        nodes = self._json(response.content)
        if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
            raise TryAgainError("the answer isn't a list of objects")
        total = response.headers.get("X-WP-Total", "").strip()
        return Answer(nodes, int(total) if total.isascii() and total.isdecimal() else None)

    def _refuse(self, name: str, response: requests.Response) -> None:
        status = response.status_code
        said = _object(response.content)
        if said is None and status == 404 and self._pretty is None:
            raise _ElsewhereError
        code, message = (said or {}).get("code"), (said or {}).get("message")
        words = f"HTTP {status}" + (f" ({code}: {message})" if code else "")
        if code == "rest_no_route":
            raise NoRouteError(
                f"{self.transport.source}: {name}: {words}. The plugin WooCommerce is missing "
                "there, is switched off, or is too old."
            )
        raise self.error(name, f"{words}. {_HINTS[status]}")

    def _moved(self, location: str) -> str:
        parts = urlsplit(location)
        there = f"{parts.scheme}://{parts.netloc}{parts.path.partition('/wp-json')[0]}"
        where = there.rstrip("/") if parts.netloc else "another address"
        return (
            f"the site sends requests on to {where}, and credentials don't follow. Put that "
            "address into companies.yml as the site."
        )

    def _is_front(self, location: str) -> bool:
        """Says whether a redirect leads to the same site, and away from its API."""
        there = urljoin(f"{self._site}/", location) if location else ""
        return there.startswith(f"{self._site}/") and "/wp-json" not in there

    def _look_at_clock(self, date: str | None) -> None:
        try:
            moment = parsedate_to_datetime(date or "")
        except ValueError:
            return
        self.site_time = moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def _json(self, content: bytes) -> Any:
        """Reads JSON, also where a site prints something of its own before it."""
        content = content.removeprefix(b"\xef\xbb\xbf")
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError:
            found = _after_notice(content)
        if found is None:
            page = b"<html" in content[:2048].lower()
            if page and self._pretty is None:
                # Without pretty permalinks WordPress shows its front page wherever it is asked.
                raise _ElsewhereError
            raise TryAgainError(
                "the answer is a web page (of a firewall, or for maintenance?)"
                if page
                else "the answer isn't JSON"
            )
        if not self._noticed:
            self._noticed = True
            log.warning(
                "%s: the site prints notices of PHP into its answers; they were cut off. Switch "
                "WP_DEBUG_DISPLAY off in its wp-config.php.",
                self.transport.source,
            )
        return found

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "…") if secret else text
        return text


def _after_notice(content: bytes) -> list[Node] | None:
    """Finds a list that goes on to the very end, whatever stands before it."""
    for found in re.finditer(rb"\[(?=\s*[{\]])", content[:_NOTICE_BYTES]):
        try:
            nodes = orjson.loads(content[found.start() :])
        except orjson.JSONDecodeError:
            continue
        return nodes if isinstance(nodes, list) else None
    return None


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
