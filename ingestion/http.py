"""How an API is asked: again when it helps, not again when it doesn't, and always with a name.

Belongs here: what every API connector shares, retries, waits and the errors people see. Does not
belong here: what one API says in its answers (`sources/<name>/client.py`).
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import requests
from requests.auth import AuthBase

from ingestion.errors import SourceError

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client import RESTClient

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

#: Seconds to connect, and seconds without a byte after which a connection counts as dead.
TIMEOUTS = (10.0, 90.0)

CHUNK_BYTES = 1 << 20

#: Headers that name a version of a file, each with that which asks for another (RFC 9110, 13.1).
VALIDATORS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}

_HINTS = {
    401: "The token is wrong or has expired: put a valid one in place.",
    402: "The account is frozen for lack of payment: its owner has to settle the bill.",
    403: "The token may not do this: grant the app the access it lacks.",
    404: "Nothing is at this address: check the endpoint and the API's version.",
    423: "The account is locked: its owner has to contact the vendor.",
}


class TryAgainError(Exception):
    """What reads an answer raises it when the same request is worth sending again.

    Attributes:
        reason: What was wrong with the answer.
        after: Seconds to wait first; None leaves it to the policy.
        counts: Whether it uses up an attempt; being told to slow down doesn't.
    """

    def __init__(self, reason: str, after: float | None = None, *, counts: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after
        self.counts = counts


@dataclass(frozen=True)
class Patience:
    """How long to go on.

    Attributes:
        attempts: Failures of one request before it is given up.
        slowdowns: Times that one request may be told to slow down.
        first_wait: Seconds before the second attempt; each further one waits twice as long.
        longest_wait: Most seconds between two attempts; an API that asks for more is given up.
    """

    attempts: int = 8
    slowdowns: int = 60
    first_wait: float = 1.0
    longest_wait: float = 300.0


class Transport:
    """Sends requests to one API until they are answered or hopeless."""

    def __init__(
        self,
        source: str,
        base_url: str,
        auth: AuthBase | None = None,
        *,
        hints: Mapping[int, str] | None = None,
        explain: Callable[[str, requests.Response], Exception | None] | None = None,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Opens nothing yet.

        Args:
            source: What errors call the API, such as "shopify, company acme".
            base_url: What paths are relative to.
            auth: Puts the credentials on each request; never on a download.
            hints: By HTTP status, what to do about it; takes the place of the general ones.
            explain: Given a request's name and an answer that wasn't expected, returns what that
                means to this API: a TryAgainError or a SourceError; None leaves it to the status.
            patience: When to give up.
            sleep: Waits for seconds.
            chance: A number from 0 to 1, so that those who failed together don't come back so.
        """
        self.source = source
        self.sleep = sleep
        self._base_url = base_url
        self._auth = auth
        self._hints = _HINTS | dict(hints or {})
        self._explain = explain
        self._patience = patience or Patience()
        self._chance = chance
        self._session = requests.Session()

    def send(
        self,
        name: str,
        method: str,
        path: str = "",
        *,
        read: Callable[[requests.Response], Answer],
        expected: Collection[int] = (200,),
        **parts: Any,
    ) -> Answer:
        """Sends a request and returns what was read from its answer.

        Args:
            name: The request as people know it, such as "Orders, page 12".
            method: "GET" or "POST".
            path: Below the base URL.
            read: Turns an answer into the result. May raise TryAgainError, or SourceError when
                trying again is of no use.
            expected: Statuses of the answers that are read.
            parts: What RESTClient takes: params, json, headers, allow_redirects.

        Raises:
            SourceError: The request is hopeless, or the patience is used up; names the request.
        """
        client = self._client
        return self._insist(
            name,
            lambda: read(
                self._checked(
                    name,
                    client.request(path, method=method, timeout=TIMEOUTS, **parts),  # type: ignore[arg-type]
                    expected,
                )
            ),
        )

    @cached_property
    def _client(self) -> RESTClient:
        from dlt.sources.helpers.rest_client import RESTClient

        return RESTClient(self._base_url, auth=self._auth, session=self._session)

    def download(self, name: str, address: str, target: Path) -> int:
        """Fetches a file from a signed address, without credentials, in bounded memory.

        Args:
            name: The request as people know it; the address itself is as good as a password and
                stays out of messages.
            address: Where it lies.
            target: Written anew by each attempt.

        Returns:
            Its size in bytes.

        Raises:
            SourceError: As `send`.
        """
        self._fetch(name, address, target, {}, (200,))
        return target.stat().st_size

    def download_changed(
        self, name: str, address: str, target: Path, known: Mapping[str, str]
    ) -> dict[str, str] | None:
        """Fetches a file as `download` does, unless it is still the one that was fetched last.

        Args:
            name: The request as people know it.
            address: Where it lies.
            target: Written anew by each attempt.
            known: What the last fetch of this address returned; empty without one.

        Returns:
            What names this version of the file, for the next time; empty where the server doesn't
            say. None when it hasn't changed, and nothing was written.

        Raises:
            SourceError: As `send`.
        """
        asked = {VALIDATORS[header]: value for header, value in known.items()}
        answer = self._fetch(name, address, target, asked, (200, 304) if asked else (200,))
        if answer.status_code == 304:
            return None
        return {each: answer.headers[each] for each in VALIDATORS if each in answer.headers}

    def _fetch(
        self,
        name: str,
        address: str,
        target: Path,
        headers: Mapping[str, str],
        expected: Collection[int],
    ) -> requests.Response:
        def attempt() -> requests.Response:
            with requests.get(address, stream=True, timeout=TIMEOUTS, headers=headers) as response:
                self._checked(name, response, expected)
                if response.status_code == 200:
                    with target.open("wb") as file:
                        for chunk in response.iter_content(CHUNK_BYTES):
                            file.write(chunk)
            return response

        return self._insist(name, attempt)

    def _insist(self, name: str, attempt: Callable[[], Answer]) -> Answer:
        failures, slowdowns = 0, 0
        while True:
            try:
                return attempt()
            except requests.RequestException as error:
                # Its text can hold the address with its signature; its kind says enough.
                again = TryAgainError(f"the connection failed ({type(error).__name__})")
            except TryAgainError as error:
                again = error
            if again.counts:
                failures += 1
            else:
                slowdowns += 1
            if failures >= self._patience.attempts or slowdowns >= self._patience.slowdowns:
                raise SourceError(
                    f"{self.source}: {name}: given up after {failures + slowdowns} attempts: "
                    f"{again.reason}. Nothing of this load has landed; run it again later."
                ) from None
            if again.after is not None and again.after > self._patience.longest_wait:
                raise SourceError(
                    f"{self.source}: {name}: {again.reason}, to be tried again in "
                    f"{again.after:,.0f} s. Nothing of this load has landed; run it again then."
                ) from None
            wait = self._wait(again, failures)
            log.info("%s: %s: %s; again in %.1f s", self.source, name, again.reason, wait)
            self.sleep(wait)

    def _wait(self, again: TryAgainError, failures: int) -> float:
        if again.after is not None:
            # Never before the time that was named, and not all at the same moment.
            return again.after + self._chance() * max(0.2, 0.1 * again.after)
        doublings = 2 ** max(failures - 1, 0)
        backoff = min(self._patience.longest_wait, self._patience.first_wait * doublings)
        return backoff * (0.5 + 0.5 * self._chance())

    def _checked(
        self, name: str, response: requests.Response, expected: Collection[int] = (200,)
    ) -> requests.Response:
        status = response.status_code
        if status in expected:
            return response
        if self._explain is not None and (meant := self._explain(name, response)) is not None:
            raise meant
        reason = f"HTTP {status} {response.reason or ''}".rstrip()
        after = retry_after(response.headers.get("Retry-After"))
        if status == 429:
            raise TryAgainError(reason, after, counts=False)
        if status >= 500 or status in {408, 425}:
            raise TryAgainError(reason, after)
        hint = self._hints.get(status, "The API refuses the request as it stands.")
        raise SourceError(f"{self.source}: {name}: {reason}. {hint}")


def retry_after(text: str | None, now: datetime | None = None) -> float | None:
    """Reads a Retry-After header.

    Args:
        text: Seconds, or a date as HTTP writes it.
        now: What a date is counted from; by default the clock.

    Returns:
        Seconds, never negative; None when there is no header or it can't be read.
    """
    if text is None:
        return None
    with suppress(ValueError):
        seconds = float(text)
        return max(0.0, seconds) if seconds < float("inf") else None
    with suppress(ValueError):
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
    return None


def server_time(response: requests.Response) -> datetime:
    """Reads the server's time; this machine's where it doesn't tell."""
    try:
        moment = parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        return datetime.now(UTC)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
