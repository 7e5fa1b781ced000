"""CSV files on their way in: send one, see what would land, accept it, follow it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, UploadFile
from fastapi.responses import JSONResponse, Response

from reporting.blocks.blocks import Block, Column, Note, Section, Table
from reporting.blocks.formats import count
from reporting.dashboard.logins import Session
from reporting.dashboard.receiver import Receiver, ReceiverError
from reporting.dashboard.web import (
    LoggedIn,
    NotFoundError,
    check_form,
    find_company,
    page,
    see_other,
)
from reporting.metrics.company import companies

router = APIRouter()

#: What may be given of a new file instead of guessed, with an example each.
SETTINGS = {
    "currency": ("Currency", "EUR"),
    "date_format": ("Date format", "%d.%m.%Y"),
    "decimal": ("Decimal mark", ","),
    "thousands": ("Thousands mark", "."),
    "delimiter": ("Delimiter", ";"),
    "encoding": ("Encoding", "cp1252"),
}

#: By state of a file: words for people, whether nothing more happens by itself, and the tone.
STATES: dict[str, tuple[str, bool, str]] = {
    "checking": ("Being checked", False, ""),
    "ready": ("Checked: look at what would land, then accept it", True, "done"),
    "refused": ("It can't be landed as it is", True, "problem"),
    "requested": ("Accepted: waits to be landed", False, ""),
    "landing": ("Being landed", False, ""),
    "landed": ("Landed: the next refresh puts it into the numbers", True, "done"),
    "failed": ("Landing failed; what was there before stays", True, "problem"),
}


@router.get("/companies/{company_id}/upload")
def upload_page(request: Request, session: LoggedIn, company_id: str) -> Response:
    """Shows the form and the latest files."""
    return _form_page(request, session, company_id)


def _form_page(
    request: Request, session: LoggedIn, company_id: str, problem: str = "", status: int = 200
) -> Response:
    with session.reading() as connection:
        known = companies(connection)
    facts = find_company(known, company_id)
    latest: list[dict[str, Any]] = []
    try:
        latest = _receiver(request, session).uploads(company_id)
    except ReceiverError as error:
        problem = problem or str(error)
    return page(
        request,
        "upload.html",
        status,
        session=session,
        known=known,
        facts=facts,
        current="upload",
        problem=problem,
        latest=latest,
        states=STATES,
        settings=SETTINGS,
    )


@router.post("/companies/{company_id}/upload")
def send(
    request: Request,
    session: LoggedIn,
    company_id: str,
    file: UploadFile,
    token: Annotated[str, Form(max_length=200)] = "",
    feed: Annotated[str, Form(max_length=40)] = "purchases",
    mode: Annotated[str, Form(max_length=10)] = "replace",
    currency: Annotated[str, Form(max_length=10)] = "",
    date_format: Annotated[str, Form(max_length=40)] = "",
    decimal: Annotated[str, Form(max_length=2)] = "",
    thousands: Annotated[str, Form(max_length=2)] = "",
    delimiter: Annotated[str, Form(max_length=2)] = "",
    encoding: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Passes a file on to the receiver."""
    check_form(session, token)
    with session.reading() as connection:
        find_company(companies(connection), company_id)
    if not file.filename or not file.size:
        return _form_page(request, session, company_id, "Choose a file that isn't empty.", 400)
    given = {
        "currency": currency,
        "date_format": date_format,
        "decimal": decimal,
        "thousands": thousands,
        "delimiter": delimiter,
        "encoding": encoding,
    }
    fields = {
        "feed": feed.strip() or "purchases",
        "mode": mode,
        "settings": json.dumps({name: value for name, value in given.items() if value}),
    }
    try:
        sent = _receiver(request, session).send(
            company_id, file.filename, file.file, file.size, fields
        )
    except ReceiverError as error:
        return _form_page(request, session, company_id, str(error), error.status or 503)
    return see_other(f"/companies/{company_id}/uploads/{sent['upload_id']}")


@router.get("/companies/{company_id}/uploads/{upload_id}")
def one_upload(request: Request, session: LoggedIn, company_id: str, upload_id: str) -> Response:
    """Shows what would land of a file, or how far it is."""
    return _upload_page(request, session, company_id, upload_id)


