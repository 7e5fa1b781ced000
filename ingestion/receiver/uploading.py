"""The API for files: send one, see what would land, accept it, follow it.

Belongs here: HTTP, and who may. Does not belong here: what becomes of a file
(`ingestion/uploads.py`).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import structlog
from fastapi import APIRouter, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect

from ingestion import uploads
from ingestion.receiver.callers import DeniedError, caller
from ingestion.receiver.metrics import Metrics
from ingestion.receiver.setup import Setup
from ingestion.uploads import Upload, UploadError
from warehouse.companies import CompaniesFileError
from warehouse.connection import ConnectionFailedError
from warehouse.settings import PROJECT_ROOT, SecretsFileError

log = structlog.get_logger()

#: Of one request, however slow its sender is.
SENDING_SECONDS = 600.0

#: Of the form around a file.
_FORM_BYTES = 64 * 1024

_FEED = re.compile(r"[a-z][a-z0-9_]{0,30}")

_CHUNK = 1024 * 1024

Answer = tuple[int, Any]


class _TooLargeError(Exception):
    """More has come than may."""


@dataclass
class Uploads:
    """Takes files in.

    Attributes:
        setup: The companies.
        metrics: Counts.
    """

    setup: Setup
    metrics: Metrics
    router: APIRouter = field(default_factory=APIRouter)
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        one = "/companies/{company_id}/uploads/{upload_id}"
        routes: list[tuple[str, str, Callable[..., Awaitable[Answer]]]] = [
            ("POST", "/companies/{company_id}/uploads", self._send),
            ("GET", "/companies/{company_id}/uploads", self._list),
            ("GET", one, self._show),
            ("POST", f"{one}/accept", self._accept),
            ("DELETE", one, self._discard),
        ]
        for method, path, work in routes:
            self.router.add_api_route(
                path,
                self._endpoint(work),
                methods=[method],
                response_model=None,
                name=work.__name__,
            )

    async def resume(self) -> None:
        """Checks again what a receiver that was stopped had not checked to its end."""
        await asyncio.to_thread(uploads.tidy, self.setup.settings)
        for upload_id in await asyncio.to_thread(uploads.unchecked):
            self._check_beside(upload_id)

    def _endpoint(
        self, work: Callable[..., Awaitable[Answer]]
    ) -> Callable[[Request], Awaitable[JSONResponse]]:
        async def endpoint(request: Request) -> JSONResponse:
            began = asyncio.get_running_loop().time()
            known = {"action": work.__name__.strip("_")}
            try:
                status, answer = await self._allowed(work, request, known)
            except DeniedError as error:
                status, answer = error.status, {"error": error.reason}
            except UploadError as error:
                status, answer = 409, {"error": str(error)}
            except _TooLargeError:
                most = self.setup.settings.upload_max_bytes
                status, answer = 413, {"error": f"The file is longer than {most:,} bytes."}
            except (CompaniesFileError, SecretsFileError) as error:
                status, answer = 409, {"error": str(error)}
            except (psycopg.Error, ConnectionFailedError):
                status, answer = 503, {"error": "The warehouse doesn't answer; try again later."}
            except OSError as error:
                log.error("file not kept", reason=type(error).__name__, **known)
                status, answer = 507, {"error": "The file can't be kept; is the disk full?"}
            (log.info if status < 400 else log.warning)("upload", status=status, **known)
            seconds = asyncio.get_running_loop().time() - began
            self.metrics.observe("files", status, "done" if status < 400 else "refused", seconds)
            return JSONResponse(jsonable_encoder(answer), status)

        return endpoint

    async def _allowed(
        self, work: Callable[..., Awaitable[Answer]], request: Request, known: dict[str, str]
    ) -> Answer:
        company_id = request.path_params["company_id"]
        if re.fullmatch(_FEED, company_id) is None:
            raise DeniedError(404, "no such company")
        who = await caller(self.setup.settings, request.headers, company_id)
        # Only who may is told which companies there are.
        if company_id not in self.setup.companies():
            raise DeniedError(404, "no such company")
        known |= {"company_id": company_id, "by": who}
        if "upload_id" not in request.path_params:
            return await work(company_id, who, request, known)
        try:
            upload_id = UUID(request.path_params["upload_id"])
        except ValueError:
            raise DeniedError(404, "no such upload") from None
        known["upload_id"] = str(upload_id)
        upload = await asyncio.to_thread(uploads.find, company_id, upload_id)
        if upload is None:
            raise DeniedError(404, "no such upload")
        return await work(upload)

    async def _list(
        self, company_id: str, who: str, request: Request, known: dict[str, str]
    ) -> Answer:
        found = await asyncio.to_thread(uploads.latest, company_id)
        settings = self.setup.settings
        return 200, [uploads.shown(settings, each, preview=False) for each in found]

    async def _show(self, upload: Upload) -> Answer:
        return 200, await asyncio.to_thread(uploads.shown, self.setup.settings, upload)

    async def _accept(self, upload: Upload) -> Answer:
        settings = self.setup.settings
        await asyncio.to_thread(uploads.accept, settings, upload)
        found = await asyncio.to_thread(uploads.find, upload.company_id, upload.upload_id)
        return 202, uploads.shown(settings, found or upload)

    async def _discard(self, upload: Upload) -> Answer:
        await asyncio.to_thread(uploads.discard, self.setup.settings, upload)
        return 200, {"status": "discarded"}

    async def _send(
        self, company_id: str, who: str, request: Request, known: dict[str, str]
    ) -> Answer:
        """Keeps a file and begins to check it."""
        settings, upload_id = self.setup.settings, uuid4()
        folder = uploads.incoming(settings, company_id, upload_id)
        known["upload_id"] = str(upload_id)
        kept = False
        try:
            async with asyncio.timeout(SENDING_SECONDS):
                upload = await self._kept(company_id, who, request, upload_id, folder)
            await asyncio.to_thread(uploads.add, upload)
            kept = True
        except TimeoutError:
            raise DeniedError(408, "The file didn't come in time.") from None
        finally:
            if not kept:
                shutil.rmtree(folder, ignore_errors=True)
        known["bytes"] = str(upload.bytes)
        self._check_beside(upload_id)
        return 202, uploads.shown(settings, upload)

    async def _kept(
        self, company_id: str, who: str, request: Request, upload_id: UUID, folder: Path
    ) -> Upload:
        kind = request.headers.get("content-type", "").split(";")[0].strip()
        if kind != "multipart/form-data":
            raise DeniedError(415, "Send the file as the field file of a form (multipart).")
        most = self.setup.settings.upload_max_bytes + _FORM_BYTES
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > most:
            raise _TooLargeError
        limited = Request(request.scope, _limited(request.receive, most))
        try:
            form = await limited.form(max_files=1, max_fields=10)
        except (MultiPartException, ClientDisconnect):
            raise DeniedError(400, "The form can't be read.") from None
        except Exception as error:
            # Starlette makes an answer of its own of what the parser says.
            if type(error).__name__ == "HTTPException":
                raise DeniedError(400, "The form can't be read.") from None
            raise
        try:
            file = form.get("file")
            if not isinstance(file, UploadFile) or not file.filename:
                raise DeniedError(400, "The form has no field file with a name.")
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            name = uploads.safe_name(file.filename)
            feed, mode = fields.get("feed", "purchases"), fields.get("mode", "replace")
            if _FEED.fullmatch(feed) is None:
                raise DeniedError(400, "feed: small letters, digits and _, a letter first.")
            if mode not in {"replace", "add"}:
                raise DeniedError(400, "mode: replace or add.")
            given = _settings(fields.get("settings"))
            uploads.check_feed(self.setup.settings, self.setup.companies()[company_id], feed)
            folder.mkdir(parents=True)
            size, digest = await _written(file, folder / name)
        finally:
            await form.close()
        if size > self.setup.settings.upload_max_bytes:
            raise _TooLargeError
        now = datetime.now(UTC)
        return Upload(
            *(upload_id, company_id, feed, name, size, digest, mode, given),
            status="checking",
            uploaded_by=who,
            uploaded_at=now,
            changed_at=now,
        )

    def _check_beside(self, upload_id: UUID) -> None:
        task = asyncio.create_task(self._check(upload_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _check(self, upload_id: UUID) -> None:
        """Checks in a process of its own; one at a time, so that webhooks keep their core."""
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ingestion.uploads", str(upload_id)),
                cwd=PROJECT_ROOT,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                code = await process.wait()
            except asyncio.CancelledError:
                process.kill()
                raise
        if code:
            log.error("check of a file ended", upload_id=str(upload_id), code=code)
            await asyncio.to_thread(uploads.give_up, upload_id)


def _settings(text: str | None) -> dict[str, Any]:
    """Reads the settings that are given for a new feed.

    Raises:
        DeniedError: They are none.
    """
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    fits = isinstance(found, dict) and all(
        name in uploads.SETTINGS and isinstance(value, str) for name, value in found.items()
    )
    if not fits:
        known = ", ".join(uploads.SETTINGS)
        raise DeniedError(400, f"settings: a JSON object of texts, of {known}.")
    return dict(found)


def _limited(
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]], most: int
) -> Callable[[], Awaitable[MutableMapping[str, Any]]]:
    """Counts what comes, and stops when it is too much."""
    size = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            raise _TooLargeError
        return message

    return counted


async def _written(file: UploadFile, path: Path) -> tuple[int, str]:
    """Writes a file to disk; returns its length and hash."""
    digest = hashlib.sha256()
    size = 0
    with path.open("xb") as target:
        while chunk := await file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            await asyncio.to_thread(target.write, chunk)
        target.flush()
        await asyncio.to_thread(os.fsync, target.fileno())
    return size, digest.hexdigest()
