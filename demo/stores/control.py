"""Trouble on demand: which request meets which fault, and what happens to the shop after it.

Shared by the stand-ins; nothing here knows an API.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

# What a request can meet. `status` answers with that code; `drop` closes the connection in the
# middle of the body; `malformed` is JSON that stops; those of bulk befall a bulk operation, and
# those of a result its download.
REQUEST_FAULTS = frozenset(
    {
        *("throttled", "status", "slow", "drop", "malformed", "internal", "access_denied"),
        # What a site made of PHP answers with: a notice before the JSON, a page instead of it.
        *("notice", "webpage"),
    }
)
BULK_FAULTS = frozenset(
    {"bulk_failed", "bulk_failed_empty", "bulk_canceled", "bulk_expired", "bulk_stuck"}
)
RESULT_FAULTS = frozenset(
    {"result_missing", "result_expired", "result_cut", "result_short", "drop", "slow", "status"}
)


@dataclass(frozen=True, slots=True)
class Request:
    """What a request is known by: kind (graphql, rest, bulk, result), operation, root fields."""

    kind: str
    operation: str | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests are meant; what is None fits all."""

    kind: str | None = None
    operation: str | None = None
    field: str | None = None

    def fits(self, request: Request) -> bool:
        """Tells whether a request is meant."""
        return (
            (self.kind is None or self.kind == request.kind)
            and (self.operation is None or self.operation == request.operation)
            and (self.field is None or self.field in request.fields)
        )


@dataclass(slots=True)
class Fault:
    """One fault: from the `nth` fitting request on (1 is the next), `count` times."""

    kind: str
    match: Match
    nth: int = 1
    count: int = 1
    status: int = 500
    retry_after: float | None = None
    seconds: float = 1.0
    scope: str = "read_orders"
    # What the answer says about trying again; None says nothing.
    retry: bool | None = None
    seen: int = 0
    hits: int = 0

    def meets(self, request: Request) -> bool:
        """Counts a request and tells whether the fault befalls it."""
        if not self.match.fits(request):
            return False
        self.seen += 1
        if self.seen < self.nth or self.hits >= self.count:
            return False
        self.hits += 1
        return True


@dataclass(slots=True)
class Hook:
    """What is done to the shop after the `nth` fitting request was answered, once."""

    match: Match
    changes: list[dict[str, Any]]
    nth: int = 1
    seen: int = 0
    done: bool = False


@dataclass(slots=True)
class Plane:
    """All that is planned, and a log of the requests.

    `kind` is that of the API's requests, which is meant where none is named.
    """

    kind: str = "graphql"
    faults: list[Fault] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add_fault(self, order: dict[str, Any]) -> Fault:
        """Plans a fault.

        Raises:
            ValueError: The kind is not known, or does not befall such requests.
        """
        order = dict(order)
        kind = order.pop("kind", None)
        match = Match(**order.pop("match", {}))
        if kind in BULK_FAULTS:
            match = Match("bulk", match.operation, match.field)
        elif kind in RESULT_FAULTS - REQUEST_FAULTS:
            match = Match("result", match.operation, match.field)
        elif kind not in REQUEST_FAULTS:
            known = ", ".join(sorted(REQUEST_FAULTS | BULK_FAULTS | RESULT_FAULTS))
            raise ValueError(f"no such fault: {kind}; known are {known}")
        elif match.kind is None:
            match = Match(self.kind, match.operation, match.field)
        fault = Fault(kind, match, **order)
        with self._lock:
            self.faults.append(fault)
        return fault

    def add_hook(self, order: dict[str, Any]) -> Hook:
        """Plans changes after a request."""
        after = dict(order["after"])
        nth = after.pop("nth", 1)
        hook = Hook(Match(**{"kind": self.kind, **after}), list(order["do"]), nth)
        with self._lock:
            self.hooks.append(hook)
        return hook

    def meet(self, request: Request) -> Fault | None:
        """Returns the fault that befalls a request; every plan counts it."""
        with self._lock:
            met = [fault for fault in self.faults if fault.meets(request)]
        return met[0] if met else None

    def after(self, request: Request, change: Callable[[dict[str, Any]], Any]) -> None:
        """Makes the changes that were planned for after this request."""
        due: list[Hook] = []
        with self._lock:
            for hook in self.hooks:
                if hook.match.fits(request):
                    hook.seen += 1
                    if hook.seen == hook.nth and not hook.done:
                        hook.done = True
                        due.append(hook)
        for hook in due:
            for each in hook.changes:
                change(each)

    def clear(self) -> None:
        """Forgets all plans and the log."""
        with self._lock:
            self.faults.clear()
            self.hooks.clear()
            self.log.clear()

    def state(self) -> dict[str, Any]:
        """Returns the plans with what they have met so far."""
        with self._lock:
            return {
                "faults": [asdict(each) for each in self.faults],
                "hooks": [asdict(each) for each in self.hooks],
            }
