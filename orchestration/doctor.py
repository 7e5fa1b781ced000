"""What is wrong with an installation, and how to mend it.

Belongs here: looking. Does not belong here: mending; `clv doctor` changes nothing.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from psycopg import sql

from ingestion.receiver.setup import SOURCES as WEBHOOK_SOURCES
from ingestion.receiver.setup import Setup
from orchestration import services
from orchestration.manifest import MANIFEST
from reporting.segments.definition import SegmentsFileError, load_segments
from reporting.segments.publication import segment_columns
from warehouse.companies import CompaniesFileError, load_companies
from warehouse.connection import ConnectionFailedError, connect, exists, url, without_password
from warehouse.databases import DATABASES, database_exists
from warehouse.embedded import MAJOR_VERSION, EmbeddedServerError, embedded_server, port_is_free
from warehouse.exposure import exposures
from warehouse.readers import readers
from warehouse.roles import missing_roles, statements_for
from warehouse.settings import PROJECT_ROOT, SecretsFileError, Settings

LOCK_FILE = PROJECT_ROOT / "requirements.lock"
OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON = (3, 13)
# The demo's data, logs, models and a dump of them.
MINIMUM_FREE_BYTES = 2 * 1024**3
PACKAGES_NAMED = 5


@dataclass(frozen=True)
class Finding:
    """One line of `clv doctor`.

    Attributes:
        subject: What was looked at.
        seen: What was found.
        remedy: What to do; None where nothing is wrong.
    """

    subject: str
    seen: str
    remedy: str | None = None


def examine(settings: Settings) -> Iterator[Finding]:
    """Looks at everything that a run needs, the foundations first."""
    looks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _python,
        _packages,
        _home,
        _companies,
        _manifest,
        _data_directory,
        _databases,
        _access,
        _segments,
        _inbox,
        _services,
    )
    for look in looks:
        yield from look(settings)


def _python(settings: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    fits = OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON
    yield Finding(
        "Python",
        version,
        None if fits else "Install Python 3.11, 3.12 or 3.13, remove .venv and run make again.",
    )


def _packages(settings: Settings) -> Iterator[Finding]:
    try:
        wanted = locked_versions(LOCK_FILE)
    except FileNotFoundError:
        # An installation without the sources, such as an image, has nothing to compare with.
        yield Finding("Packages", "no requirements.lock to compare with")
        return
    differing = []
    for name, version in wanted.items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            differing.append(f"{name} is missing")
        else:
            if installed != version:
                differing.append(f"{name} is {installed}, locked is {version}")
    if not differing:
        yield Finding("Packages", f"{len(wanted)} as locked")
        return
    more = len(differing) - PACKAGES_NAMED
    named = "; ".join(differing[:PACKAGES_NAMED]) + (f"; and {more} more" if more > 0 else "")
    yield Finding("Packages", named, "Install them again: rm .venv/.installed && make status")


def locked_versions(lock_file: Path) -> dict[str, str]:
    """Returns name and version of what a lock file wants on this machine.

    Args:
        lock_file: Pinned requirements with markers and hashes.

    Raises:
        FileNotFoundError: There is no such file.
    """
    from packaging.requirements import Requirement

    versions = {}
    for line in lock_file.read_text(encoding="utf-8").splitlines():
        if line[:1].isalnum():
            requirement = Requirement(line.rstrip("\\ "))
            if requirement.marker is None or requirement.marker.evaluate():
                versions[requirement.name] = next(iter(requirement.specifier)).version
    return versions


def _home(settings: Settings) -> Iterator[Finding]:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.home):
            pass
    except OSError as error:
        yield Finding(
            "Folder",
            f"{settings.home} can't be written ({error.strerror})",
            "Make it a folder that you may write, or choose another one with CLV_HOME.",
        )
        return
    yield Finding("Folder", f"{settings.home} can be written")
    free = shutil.disk_usage(settings.home).free
    yield Finding(
        "Disk",
        f"{free / 1024**3:.1f} GB free",
        None
        if free >= MINIMUM_FREE_BYTES
        else f"Free some: {MINIMUM_FREE_BYTES // 1024**3} GB are needed. Or move to another disk "
        "with CLV_HOME.",
    )


def _companies(settings: Settings) -> Iterator[Finding]:
    try:
        companies = load_companies(settings.companies_file)
    except CompaniesFileError as error:
        yield Finding("Companies", str(error), f"Mend {settings.companies_file}.")
    else:
        yield Finding("Companies", f"{', '.join(companies)} in {settings.companies_file}")


def _manifest(settings: Settings) -> Iterator[Finding]:
    if MANIFEST.exists():
        yield Finding("dbt", f"manifest at {MANIFEST}")
    else:
        yield Finding("dbt", "not parsed yet; `clv up` does it")


def _data_directory(settings: Settings) -> Iterator[Finding]:
    if settings.database_url is not None:
        return
    server = embedded_server(settings)
    version = server.version()
    if version is None:
        yield Finding("Data directory", "none yet; `clv up` makes it")
    elif version == MAJOR_VERSION:
        yield Finding("Data directory", f"PostgreSQL {version} in {server.data}")
    else:
        yield Finding(
            "Data directory",
            f"{server.data} was made by PostgreSQL {version}, this is {MAJOR_VERSION}",
            f"Move it away: mv '{server.data}' '{server.data}-{version}'",
        )


def _databases(settings: Settings) -> Iterator[Finding]:
    try:
        shown = without_password(url(settings=settings))
        missing = [name for name in DATABASES if not database_exists(name, settings)]
    except EmbeddedServerError as error:
        if embedded_server(settings).recorded_port() is None:
            yield Finding("Databases", "none yet; `clv up` makes them")
        else:
            yield Finding("Databases", str(error))
    except ConnectionFailedError as error:
        yield Finding(
            "Databases", str(error), "Mend CLV_DATABASE_URL, or see why the server refuses."
        )
    else:
        if missing:
            yield Finding("Databases", f"missing: {', '.join(missing)}", "Make them: clv up")
        else:
            yield Finding("Databases", f"{', '.join(DATABASES)} at {shown}")


def _access(settings: Settings) -> Iterator[Finding]:
    """Whether every reader sees the rows of its companies and no others."""
    try:
        connection = connect(settings=settings)
    except (EmbeddedServerError, ConnectionFailedError):
        return  # the databases' finding says it
    with connection:
        made = connection.execute("select to_regclass('access.reader_companies')").fetchone()
        if made is None or made[0] is None:
            yield Finding("Access", "not set up yet; `clv up` does it")
            return
        missing = missing_roles(connection)
        if missing:
            yield Finding(
                "Access",
                f"roles are missing: {', '.join(missing)}",
                f"Let an administrator run, and then clv prepare:\n{statements_for(missing)}",
            )
        found = exposures(connection)
        for exposure in found:
            yield Finding(f"Access to {exposure.name}", exposure.problem, exposure.remedy)
        if not missing and not found:
            count = len(readers(connection))
            yield Finding("Access", f"each of {count} readers is kept to its companies")


def _segments(settings: Settings) -> Iterator[Finding]:
    """Checked against the table that they are asked of, so not before it is there."""
    try:
        with connect(settings=settings) as connection:
            columns = segment_columns(connection)
    except (EmbeddedServerError, ConnectionFailedError):
        return  # the databases' finding says it
    if not columns:
        yield Finding("Segments", "not checked before the first run has made customer_360")
        return
    try:
        segments = load_segments(settings.segments_file, columns)
    except SegmentsFileError as error:
        yield Finding("Segments", str(error), f"Mend {settings.segments_file}.")
    else:
        names = ", ".join(each.name for each in segments) or "none"
        yield Finding("Segments", f"{names} in {settings.segments_file}")


def _inbox(settings: Settings) -> Iterator[Finding]:
    """Whether stores can tell, and whether what they told has landed."""
    with suppress(CompaniesFileError, SecretsFileError):
        setup = Setup(settings)
        for company_id in setup.companies():
            for source in WEBHOOK_SOURCES:
                endpoint = setup.endpoint(company_id, source)
                if endpoint is not None and not endpoint.secrets:
                    yield Finding(
                        f"Webhooks of {source}, {company_id}",
                        "no secret is set, so none is taken; the nightly load finds what changed",
                    )
    try:
        with connect(settings=settings) as connection:
            if not exists(connection, sql.Identifier("inbox", "events")):
                return
            found = connection.execute(
                "select company_id, source, count(*), max(problem) from inbox.events"
                " where status = 'failed' group by 1, 2 order by 1, 2"
            ).fetchall()
    except (EmbeddedServerError, ConnectionFailedError):
        return  # the databases' finding says it
    for company_id, source, number, problem in found:
        yield Finding(
            f"Webhooks of {source}, {company_id}",
            f"{number} events have failed, such as: {problem}",
            "Mend the cause; the next landing of the company settles what can be read again.",
        )
    if not found:
        yield Finding("Webhooks", "no event has failed")


def _services(settings: Settings) -> Iterator[Finding]:
    for status in services.status(settings):
        where = f" at {status.address}" if status.address else ""
        if status.state is services.State.RUNNING:
            yield Finding(status.name, f"running{where}")
        elif status.state is services.State.NOT_ANSWERING:
            yield Finding(
                status.name,
                f"runs but doesn't answer{where}. It said:\n"
                f"{services.last_log_lines(settings, status.name)}",
                "Start it anew: clv down && clv up",
            )
        elif services.has_died(settings, status.name):
            yield Finding(
                status.name,
                f"has ended by itself. It said:\n{services.last_log_lines(settings, status.name)}",
                "Start it again: clv up",
            )
        else:
            yield Finding(status.name, f"stopped{_port_note(settings, status.name)}")


def _port_note(settings: Settings, name: str) -> str:
    preferred = services.preferred_port(settings, name)
    if preferred is None or port_is_free(preferred):
        return ""
    return f"; port {preferred} is taken by another program, so `clv up` takes the next free one"
