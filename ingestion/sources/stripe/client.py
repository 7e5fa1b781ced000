"""Asks Stripe's API.

Belongs here: version, key, what a refusal means. Does not belong here: what is asked
(`reading.py`), and what is in the answers.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson
import requests

from ingestion.arrow import Node
from ingestion.errors import SourceError
from ingestion.http import Patience, Transport, TryAgainError, retry_after, server_time

#: The version in which the answers are read; later ones may move fields.
API_VERSION = "2026-10-28.endive"

ENDPOINT = "https://api.stripe.com"

_HINTS = {
    401: "The key is wrong or has expired: put a valid one in place.",
    402: "Stripe refuses the request as it stands.",
    403: "The key may not do this: give it the permission that it lacks.",
    404: "Nothing is at this address: check the endpoint in companies.yml.",
}

_PERMISSION = re.compile(r"\brak_\w+")


class MissingError(SourceError):
    """Something that was named isn't there.

    Attributes:
        param: The parameter that named it, such as "id" or "starting_after".
    """

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.param = param


class StripeClient:
    """The API of one account. One instance serves one thread.

    Attributes:
        now: Stripe's own time, of its last answer; None before the first.
        requests: How often it was asked.
    """

    def __init__(
        self,
        company_id: str,
        endpoint: str,
        key: str,
        *,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Opens nothing yet.

        Args:
            company_id: Whose account it is, for messages.
            endpoint: Address of the API, without its version.
            key: Secret or restricted key.
            patience: When to give up.
            sleep: Waits for seconds.
        """
        from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

        self.source = f"stripe, company {company_id}"
        self.now: datetime | None = None
        self.requests = 0
        self._transport = Transport(
            self.source,
            f"{endpoint.rstrip('/')}/v1",
            # As an auth, not a header: dlt writes headers into its debug log.
            BearerTokenAuth(token=key),
            hints=_HINTS,
            explain=self._explain,
            patience=patience,
            sleep=sleep,
        )

    def get(self, name: str, path: str, params: Mapping[str, Any] | None = None) -> Node:
        """Asks for an object or a page of a list.

        Args:
            name: The request as people know it, such as "charges, page 12".
            path: Below the version.
            params: Of the query; a list is sent as several.

        Returns:
            The object.

        Raises:
            MissingError: What is named isn't there.
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
            headers={"Stripe-Version": API_VERSION},
        )

    def error(self, name: str, what: str) -> SourceError:
        """Builds an error that names account and request."""
        return SourceError(f"{self.source}: {name}: {what}")

    def _read(self, response: requests.Response) -> Node:
        try:
            found = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            raise TryAgainError("the answer isn't JSON") from None
        if not isinstance(found, dict) or not isinstance(found.get("object"), str):
            raise TryAgainError("the answer isn't an object of the API")
        self.now = server_time(response)
        return found

    def _explain(self, name: str, response: requests.Response) -> Exception | None:
        """Reads a refusal: whether the thing is missing, which permission is, whether to retry."""
        status, error = response.status_code, _error(response)
        param = str(error.get("param") or "")
        if error.get("code") == "resource_missing":
            what = f"HTTP {status}: {param} names something that isn't there"
            return MissingError(f"{self.source}: {name}: {what}.", param)
        if status == 403 and (permission := _PERMISSION.search(str(error.get("message")))):
            lacking = permission.group()
            # Without its events nothing that changed would be found.
            skip = "" if "event" in lacking else ", or list it under skip in companies.yml"
            return self.error(
                name,
                f"HTTP 403: the key lacks the permission {lacking}. Give the restricted key read "
                f"access to it in Stripe's dashboard, under Developers > API keys{skip}.",
            )
        again = response.headers.get("stripe-should-retry")
        if again == "true":
            after = retry_after(response.headers.get("Retry-After"))
            return TryAgainError(f"HTTP {status}", after, counts=status != 429)
        if again == "false" and (status == 429 or status >= 500):
            return self.error(
                name,
                f"HTTP {status}, and Stripe says that trying again is of no use. Run it later.",
            )
        if status == 400:
            said = str(error.get("message") or "")[:200]
            return self.error(name, f"HTTP 400: {said or 'the request is refused as it stands'}")
        return None


def _error(response: requests.Response) -> dict[str, Any]:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}
