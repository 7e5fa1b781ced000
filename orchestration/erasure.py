"""What `clv erase` and `clv export-person` do.

Belongs here: the order of things, and the words. Does not belong here: whose rows are whose
(`ingestion/erasure.py`) and where else somebody stands (`warehouse/traces.py`).
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, sql

from ingestion.erasure import (
    SOURCES,
    Guard,
    Keys,
    Person,
    conditions,
    customer_ids,
    erase_landed,
    erase_rejected,
    find_person,
    hashes_of,
    owned_keys,
    rejected_rows,
    rejected_tables,
    remember,
    words_of,
)
from ingestion.locks import exclusive_load, one_at_a_time, writing
from ingestion.personal import normal, pseudonym
from warehouse.audit import person, record
from warehouse.companies import CompaniesFileError, Company, load_companies
from warehouse.connection import connect
from warehouse.databases import database_exists, ensure_databases
from warehouse.settings import DAGSTER_DATABASE, MLFLOW_DATABASE, Settings
from warehouse.traces import (
    empty_staging,
    hide_customers,
    replace_mentions,
    rows_about,
    sweep_database,
    sweep_files,
    write_down,
)

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class ErasureError(Exception):
    """Somebody can't be erased or exported; the message says why, and never who."""


@dataclass(frozen=True)
class _Found:
    """A person as the warehouse knows them.

    Attributes:
        company: Whose customer they are.
        email: The address that was given, as addresses are compared.
        person: All their names.
        keys: Ids of their landed rows by source and table.
        guards: Tell their rows in quarantine, by source.
        customers: What the models call them.
        erased_at: When they were erased; None where they never were.
        clear_emails: Their addresses that aren't erased yet, with what stands in place of each.
    """

    company: Company
    email: str
    person: Person
    keys: dict[str, Keys]
    guards: dict[str, Guard]
    customers: list[str]
    erased_at: datetime | None
    clear_emails: dict[str, str]


def erase(settings: Settings, company_id: str, email: str) -> str:
    """Takes out of everything that the platform holds who a person is.

    Logs and the tables of Dagster and MLflow come first, and all of the warehouse in one
    transaction last: until that is through, a further call finds everything that this one did.

    Args:
        settings: Those of the installation.
        company_id: The company.
        email: Any address of the person.

    Returns:
        What was done, for people.

    Raises:
        ErasureError: Nobody is known by the address, or it is none; or a table or a log can't be
            written.
        SourceError: A load of the company is under way; nothing was changed.
        CompaniesFileError: The company isn't in companies.yml, or that has a mistake.
        EmbeddedServerError, ConnectionFailedError, MissingRightError: The warehouse can't be used.
    """
    company = _company(settings, company_id)
    _check(email)
    ensure_databases(settings)
    with _without_quoting(), ExitStack() as held:
        # What a load has read already would land in clear.
        for source in SOURCES:
            held.enter_context(exclusive_load(source, company_id))
        # And what models have read already, or carry over from the tables that are there. In this
        # order: a build has the company first and waits for the other builds.
        held.enter_context(writing(company_id))
        held.enter_context(one_at_a_time("models"))
        connection = held.enter_context(connect(settings=settings))
        found = _find(connection, company, email)
        words = set(found.clear_emails)
        for source, keys in found.keys.items():
            words |= words_of(connection, source, company_id, keys)
        changed = Counter({"logs": _sweep(settings, words)})
        changed += _erase_rows(connection, found)
        hashed = hashes_of(connection, [found.email])[found.email]
        write_down(connection, company_id, hashed, changed)
        rows = sum(changed.values())
        # Who it was is what has just been forgotten.
        record(connection, person(), "erased", "a person", company_id, {"rows": rows})
    again = "" if found.erased_at is None else f", erased before on {found.erased_at:%Y-%m-%d}"
    accounts = sum(map(len, found.person.accounts.values()))
    return (
        f"Erased: a person with {accounts} accounts{again}; {rows} rows changed. Orders and "
        "amounts stay. docs/erasure.md says what else stays, and where."
    )


def export(settings: Settings, company_id: str, email: str) -> str:
    """Gives all rows about a person.

    Args:
        settings: Those of the installation.
        company_id: The company.
        email: Any address of the person.

    Returns:
        JSON: when it was made, when they were erased, and the rows by table.

    Raises:
        ErasureError: Nobody is known by the address, or it is none.
        CompaniesFileError: The company isn't in companies.yml, or that has a mistake.
        EmbeddedServerError, ConnectionFailedError, MissingRightError: The warehouse can't be used.
    """
    company = _company(settings, company_id)
    _check(email)
    ensure_databases(settings)
    with connect(settings=settings) as connection:
        # All tables as of one moment.
        connection.execute("set transaction isolation level repeatable read")
        found = _find(connection, company, email)
        landed: dict[str, sql.Composable] = {}
        for source, keys in found.keys.items():
            landed |= conditions(connection, source, keys)
        landed["quarantine.rejected_rows"] = _in_quarantine(connection, found)
        tables = dict(
            rows_about(connection, company_id, landed, found.customers, sorted(found.clear_emails))
        )
        detail = {name: len(rows) for name, rows in tables.items()}
        record(connection, person(), "exported", "a person", company_id, detail)
    exported = {
        "company": company_id,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "erased_at": found.erased_at and found.erased_at.isoformat(timespec="seconds"),
        "tables": tables,
    }
    return json.dumps(exported, ensure_ascii=False, indent=2)


