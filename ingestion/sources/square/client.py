"""Asks Square's API.

Belongs here: version, token, what a refusal means. Does not belong here: what is asked
(`reading.py`), and what is in the answers.
"""

from __future__ import annotations

from typing import Any

import orjson
import requests

from ingestion.bearer import BearerClient
from ingestion.errors import SourceError

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


class SquareClient(BearerClient):
    """The API of one seller; `get` raises StaleCursorError where a cursor isn't taken any more.

    An answer with an empty list comes without it.
    """

    name = "square"
    base = "/v2"
    version = ("Square-Version", API_VERSION)
    hints = _HINTS

    def _is_answer(self, found: dict[str, Any]) -> bool:
        # An empty list is an object without anything: only errors tell it from a failure.
        return not found.get("errors")

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
