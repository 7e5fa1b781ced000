"""Files that people sent: kept apart until they are checked and accepted, then a feed's.

    <home>/uploads/<company>/.incoming/<upload>/<file>   sent, perhaps checked, not accepted
    <home>/uploads/<company>/<feed>/<file>               accepted: what the feed's path means
    <home>/uploads/<company>/.replaced/<feed>/<file>     what was there before the last exchange

Belongs here: where such a file is and what has become of it. Does not belong here: HTTP
(`receiver/uploading.py`), and how a file is read (`sources/files/`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ingestion.errors import SourceError
from ingestion.locks import one_at_a_time
from warehouse.audit import record
from warehouse.companies import CompaniesFileError, Company, load_companies
from warehouse.connection import connect
from warehouse.settings import Settings, get_settings

if TYPE_CHECKING:
    from ingestion.sources.files.reader import Feed, FeedTotals

SOURCE = "files"

#: Settings of a new feed that may be given instead of guessed.
SETTINGS = (
    *("currency", "date_format", "timezone", "decimal", "thousands", "delimiter", "encoding"),
)

#: Ends of names of files that can be CSV.
ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".zip")

#: What nobody has accepted by then is deleted.
KEPT = timedelta(days=7)

_PREVIEW = "preview.json"

_COLUMNS = (
    "upload_id, company_id, feed, file_name, bytes, sha256, mode, settings, status, uploaded_by,"
    " uploaded_at, changed_at, rows_checked, problem"
)


class UploadError(Exception):
    """What was asked for can't be done with an upload; the message says why and what to do."""


@dataclass(frozen=True)
class Upload:
    """One file that somebody sent.

    Attributes:
        upload_id: Its id.
        company_id: Whose it is.
        feed: The feed that it becomes, or becomes part of.
        file_name: Its name, of safe characters.
        bytes: Its length.
        sha256: Of its content.
        mode: "replace": it is the feed's only file then; "add": it comes beside the others.
        settings: Of a new feed, given instead of guessed.
        status: checking, ready or refused; when accepted requested, landing, landed or failed.
        uploaded_by: Who sent it.
        uploaded_at: When.
        changed_at: When its status last changed.
        rows_checked: How far the check has come, in rows.
        problem: Why it is refused or has failed, and what to do.
    """

    upload_id: UUID
    company_id: str
    feed: str
    file_name: str
    bytes: int
    sha256: str
    mode: str
    settings: dict[str, Any]
    status: str
    uploaded_by: str
    uploaded_at: datetime
    changed_at: datetime
    rows_checked: int = 0
    problem: str | None = None


def safe_name(given: str) -> str:
    """Returns a name for a file that is nothing but a name.

    Args:
        given: As the sender has it; folders in it are left out, whatever parts them.

    Raises:
        UploadError: It is none of a CSV file.
    """
    last = re.split(r"[/\\]", given)[-1]
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", last).lstrip("._-")[-100:].lstrip("._-")
    if not name.lower().endswith(ENDINGS) or name.lower() in ENDINGS:
        raise UploadError(f"The file's name has to end in one of {', '.join(ENDINGS)}.")
    return name


def incoming(settings: Settings, company_id: str, upload_id: UUID) -> Path:
    """Returns the folder of a file that isn't accepted."""
    return settings.uploads_folder / company_id / ".incoming" / str(upload_id)


def folder_of(settings: Settings, company_id: str, feed: str) -> Path:
    """Returns the folder of a feed's accepted files."""
    return settings.uploads_folder / company_id / feed


def feed_of(company: Company, name: str) -> Feed | None:
    """Returns the feed of companies.yml that has a name."""
    feeds: tuple[Feed, ...] = (*company.sources.files, *company.sources.spend)
    return next((feed for feed in feeds if feed.feed == name), None)


def check_feed(settings: Settings, company: Company, name: str) -> None:
    """Refuses a feed that is there and reads other files.

    Raises:
        UploadError: It does.
    """
    feed = feed_of(company, name)
    if feed is None:
        return
    meant = (settings.companies_file.parent / feed.path).resolve()
    if meant != (folder_of(settings, company.id, name) / "*").resolve():
        raise UploadError(
            f"Feed {name} of company {company.id} reads {feed.path}: put the file there, or send "
            "it for a feed of another name."
        )


def add(upload: Upload) -> None:
    """Writes a new upload down."""
    with connect() as connection:
        connection.execute(
            f"insert into inbox.uploads ({_COLUMNS}) values"  # noqa: S608  constants
            " (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [Jsonb(value) if name == "settings" else value for name, value in vars(upload).items()],
        )


def find(company_id: str, upload_id: UUID) -> Upload | None:
    """Returns an upload of a company."""
    with connect() as connection, connection.cursor(row_factory=class_row(Upload)) as cursor:
        return cursor.execute(
            f"select {_COLUMNS} from inbox.uploads"  # noqa: S608  constants
            " where company_id = %s and upload_id = %s",
            (company_id, upload_id),
        ).fetchone()


