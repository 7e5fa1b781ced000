"""The receiver's API for files, asked with the reader's own login; the receiver decides who may."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO
from urllib.parse import quote

import requests

from warehouse.settings import Settings

_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 120
_CHUNK = 1024 * 1024


class ReceiverError(Exception):
    """The receiver refused something or doesn't answer; the message is for people.

    Attributes:
        status: Of the answer; 0 where there was none.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Receiver:
    """The receiver, as one reader reaches it."""

    def __init__(self, settings: Settings, user: str, password: str) -> None:
        self._base = settings.receiver_url or f"http://127.0.0.1:{settings.receiver_port}"
        self._login = (user, password)

    def uploads(self, company_id: str) -> list[dict[str, Any]]:
        """Returns the latest files of a company, the newest first."""
        found: list[dict[str, Any]] = self._ask("GET", company_id)
        return found

    def upload(self, company_id: str, upload_id: str) -> dict[str, Any]:
        """Returns one file and what its check found."""
        found: dict[str, Any] = self._ask("GET", company_id, upload_id)
        return found

    def send(
        self, company_id: str, name: str, file: BinaryIO, size: int, fields: Mapping[str, str]
    ) -> dict[str, Any]:
        """Sends a file, a piece at a time; returns what the receiver says of it."""
        boundary = secrets.token_hex(16)
        head, tail = _form(boundary, name, fields)

        found: dict[str, Any] = self._ask(
            "POST",
            company_id,
            data=_Body(head, file, size, tail),
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        )
        return found

    def accept(self, company_id: str, upload_id: str) -> None:
        """Asks for a checked file to be landed."""
        self._ask("POST", company_id, upload_id, "accept")

    def discard(self, company_id: str, upload_id: str) -> None:
        """Throws a file away that wasn't accepted."""
        self._ask("DELETE", company_id, upload_id)

    def _ask(self, method: str, company_id: str, *path: str, **more: Any) -> Any:
        steps = "/".join(
            quote(step, safe="") for step in ("companies", company_id, "uploads", *path)
        )
        with requests.Session() as session:
            # Never through a proxy of the environment, which would see the login.
            session.trust_env = False
            try:
                answer = session.request(
                    method,
                    f"{self._base}/{steps}",
                    auth=self._login,
                    timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS),
                    allow_redirects=False,
                    **more,
                )
            except requests.RequestException:
                raise ReceiverError(
                    0, "The receiver of files doesn't answer. Start it: clv up"
                ) from None
        try:
            said = answer.json()
        except ValueError:
            raise ReceiverError(answer.status_code, "The receiver gave no answer.") from None
        if not answer.ok:
            reason = said.get("error") if isinstance(said, dict) else None
            raise ReceiverError(answer.status_code, str(reason or "The receiver refused it."))
        return said


class _Body:
    """What is sent, a piece at a time; with a length, or it would be sent in chunks."""

    def __init__(self, head: bytes, file: BinaryIO, size: int, tail: bytes) -> None:
        self._head, self._file, self._size, self._tail = head, file, size, tail

    def __len__(self) -> int:
        return len(self._head) + self._size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        while piece := self._file.read(_CHUNK):
            yield piece
        yield self._tail


def _form(boundary: str, name: str, fields: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Returns what stands before and after the file in a form (RFC 7578)."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields.items()
    ]
    safe = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{safe}"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    return "".join(parts).encode(), f"\r\n--{boundary}--\r\n".encode()
