"""Asks Stripe's API.

Belongs here: version, key, what a refusal means. Does not belong here: what is asked
(`reading.py`), and what is in the answers.
"""

from __future__ import annotations

import re
from typing import Any

import orjson
import requests

from ingestion.bearer import BearerClient
from ingestion.errors import SourceError
from ingestion.http import TryAgainError, retry_after

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


class StripeClient(BearerClient):
    """The API of one account; `get` raises MissingError where what is named isn't there."""

    name = "stripe"
    base = "/v1"
    version = ("Stripe-Version", API_VERSION)
    hints = _HINTS

    def _is_answer(self, found: dict[str, Any]) -> bool:
        return isinstance(found.get("object"), str)

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
