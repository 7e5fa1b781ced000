"""Asks Square's API.

Belongs here: version, token, what a refusal means. Does not belong here: what is asked
(`reading.py`), and what is in the answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson
import requests

from ingestion.arrow import Node
from ingestion.errors import SourceError
from ingestion.http import Patience, Transport, TryAgainError, server_time

#: The version in which the answers are read; later ones may move fields.
API_VERSION = "2026-07-15"

ENDPOINT = "https://connect.squareup.com"

_HINTS = {
    403: "The token may not do this: give its application the permissions PAYMENTS_READ and "
    "MERCHANT_PROFILE_READ.",
    404: "Nothing is at this address: check the endpoint in companies.yml.",
}


class StaleCursorError(SourceError):
    """A cursor isn't taken any more: the list has to be begun anew."""


class SquareClient:
    """The API of one seller. One instance serves one thread.

    Attributes:
        now: Square's own time, of its last answer; None before the first.
        requests: How often it was asked.
    """

    def __init__(
        self,
        company_id: str,
        endpoint: str,
        token: str,
        *,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Opens nothing yet.

        Args:
            company_id: Whose account it is, for messages.
            endpoint: Address of the API, without its version.
            token: Access token.
            patience: When to give up.
            sleep: Waits for seconds.
        """
        from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

        self.source = f"square, company {company_id}"
        self.now: datetime | None = None
        self.requests = 0
        self._transport = Transport(
            self.source,
            f"{endpoint.rstrip('/')}/v2",
            # As an auth, not a header: dlt writes headers into its debug log.
            BearerTokenAuth(token=token),
            hints=_HINTS,
            explain=self._explain,
            patience=patience,
            sleep=sleep,
        )

    def get(self, name: str, path: str, params: Mapping[str, Any] | None = None) -> Node:
        """Asks for a page of a list.

        Args:
            name: The request as people know it, such as "refunds, page 2".
            path: Below the version.
            params: Of the query.

        Returns:
            The answer; without its list where that is empty.

        Raises:
            StaleCursorError: The cursor isn't taken any more.
            SourceError: The API refuses or doesn't answer; the message names the request, and what
                to do.
        """
        self.requests += 1
        return self._transport.send(
            name,
            "GET",
            path,
            read=self._read,
            params=dict(params or {}),
            headers={"Square-Version": API_VERSION},
        )

    def error(self, name: str, what: str) -> SourceError:
        """Builds an error that names account and request."""
        return SourceError(f"{self.source}: {name}: {what}")

    def _read(self, response: requests.Response) -> Node:
        try:
            found = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            raise TryAgainError("the answer isn't JSON") from None
        # An empty list is an object without anything: only errors tell it from a failure.
        if not isinstance(found, dict) or found.get("errors"):
            raise TryAgainError("the answer isn't an object of the API")
        self.now = server_time(response)
        return found

    def _explain(self, name: str, response: requests.Response) -> Exception | None:
        """Reads why a request is refused as it stands; the other statuses say enough."""
        if response.status_code != 400:
            return None
        error = _error(response)
        code, detail = str(error.get("code") or ""), str(error.get("detail") or "")[:200]
        if code == "INVALID_CURSOR":
            return StaleCursorError(f"{self.source}: {name}: HTTP 400 {code}: run it again.")
        said = f"{code}: {detail}".strip(": ") or "the request is refused as it stands"
        return self.error(name, f"HTTP 400 {said}")


def _error(response: requests.Response) -> dict[str, Any]:
    """Returns the first error of an answer; nothing where there is none."""
    try:
        (error, *_) = orjson.loads(response.content)["errors"]
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError):
        return {}
    return error if isinstance(error, dict) else {}
