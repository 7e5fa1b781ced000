"""Asks Shopify's Admin GraphQL API, at the pace that it sets.

Belongs here: what an answer's envelope means, errors and cost. Does not belong here: what is asked
(`queries.py`), and what is in the answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
import orjson
import requests

from ingestion.errors import SourceError
from ingestion.http import Patience, Transport, TryAgainError
from ingestion.records import Record
from ingestion.sources.shopify.queries import API_VERSION, MAX_COST

Node = Any
Data = TypeVar("Data")

#: Points left over for other work with the same token.
RESERVE = 0.1

_RETRIED = {"INTERNAL_SERVER_ERROR", "TIMEOUT"}

_HINTS = {
    401: "The token is wrong or has expired: put a valid one in place.",
    402: "The shop is frozen for lack of payment: its owner has to settle the bill.",
    403: "The token may not do this: grant the app the access scopes that it lacks.",
    404: (
        "There is no Admin API at this address: check shop (and endpoint) in companies.yml; "
        f"version {API_VERSION} is asked for."
    ),
    423: "The shop is locked: its owner has to contact Shopify.",
}


class TooExpensiveError(SourceError):
    """One query costs more than the API takes; a smaller page may pass."""


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        data: The answer's data.
        requested_cost: Points that the query cost before it ran; None when the API didn't say.
    """

    data: Any
    requested_cost: float | None


class Bucket:
    """How many points are there, as far as one can know between two answers."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._available: float | None = None
        self._rate = 0.0
        self._size = 0.0
        self._at = 0.0

    def update(self, status: dict[str, Any]) -> None:
        """Takes over the throttleStatus of an answer."""
        self._available = float(status["currentlyAvailable"])
        self._rate = float(status["restoreRate"])
        self._size = float(status["maximumAvailable"])
        self._at = self._clock()

    def wait_for(self, cost: float) -> float:
        """Returns the seconds until a query of that cost can be paid.

        A part of the bucket is left to others, as far as the query leaves any.
        """
        if self._available is None or self._rate <= 0:
            return 0.0
        wanted = min(cost + RESERVE * self._size, self._size)
        there = self._available + (self._clock() - self._at) * self._rate
        return max(0.0, (wanted - there) / self._rate)


class ShopifyClient:
    """The Admin API of one shop. One instance serves one thread."""

    def __init__(
        self,
        company_id: str,
        endpoint: str,
        token: str,
        *,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Opens nothing yet.

        Args:
            company_id: Whose shop it is, for messages.
            endpoint: Address of graphql.json.
            token: Admin API access token.
            patience: When to give up.
            sleep: Waits for seconds.
            clock: Seconds that only grow.
        """
        from dlt.sources.helpers.rest_client.auth import APIKeyAuth

        self.transport = Transport(
            f"shopify, company {company_id}",
            endpoint,
            # As an auth, not a header: dlt writes headers into its debug log.
            APIKeyAuth(name="X-Shopify-Access-Token", api_key=token, location="header"),
            hints=_HINTS,
            patience=patience,
            sleep=sleep,
        )
        self.requests = 0
        self._bucket = Bucket(clock)
        self._costs: dict[str, float] = {}

    def ask(
        self,
        operation: str,
        query: str,
        variables: dict[str, Any] | None = None,
        page: int = 1,
        about: str | None = None,
        records: type[Record] | None = None,
    ) -> Answer:
        """Runs one query or mutation.

        Args:
            operation: Name of the request in messages.
            query: The GraphQL document.
            variables: Its variables.
            page: Number of the request among those of the operation, for messages.
            about: Id of the object that a nested list belongs to, for messages.
            records: Type of the data; where the answer has another shape, they are dicts all the
                same.

        Returns:
            The answer; its data are complete, without errors.

        Raises:
            TooExpensiveError: The query costs more than any bucket holds.
            SourceError: The API refuses or doesn't answer; the message names operation and page,
                and what to do.
        """
        name = f"{operation}{f' of {about}' if about else ''}, page {page}"
        variables = variables or {}
        # What a page costs is known only once one has been asked for; until then, the most.
        dear = not variables.keys().isdisjoint({"first", "ids"})
        wait = self._bucket.wait_for(self._costs.get(operation, float(MAX_COST if dear else 0)))
        if wait > 0:
            self.transport.sleep(wait)
        self.requests += 1
        body = {"query": query, "variables": variables}
        return self.transport.send(
            name,
            "POST",
            json=body,
            read=lambda response: self._read(name, operation, response, records),
        )

    def error(self, name: str, what: str) -> SourceError:
        """Builds an error that names shop and request."""
        return SourceError(f"{self.transport.source}: {name}: {what}")

    def _read(
        self,
        name: str,
        operation: str,
        response: requests.Response,
        records: type[Record] | None = None,
    ) -> Answer:
        envelope = _envelope(response.content, records)
        cost = (envelope.get("extensions") or {}).get("cost") or {}
        requested = cost.get("requestedQueryCost")
        if requested is not None:
            self._costs[operation] = float(requested)
        if cost.get("throttleStatus"):
            self._bucket.update(cost["throttleStatus"])
        if envelope.get("errors"):
            self._refuse(name, operation, envelope["errors"])
        ignored = [
            f"{warning.get('field')}: {warning.get('message')}"
            for search in (envelope.get("extensions") or {}).get("search") or ()
            for warning in search.get("warnings") or ()
        ]
        if ignored:
            # The API leaves out what it doesn't understand and returns too much, silently.
            raise self.error(name, f"a part of the search was ignored: {'; '.join(ignored)}")
        data = envelope.get("data")
        if not isinstance(data, (dict, Record)):
            raise TryAgainError("the answer has no data")
        return Answer(data, requested)

    def _refuse(self, name: str, operation: str, errors: Any) -> None:
        """Raises what the errors of an answer mean; a part of the data is never taken for all."""
        if not isinstance(errors, list):
            raise self.error(name, str(errors))
        found = [error if isinstance(error, dict) else {"message": str(error)} for error in errors]
        codes = {(error.get("extensions") or {}).get("code") for error in found}
        messages = "; ".join(dict.fromkeys(str(error.get("message")) for error in found))
        if "THROTTLED" in codes:
            after = self._bucket.wait_for(self._costs.get(operation, 0.0))
            raise TryAgainError("throttled", max(after, 0.5), counts=False)
        if "MAX_COST_EXCEEDED" in codes:
            raise TooExpensiveError(f"{self.transport.source}: {name}: {messages}")
        if "ACCESS_DENIED" in codes:
            raise self.error(
                name,
                f"{messages} Grant the app that scope and install it again, or, for discounts and "
                "disputes, list them under skip in companies.yml.",
            )
        if codes & _RETRIED:
            raise TryAgainError(messages)
        raise self.error(name, messages)


class _Envelope(Record, Generic[Data]):
    """An answer."""

    data: Data
    extensions: Any = None
    errors: Any = None


@cache
def _decoder(records: type[Record]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_Envelope[records])  # type: ignore[valid-type]


def _envelope(content: bytes, records: type[Record] | None) -> Any:
    if records is not None:
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            return _decoder(records).decode(content)
    try:
        envelope = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise TryAgainError("the answer isn't JSON") from None
    if not isinstance(envelope, dict):
        raise TryAgainError("the answer isn't an object")
    return envelope


def admin_endpoint(host: str, scheme: str = "https") -> str:
    """Returns the address of a shop's Admin GraphQL API."""
    return f"{scheme}://{host}/admin/api/{API_VERSION}/graphql.json"