def write_privately(path: Path, text: str) -> None:
    """Writes a file that nobody else can read.

    Raises:
        ErasureError: It can't be written, or is there already.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ErasureError(f"{path} is there already. Name another file with --out.") from None
    except OSError as error:
        raise ErasureError(f"{path} can't be written: {error.strerror}.") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")


@contextmanager
def _without_quoting() -> Iterator[None]:
    """Tells what went wrong without the row that it went wrong with."""
    try:
        yield
    except psycopg.errors.Error as error:
        advice = (
            "Two ids of customers in a file are one address in other letters: make them one."
            if isinstance(error, psycopg.errors.UniqueViolation)
            else "Run the command again."
        )
        raise ErasureError(
            f"The database refused ({type(error).__name__}), so nothing of the warehouse was "
            f"changed. {advice}"
        ) from None
    except OSError as error:
        raise ErasureError(
            f"{error.filename} can't be read or written: {error.strerror}. Nothing of the "
            "warehouse was changed; mend it and run the command again."
        ) from None


def _company(settings: Settings, company_id: str) -> Company:
    companies = load_companies(settings.companies_file)
    if company_id not in companies:
        raise CompaniesFileError(
            f"{company_id} is not in {settings.companies_file}, which has: {', '.join(companies)}."
        )
    return companies[company_id]


def _check(email: str) -> None:
    if not _EMAIL.fullmatch(email.strip()):
        raise ErasureError("That is no e-mail address: write it as --email somebody@example.com.")


def _find(connection: Connection[Any], company: Company, email: str) -> _Found:
    email = normal(email.strip())
    person = find_person(connection, company.id, email)
    keys = {source: owned_keys(connection, source, person) for source in SOURCES}
    guards = {
        source: Guard(connection, company.id, source, person.emails, found)
        for source, found in keys.items()
    }
    hashed = hashes_of(connection, person.emails)
    clear = {each: pseudonym(of) for each, of in hashed.items() if each != pseudonym(of)}
    listed = connection.execute(
        "select min(erased_at) from access.erased_people"
        " where company_id = %s and source = 'email' and name = any(%s)",
        (company.id, list(hashed.values())),
    ).fetchone()
    found = _Found(
        company,
        email,
        person,
        keys,
        guards,
        customer_ids(connection, person),
        listed[0] if listed else None,
        clear,
    )
    if found.erased_at is None and not _is_held(connection, found):
        raise ErasureError(f"Nobody in company {company.id} is known by that e-mail.")
    return found


def _is_held(connection: Connection[Any], found: _Found) -> bool:
    landed: dict[str, sql.Composable] = {}
    for source, keys in found.keys.items():
        landed |= conditions(connection, source, keys)
    return any(
        rows
        for _, rows in rows_about(
            connection, found.company.id, landed, found.customers, found.clear_emails
        )
    )


def _in_quarantine(connection: Connection[Any], found: _Found) -> sql.Composable:
    places = []
    for source, guard in found.guards.items():
        tables = rejected_tables(found.company, source)
        places += [
            place
            for place, feed, row in rejected_rows(connection, guard)
            if feed in tables and guard.owns_rejected(tables[feed], row)
        ]
    return sql.SQL("ctid = any({}::tid[])").format(sql.Literal(places))


def _erase_rows(connection: Connection[Any], found: _Found) -> Counter[str]:
    company_id = found.company.id
    changed: Counter[str] = Counter()
    remember(connection, found.person)
    for source, keys in found.keys.items():
        changed += erase_landed(connection, source, company_id, keys)
        changed["quarantine.rejected_rows"] += erase_rejected(
            connection, found.guards[source], rejected_tables(found.company, source)
        )
    changed["marts.customer_pii"] += hide_customers(connection, company_id, found.customers)
    changed += replace_mentions(connection, company_id, found.clear_emails)
    empty_staging(connection, company_id)
    return changed


def _sweep(settings: Settings, words: set[str]) -> int:
    """Takes somebody out of logs: those in files, and those of Dagster and MLflow in tables."""
    changed = len(sweep_files(settings.home, words)) if settings.home.is_dir() else 0
    for database in (DAGSTER_DATABASE, MLFLOW_DATABASE):
        if database_exists(database, settings):
            with connect(database, settings) as connection:
                changed += sweep_database(connection, words)
    return changed