def latest(company_id: str, most: int = 50) -> list[Upload]:
    """Returns a company's last uploads, the newest first."""
    with connect() as connection, connection.cursor(row_factory=class_row(Upload)) as cursor:
        return cursor.execute(
            f"select {_COLUMNS} from inbox.uploads"  # noqa: S608  constants
            " where company_id = %s order by uploaded_at desc limit %s",
            (company_id, most),
        ).fetchall()


def unchecked() -> list[UUID]:
    """Returns the uploads whose check isn't over; after a start, those that were cut short."""
    with connect() as connection:
        found = connection.execute(
            "select upload_id from inbox.uploads where status = 'checking' order by uploaded_at"
        )
        return [upload_id for (upload_id,) in found]


def give_up(upload_id: UUID) -> None:
    """Refuses a file whose check has ended without a word."""
    _set(upload_id, "refused", "The check of the file has failed; send it again, or try clv map.")


def requested() -> set[str]:
    """Returns the companies that have accepted files to be landed."""
    with connect() as connection:
        # One whose landing was killed is landed again.
        found = connection.execute(
            "select distinct company_id from inbox.uploads where status = 'requested'"
            " or status = 'landing' and changed_at < now() - interval '10 minutes'"
        )
        return {company_id for (company_id,) in found}


def preview_of(settings: Settings, upload: Upload) -> dict[str, Any] | None:
    """Returns what the check found; None before it is over, and once the file is accepted."""
    path = incoming(settings, upload.company_id, upload.upload_id) / _PREVIEW
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found


def check(settings: Settings, upload_id: UUID) -> None:
    """Reads a whole upload as a load would, and writes down what would land.

    Args:
        settings: Those of the installation.
        upload_id: An upload that is being checked.
    """
    from ingestion.sources.files.reader import FeedTotals

    with connect() as connection, connection.cursor(row_factory=class_row(Upload)) as cursor:
        upload = cursor.execute(
            f"select {_COLUMNS} from inbox.uploads where upload_id = %s",  # noqa: S608
            (upload_id,),
        ).fetchone()
    if upload is None or upload.status != "checking":
        return
    folder = incoming(settings, upload.company_id, upload_id)
    totals = FeedTotals()
    try:
        with _telling(upload_id, totals):
            preview = _look(settings, upload, folder / upload.file_name, totals)
    except (SourceError, CompaniesFileError, UploadError) as error:
        preview = {"problems": [str(error)]}
    _write(folder / _PREVIEW, json.dumps(preview, default=str).encode())
    problems = preview["problems"]
    _set(upload_id, "refused" if problems else "ready", "\n".join(problems) or None, totals.rows)


def _look(settings: Settings, upload: Upload, path: Path, totals: FeedTotals) -> dict[str, Any]:
    from ingestion.sources.files.mapping import guess_file, try_feed

    company = load_companies(settings.companies_file).get(upload.company_id)
    if company is None:
        raise UploadError(f"Company {upload.company_id} isn't in companies.yml any more.")
    check_feed(settings, company, upload.feed)
    feed = feed_of(company, upload.feed)
    if feed is not None:
        guess = try_feed(path, company, feed, totals)
    else:
        written = _path_in_file(settings, company.id, upload.feed)
        given = upload.settings
        guess = guess_file(path, company, upload.feed, written, given=given, totals=totals)
    mapping = guess.feed.model_dump(mode="json", exclude_defaults=True) if guess.feed else None
    return {
        "is_new_feed": feed is None,
        "mapping": mapping,
        "columns": guess.columns,
        "rows": totals.rows,
        "would_land": totals.landed_rows,
        "would_be_quarantined": totals.rejected_rows,
        "left_out": totals.skipped_rows,
        "amounts": {code: str(amount) for code, amount in sorted(totals.amounts.items())},
        "formats": totals.formats,
        "first_rows": [
            {name: _plain(value) for name, value in row.items() if value is not None}
            for row in guess.landed
        ],
        "reasons": [
            {"reason": reason, "rows": rows} for reason, rows in guess.reasons.most_common(20)
        ],
        "first_quarantined": [
            {"line_number": row.line_number, "column": row.column_name, "reason": row.reason}
            for row in guess.rejected
        ],
        "notes": guess.notes,
        "problems": guess.problems,
    }


def accept(settings: Settings, upload: Upload) -> None:
    """Makes a checked file its feed's and asks for the feed to be landed.

    Args:
        settings: Those of the installation.
        upload: Ready; or failed, which is tried again.

    Raises:
        UploadError: It isn't ready, or its feed reads other files by now.
        CompaniesFileError: A new feed can't be written into companies.yml; the message holds what
            to write by hand.
    """
    with one_at_a_time("companies.yml"):
        _accept(settings, upload)


