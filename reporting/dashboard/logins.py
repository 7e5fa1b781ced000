"""Readers who log in: a connection as their own role, and a session that only the server knows."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout

from warehouse.connection import url
from warehouse.settings import Settings

if TYPE_CHECKING:
    from psycopg import Connection

#: A session ends after so long without a page, and after so long in any case.
IDLE_SECONDS = 60 * 60
LONGEST_SECONDS = 12 * 60 * 60

#: Wrong passwords of a name within the window, after which it has to wait.
TRIES = 5
WINDOW_SECONDS = 5 * 60

_CONNECT_SECONDS = 10
_CONNECTIONS = 4
_STATEMENT_MILLISECONDS = 20_000

# Whom no policy binds sees every company, whatever was granted.
_BOUND = """
    select
        not rolsuper and not rolbypassrls and not exists (
            select from pg_class
            where
                oid = to_regclass('marts.dim_companies')
                and pg_has_role(current_user, relowner, 'usage')
        )
    from pg_roles where rolname = current_user
"""


class LoginError(Exception):
    """Somebody can't log in; the message says why, and holds no password."""


class UnavailableError(Exception):
    """The warehouse doesn't answer; the message says what to do."""


@dataclass
class Session:
    """Somebody who is logged in.

    Attributes:
        user: Name of the role.
        pool: Connections as that role.
        address: How they connect; the password is in it.
        token: What a form has to bring back, so that no other site can send one.
        began: When, by the monotonic clock.
        seen: When the last page was asked for, likewise.
    """

    user: str
    pool: ConnectionPool[Any] = field(repr=False)
    address: str = field(repr=False)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    began: float = 0.0
    seen: float = 0.0

    def credentials(self) -> tuple[str, str]:
        """Returns name and password, for the receiver, which asks the database itself."""
        known = conninfo_to_dict(self.address)
        return self.user, str(known.get("password") or "")

    @contextmanager
    def reading(self) -> Iterator[Connection[Any]]:
        """Opens a transaction that reads one snapshot and ends with the block.

        Raises:
            UnavailableError: The warehouse doesn't answer, or the login is no longer valid.
        """
        try:
            with self.pool.connection(timeout=_CONNECT_SECONDS) as connection:
                connection.execute("set transaction isolation level repeatable read read only")
                yield connection
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise UnavailableError(
                "The warehouse doesn't answer, or the login has been closed. Try again, or log in "
                "anew."
            ) from error


class Sessions:
    """All who are logged in, in this process alone: a restart logs everybody out."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._failures: dict[str, deque[float]] = {}

    def log_in(self, user: str, password: str) -> str:
        """Logs somebody in with their own role.

        Args:
            user: Name of the role.
            password: Its password, which is kept in the pool of connections and nowhere else.

        Returns:
            Id of the session.

        Raises:
            LoginError: The name or password is wrong, it was tried too often, or policies don't
                bind the role.
            UnavailableError: The warehouse doesn't answer.
        """
        self._check_tries(user)
        try:
            address = make_conninfo(url(settings=self._settings), user=user, password=password)
            with psycopg.connect(address, connect_timeout=_CONNECT_SECONDS) as connection:
                found = connection.execute(_BOUND).fetchone()
        except (psycopg.OperationalError, ValueError) as error:
            if isinstance(error, psycopg.OperationalError) and _is_down(error):
                raise UnavailableError(
                    "The warehouse doesn't answer. Start it with clv up, or try again later."
                ) from None
            self._note_failure(user)
            # The driver's message would tell a wrong name from a wrong password.
            raise LoginError("The name or the password is wrong.") from None
        if found is None or not found[0]:
            raise LoginError(
                f"{user} sees every company whatever was granted, so it can't be used here. Make a "
                "reader: clv grant NAME --company ID"
            )
        session = Session(user, self._pool(address), address)
        session.began = session.seen = self._clock()
        session_id = secrets.token_urlsafe(32)
        with self._lock:
            self._failures.pop(user, None)
            self._sessions[session_id] = session
        self._end_old()
        return session_id

    def find(self, session_id: str) -> Session | None:
        """Returns a session that hasn't ended."""
        self._end_old()
        with self._lock:
            session = self._sessions.get(session_id)
            if session is not None:
                session.seen = self._clock()
            return session

    def log_out(self, session_id: str) -> None:
        """Ends a session and its connections."""
        with self._lock:
            session = self._sessions.pop(session_id, None)
        if session is not None:
            session.pool.close(timeout=1)

    def close(self) -> None:
        """Ends all sessions."""
        for session_id in list(self._sessions):
            self.log_out(session_id)

    def _pool(self, address: str) -> ConnectionPool[Any]:
        return ConnectionPool(
            make_conninfo(
                address,
                application_name="clv-dashboard",
                options=f"-c statement_timeout={_STATEMENT_MILLISECONDS}"
                " -c default_transaction_read_only=on",
            ),
            min_size=0,
            max_size=_CONNECTIONS,
            max_idle=120,
            # After a restart of the server nobody is given a connection of the old one.
            check=ConnectionPool.check_connection,
            reconnect_timeout=_CONNECT_SECONDS,
            open=True,
        )

    def _check_tries(self, user: str) -> None:
        now = self._clock()
        with self._lock:
            failures = self._failures.get(user, deque())
            while failures and now - failures[0] > WINDOW_SECONDS:
                failures.popleft()
            if len(failures) >= TRIES:
                wait = int((WINDOW_SECONDS - (now - failures[0])) / 60) + 1
                raise LoginError(f"Too many tries. Wait {wait} min and try again.")
            if not failures:
                self._failures.pop(user, None)

    def _note_failure(self, user: str) -> None:
        with self._lock:
            self._failures.setdefault(user, deque(maxlen=TRIES)).append(self._clock())

    def _end_old(self) -> None:
        now = self._clock()
        old = [
            session_id
            for session_id, session in list(self._sessions.items())
            if now - session.seen > IDLE_SECONDS or now - session.began > LONGEST_SECONDS
        ]
        for session_id in old:
            self.log_out(session_id)


def same(one: str, other: str) -> bool:
    """Compares secrets in a time that tells nothing."""
    return hmac.compare_digest(one.encode(), other.encode())


def _is_down(error: psycopg.OperationalError) -> bool:
    """Tells a server that can't be reached from one that refuses the login."""
    said = str(error).lower()
    return not any(
        words in said
        for words in ("password", "authentication", "does not exist", "not permitted to log in")
    )
