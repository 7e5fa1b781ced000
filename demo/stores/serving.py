"""What a stand-in hands over to be served."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.applications import Starlette


@dataclass(frozen=True, slots=True)
class Served:
    """One stand-in, ready to be served.

    Attributes:
        app: The application.
        said: Lines to print before the address: tokens and keys, which are nobody's secrets.
        path: What follows host and port in the address.
    """

    app: Starlette
    said: tuple[str, ...]
    path: str