def _upload_page(
    request: Request, session: Session, company_id: str, upload_id: str, problem: str = ""
) -> Response:
    with session.reading() as connection:
        known = companies(connection)
    facts = find_company(known, company_id)
    found = _find(request, session, company_id, upload_id)
    return page(
        request,
        "upload_one.html",
        session=session,
        known=known,
        facts=facts,
        current="upload",
        upload=found,
        state=_state(found),
        problem=problem,
        sections=preview_sections(found.get("preview") or {}),
    )


@router.get("/companies/{company_id}/uploads/{upload_id}/state")
def state(request: Request, session: LoggedIn, company_id: str, upload_id: str) -> Response:
    """Says how far a file is, for the page that shows it."""
    return JSONResponse(_state(_find(request, session, company_id, upload_id)))


@router.post("/companies/{company_id}/uploads/{upload_id}")
def decide(
    request: Request,
    session: LoggedIn,
    company_id: str,
    upload_id: str,
    token: Annotated[str, Form(max_length=200)] = "",
    decision: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Accepts a file, or throws it away."""
    check_form(session, token)
    _find(request, session, company_id, upload_id)
    receiver = _receiver(request, session)
    try:
        if decision == "discard":
            receiver.discard(company_id, upload_id)
            return see_other(f"/companies/{company_id}/upload")
        receiver.accept(company_id, upload_id)
    except ReceiverError as error:
        return _upload_page(request, session, company_id, upload_id, str(error))
    return see_other(f"/companies/{company_id}/uploads/{upload_id}")


def _receiver(request: Request, session: LoggedIn) -> Receiver:
    return Receiver(request.app.state.settings, *session.credentials())


def _find(request: Request, session: LoggedIn, company_id: str, upload_id: str) -> dict[str, Any]:
    try:
        UUID(upload_id)
        return _receiver(request, session).upload(company_id, upload_id)
    except ValueError:
        raise NotFoundError from None
    except ReceiverError as error:
        if error.status in {403, 404}:
            raise NotFoundError from None
        raise


def _state(upload: Mapping[str, Any]) -> dict[str, Any]:
    words, over, tone = STATES.get(upload["status"], (str(upload["status"]), True, ""))
    rows = upload.get("rows_checked")
    read = f": {count(rows)} rows read" if rows and not over else ""
    return {
        "status": upload["status"],
        "text": f"{words}{read}.",
        "tone": tone,
        "share": 1.0 if over else None,
        "over": over,
    }


def preview_sections(preview: Mapping[str, Any]) -> list[Section]:
    """Returns what a check found, in words and tables."""
    if not preview:
        return []
    blocks: list[Block] = [
        Note(text) for name in ("problems", "notes") for text in preview.get(name) or []
    ]
    mapping = (preview.get("mapping") or {}).get("columns") or {}
    if mapping:
        blocks.append(
            Table(
                "How columns are understood",
                [Column("ours", "Here"), Column("theirs", "In the file", "words")],
                [{"ours": ours, "theirs": theirs} for ours, theirs in mapping.items()],
                definition="A column of the file that isn't named here is kept beside the rest.",
            )
        )
    if "rows" in preview:
        blocks.append(
            Table(
                "What would become of the rows",
                [Column("what", "What"), Column("rows", "Rows", "count")],
                [
                    {"what": "In the file", "rows": preview["rows"]},
                    {"what": "Would land", "rows": preview["would_land"]},
                    {"what": "Would be put aside", "rows": preview["would_be_quarantined"]},
                    {"what": "Left out by a setting", "rows": preview["left_out"]},
                ],
                definition="What is put aside is kept with its reason and its line.",
            )
        )
    first = preview.get("first_rows") or []
    if first:
        names = list(dict.fromkeys(name for row in first for name in row))
        blocks.append(
            Table(
                "First rows as they would land",
                [Column(name, name) for name in names],
                first,
                definition=", ".join(
                    f"{amount} {code} in all" for code, amount in preview["amounts"].items()
                ),
            )
        )
    if preview.get("reasons"):
        blocks.append(
            Table(
                "Why rows would be put aside",
                [Column("reason", "Reason", "words"), Column("rows", "Rows", "count")],
                preview["reasons"],
            )
        )
    if preview.get("first_quarantined"):
        blocks.append(
            Table(
                "First rows that would be put aside",
                [
                    Column("line_number", "Line", "count"),
                    Column("column", "Column"),
                    Column("reason", "Reason", "words"),
                ],
                preview["first_quarantined"],
            )
        )
    return [Section("preview", "What would land", blocks)]
