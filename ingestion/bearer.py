"""Asks an API of plain GET requests, a token, and a version in a header.

Belongs here: what the clients of such APIs share. Does not belong here: an API's own address,
version, and what its answers and refusals mean (`sources/<name>/client.py`).
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

import orjson
import requests

from ingestion.arrow import Node
from ingestion.errors import SourceError
from ingestion.http import Patience, Transport, TryAgainError, server_time


class BearerClient(ABC):
    """The API of one account. One instance serves one thread.

    Attributes:
        name: Of the source.
        base: Path below the endpoint, such as "/v1".
        version: Header and value that say in which version answers are read.
        hints: What to do, by status.
        source: Source and company, for messages.
        now: The API's own time, of its last answer; None before the first.
        requests: How often it was asked.
    """

    name: ClassVar[str]
    base: ClassVar[str]
    version: ClassVar[tuple[str, str]]
    hints: ClassVar[Mapping[int, str]]

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
            token: Access token, or a secret or restricted key.
            patience: When to give up.
            sleep: Waits for seconds.
        """
        from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

        self.source = f"{self.name}, company {company_id}"
        self.now: datetime | None = None
        self.requests = 0
        self._transport = Transport(
            self.source,
            f"{endpoint.rstrip('/')}{self.base}",
            # As an auth, not a header: dlt writes headers into its debug log.
            BearerTokenAuth(token=token),
            hints=self.hints,
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
            The answer.

        Raises:
            SourceError: The API refuses or doesn't answer; the message names the request, and what
                to do. What `_explain` makes of a refusal is one too.
        """
        self.requests += 1
        header, value = self.version
        return self._transport.send(
            name,
            "GET",
            path,
            read=self._read,
            params=dict(params or {}),
            headers={header: value},
        )

    def error(self, name: str, what: str) -> SourceError:
        """Builds an error that names account and request."""
        return SourceError(f"{self.source}: {name}: {what}")

    def _read(self, response: requests.Response) -> Node:
        try:
            found = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            raise TryAgainError("the answer isn't JSON") from None
        if not isinstance(found, dict) or not self._is_answer(found):
            raise TryAgainError("the answer isn't an object of the API")
        self.now = server_time(response)
        return found

    @abstractmethod
    def _is_answer(self, found: dict[str, Any]) -> bool:
        """Says whether an object is an answer of the API, and no proxy's."""

    @abstractmethod
    def _explain(self, name: str, response: requests.Response) -> Exception | None:
        """Reads why a request is refused; None where the status says enough."""