def _accept(settings: Settings, upload: Upload) -> None:
    if upload.status == "failed":
        _set(upload.upload_id, "requested", None)
        return
    if upload.status != "ready":
        raise UploadError(f"The file is {upload.status}; only one that is ready can be accepted.")
    company = load_companies(settings.companies_file).get(upload.company_id)
    if company is None:
        raise UploadError(f"Company {upload.company_id} isn't in companies.yml any more.")
    check_feed(settings, company, upload.feed)
    preview = preview_of(settings, upload)
    if preview is None:
        raise UploadError("The file is gone: send it again.")
    source = incoming(settings, company.id, upload.upload_id)
    target = folder_of(settings, company.id, upload.feed)
    target.mkdir(parents=True, exist_ok=True)
    others = [path for path in target.iterdir() if path.is_file()]
    # The new file first: a landing in between reads too much, and the next one puts it right.
    (source / upload.file_name).replace(target / upload.file_name)
    if upload.mode == "replace":
        _put_aside(settings, upload, [path for path in others if path.name != upload.file_name])
    _sync(target)
    if feed_of(company, upload.feed) is None:
        from ingestion.sources.files.companies_file import write_feed
        from warehouse.companies import FileFeed

        try:
            write_feed(
                settings.companies_file, company, FileFeed.model_validate(preview["mapping"])
            )
        except CompaniesFileError:
            (target / upload.file_name).replace(source / upload.file_name)
            raise
    _set(upload.upload_id, "requested", None)
    detail = {
        "file": upload.file_name,
        "sha256": upload.sha256,
        "bytes": upload.bytes,
        "mode": upload.mode,
    }
    with connect() as connection:
        record(
            connection,
            upload.uploaded_by,
            "uploaded",
            f"feed {upload.feed}",
            company.id,
            detail,
        )
    shutil.rmtree(source, ignore_errors=True)


def discard(settings: Settings, upload: Upload) -> None:
    """Deletes a file that wasn't accepted.

    Raises:
        UploadError: It was.
    """
    if upload.status not in {"checking", "ready", "refused"}:
        raise UploadError(f"The file is {upload.status}: it was accepted already.")
    shutil.rmtree(incoming(settings, upload.company_id, upload.upload_id), ignore_errors=True)
    with connect() as connection:
        connection.execute("delete from inbox.uploads where upload_id = %s", (upload.upload_id,))


def tidy(settings: Settings) -> None:
    """Deletes what nobody has accepted for a week."""
    with connect() as connection:
        found = connection.execute(
            "delete from inbox.uploads where status in ('checking', 'ready', 'refused')"
            " and changed_at < now() - %s returning company_id, upload_id",
            (KEPT,),
        ).fetchall()
    for company_id, upload_id in found:
        shutil.rmtree(incoming(settings, company_id, upload_id), ignore_errors=True)


@contextmanager
def landing(company_id: str) -> Iterator[None]:
    """Follows a load of a company's files: what was accepted before is landed, or has failed."""
    with connect() as connection:
        rows = connection.execute(
            "update inbox.uploads set status = 'landing', changed_at = now()"
            " where company_id = %s and status in ('requested', 'landing') returning upload_id",
            (company_id,),
        ).fetchall()
    try:
        yield
    except Exception as error:
        problem = str(error) if isinstance(error, SourceError) else type(error).__name__
        for (upload_id,) in rows:
            _set(upload_id, "failed", problem)
        raise
    for (upload_id,) in rows:
        _set(upload_id, "landed", None)


def _put_aside(settings: Settings, upload: Upload, files: list[Path]) -> None:
    """Keeps what a file replaces, in place of what was kept before."""
    if not files:
        return
    kept = settings.uploads_folder / upload.company_id / ".replaced" / upload.feed
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for path in files:
        path.replace(kept / path.name)


def _path_in_file(settings: Settings, company_id: str, feed: str) -> str:
    """Returns a feed's path for companies.yml: relative to it where it is below it."""
    folder = folder_of(settings, company_id, feed).resolve()
    base = settings.companies_file.resolve().parent
    shown = folder.relative_to(base).as_posix() if folder.is_relative_to(base) else str(folder)
    return re.sub(r"([*?[])", r"[\1]", shown) + "/*"


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Decimal | datetime) else value


@contextmanager
def _telling(upload_id: UUID, totals: FeedTotals) -> Iterator[None]:
    """Writes down once a second how far a check has come."""
    over = threading.Event()

    def tell() -> None:
        while not over.wait(1):
            with connect() as connection:
                connection.execute(
                    "update inbox.uploads set rows_checked = %s where upload_id = %s",
                    (totals.rows, upload_id),
                )

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _set(upload_id: UUID, status: str, problem: str | None, rows: int | None = None) -> None:
    with connect() as connection:
        connection.execute(
            "update inbox.uploads set status = %s, problem = %s, changed_at = now(),"
            " rows_checked = coalesce(%s, rows_checked) where upload_id = %s",
            (status, problem, rows, upload_id),
        )


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f"{path.name}.new")
    draft.write_bytes(content)
    draft.replace(path)


def _sync(folder: Path) -> None:
    """Lets the names in a folder survive a crash of the machine."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def shown(settings: Settings, upload: Upload, *, preview: bool = True) -> dict[str, Any]:
    """Returns an upload as the API shows it."""
    found = asdict(upload)
    if preview:
        found["preview"] = preview_of(settings, upload)
    return found


if __name__ == "__main__":
    # A process of its own: reading a long file must not keep webhooks waiting.
    check(get_settings(), UUID(sys.argv[1]))
