"""What `clv grant`, `clv revoke`, `clv readers` and `clv audit` do.

Belongs here: companies.yml and the words. Does not belong here: roles and rows
(`warehouse/readers.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from warehouse.audit import Entry, entries, person, record
from warehouse.companies import CompaniesFileError, load_companies
from warehouse.connection import connect, url, without_password
from warehouse.databases import ensure_databases
from warehouse.readers import ReaderError, companies_of, grant_companies, revoke_companies
from warehouse.readers import readers as all_readers
from warehouse.settings import Settings


@dataclass(frozen=True)
class Given:
    """What a reader has now.

    Attributes:
        companies: All companies of the reader, for people.
        address: Where to log in.
        password: Of a login that was made; None where the role was there.
    """

    companies: str
    address: str
    password: str | None


def grant(
    settings: Settings, reader: str, companies: Sequence[str], *, personal_data: bool
) -> Given:
    """Lets a reader see companies of companies.yml.

    Raises:
        CompaniesFileError: companies.yml has a mistake, or a company isn't in it.
        ReaderError: No company is named, or see `warehouse.readers.grant_companies`.
        EmbeddedServerError, ConnectionFailedError, MissingRightError: The warehouse can't be used.
    """
    known = load_companies(settings.companies_file)
    if not companies:
        raise ReaderError(f"Name a company with --company: {', '.join(known)}.")
    unknown = [name for name in companies if name not in known]
    if unknown:
        raise CompaniesFileError(
            f"{', '.join(unknown)} is not in {settings.companies_file}, which has: "
            f"{', '.join(known)}."
        )
    ensure_databases(settings)
    with connect(settings=settings) as connection:
        password = grant_companies(connection, reader, companies, personal_data=personal_data)
        for company_id in companies:
            detail = {"personal_data": personal_data}
            record(connection, person(), "granted", reader, company_id, detail)
        seen = _worded(companies_of(connection, reader))
    located = without_password(url(settings=settings)).rpartition("@")[2]
    return Given(seen, f"{reader}@{located}", password)


def revoke(
    settings: Settings, reader: str, companies: Sequence[str], *, only_personal_data: bool
) -> str:
    """Takes companies from a reader; returns what is left, for people.

    Raises:
        ReaderError: See `warehouse.readers.revoke_companies`.
        EmbeddedServerError, ConnectionFailedError, MissingRightError: The warehouse can't be used.
    """
    ensure_databases(settings)
    with connect(settings=settings) as connection:
        left = revoke_companies(
            connection, reader, companies, only_personal_data=only_personal_data
        )
        detail = {"only_personal_data": only_personal_data, "left": sorted(left)}
        whose: Sequence[str | None] = companies or [None]
        for company_id in whose:
            record(connection, person(), "revoked", reader, company_id, detail)
        return _worded(left)


def listed(settings: Settings) -> list[str]:
    """Returns a line for each reader.

    Raises:
        EmbeddedServerError, ConnectionFailedError, MissingRightError: The warehouse can't be used.
    """
    ensure_databases(settings)
    with connect(settings=settings) as connection:
        return [f"{name}: {_worded(seen)}" for name, seen in all_readers(connection).items()]


def audited(settings: Settings, company_id: str | None, most: int) -> list[Entry]:
    """Returns the newest rows of access.audit_log, the oldest of them first.

    Raises:
        EmbeddedServerError, ConnectionFailedError, MissingRightError: The warehouse can't be used.
    """
    ensure_databases(settings)
    with connect(settings=settings) as connection:
        return entries(connection, company_id, most)


def _worded(companies: Mapping[str, bool]) -> str:
    shown = [
        f"{name} with personal data" if personal_data else name
        for name, personal_data in companies.items()
    ]
    return ", ".join(shown) or "no company any more"
