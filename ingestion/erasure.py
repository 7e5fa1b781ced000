"""Whose personal data are erased: found in what has landed, and kept out of what lands.

Belongs here: what the list access.erased_people means for landed rows, pages and quarantine. Does
not belong here: marts (`warehouse/traces.py`) and the command (`orchestration/erasure.py`).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from psycopg import Connection, sql

from ingestion.personal import (
    ACCOUNTS,
    EMAIL_ADDRESS,
    PersonalTable,
    addresses,
    normal,
    pseudonym,
    telling,
    without,
)
from ingestion.quarantine import RejectedRow
from warehouse.companies import Company
from warehouse.connection import connect, exists

#: Sources that hold people.
SOURCES = ("files", "shopify", "square", "stripe", "woocommerce")

BRIDGE = sql.Identifier("marts", "bridge_customer_identities")

Postgres = Connection[Any]
#: Ids of somebody's rows by table, and accounts and addresses besides.
Keys = dict[str, set[str]]


@dataclass
class Person:
    """Everything by which one or several people are known.

    Attributes:
        company_id: The company.
        emails: Addresses as they are compared, erased ones as what stands for them.
        accounts: Ids of accounts by source.
    """

    company_id: str
    emails: set[str] = field(default_factory=set)
    accounts: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def size(self) -> int:
        """How much is known."""
        return len(self.emails) + sum(map(len, self.accounts.values()))

    def keys(self, source: str) -> Keys:
        """Returns what rows of a source are looked up by."""
        return {EMAIL_ADDRESS: set(self.emails), ACCOUNTS: set(self.accounts[source])}


def hashes_of(connection: Postgres, texts: Iterable[str]) -> dict[str, str]:
    """Returns the keyed hash of each address; the key doesn't leave the server."""
    found = connection.execute(
        "select text, access.email_hash(text) from unnest(%s::text[]) as text",
        (sorted(set(texts)),),
    )
    return {text: hashed for text, hashed in found if hashed is not None}


def personal_tables(source: str) -> tuple[PersonalTable, ...]:
    """Returns the tables of a source as they are declared."""
    if source == "files":
        from ingestion.sources.files.schema import PERSONAL_LINES

        return (PERSONAL_LINES,)
    tables = import_module(f"ingestion.sources.{source}.tables").TABLES
    return tuple(table.personal for table in tables)


def find_person(connection: Postgres, company_id: str, email: str) -> Person:
    """Finds all names of whoever has an address: over accounts, sources and other addresses.

    Args:
        connection: To the warehouse.
        company_id: Of one company only.
        email: An address, in any case.
    """
    person = Person(company_id, {normal(email)})
    known = 0
    while person.size != known:
        known = person.size
        hashed = hashes_of(connection, person.emails)
        person.emails |= {pseudonym(each) for each in hashed.values()}
        for source in SOURCES:
            _grow(connection, source, person)
        _follow_bridge(connection, person)
    return person


def erased_people(connection: Postgres, company_id: str) -> Person:
    """Returns all who were erased."""
    everybody = Person(company_id)
    for source, name in connection.execute(
        "select source, name from access.erased_people where company_id = %s", (company_id,)
    ):
        if source == EMAIL_ADDRESS:
            everybody.emails.add(pseudonym(name))
        else:
            everybody.accounts[source].add(name)
    return everybody


def remember(connection: Postgres, person: Person) -> None:
    """Puts somebody on the list of those who are taken out of whatever lands."""
    names = {(EMAIL_ADDRESS, each) for each in hashes_of(connection, person.emails).values()}
    names |= {
        (source, account)
        for source, accounts in person.accounts.items()
        for account in accounts
        # An address that a file uses as an id is on the list by its hash.
        if "@" not in account
    }
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into access.erased_people (company_id, source, name) values (%s, %s, %s)"
            " on conflict do nothing",
            [(person.company_id, *name) for name in sorted(names)],
        )


def owned_keys(connection: Postgres, source: str, person: Person) -> Keys:
    """Finds the ids of somebody's rows by table, those included that only other rows lead to."""
    keys = person.keys(source)
    tables = [table for table in _landed(connection, source) if table.key]
    known = -1
    while (size := sum(map(len, keys.values()))) != known:
        known = size
        for table in tables:
            condition = _condition(table, keys)
            if condition is None or table.key is None:
                continue
            found = connection.execute(
                sql.SQL("select {} from {} where company_id = %s and ({})").format(
                    sql.Identifier(table.key), _name(source, table), condition
                ),
                (person.company_id,),
            )
            keys.setdefault(table.name, set()).update(each for (each,) in found)
    return keys


def conditions(connection: Postgres, source: str, keys: Keys) -> dict[str, sql.Composable]:
    """Returns, by table, which landed rows are somebody's, in SQL."""
    found = {
        f"raw_{source}.{table.name}": _condition(table, keys)
        for table in _landed(connection, source)
    }
    return {name: condition for name, condition in found.items() if condition is not None}


def words_of(connection: Postgres, source: str, company_id: str, keys: Keys) -> set[str]:
    """Returns what tells somebody apart wherever it stands: addresses, telephones, whole names."""
    words: set[str] = set()
    for table in _landed(connection, source):
        columns = [name for name, personal in table.columns.items() if personal.kind != "kept"]
        condition = _condition(table, keys)
        if condition is None or not columns:
            continue
        for row in connection.execute(
            sql.SQL("select {} from {} where company_id = %s and ({})").format(
                sql.SQL(", ").join(map(sql.Identifier, columns)), _name(source, table), condition
            ),
            (company_id,),
        ):
            words |= telling(dict(zip(columns, row, strict=True)))
    return words


def erase_landed(connection: Postgres, source: str, company_id: str, keys: Keys) -> Counter[str]:
    """Takes out of somebody's landed rows what says who they are; the caller commits.

    Returns:
        Rows changed, by table.
    """
    changed: Counter[str] = Counter()
    for table in _landed(connection, source):
        columns = [name for name, personal in table.columns.items() if personal.kind != "kept"]
        condition = _condition(table, keys)
        if condition is None or not columns:
            continue
        landed = connection.execute(
            sql.SQL("select ctid::text, {} from {} where company_id = %s and ({})").format(
                sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(c)) for c in columns),
                _name(source, table),
                condition,
            ),
            (company_id,),
        ).fetchall()
        of_email = [n for n, c in enumerate(columns) if table.columns[c].kind == "email"]
        hashes = hashes_of(
            connection, [row[1 + n] for row in landed for n in of_email if row[1 + n]]
        )
        with connection.cursor() as cursor:
            for place, *values in landed:
                left = [
                    table.columns[column].of(value, hashes)
                    for column, value in zip(columns, values, strict=True)
                ]
                if _same(left, values):
                    continue
                cursor.execute(
                    sql.SQL("update {} set {} where ctid = %s::tid").format(
                        _name(source, table),
                        sql.SQL(", ").join(
                            sql.SQL("{} = %s").format(sql.Identifier(column)) for column in columns
                        ),
                    ),
                    (*left, place),
                )
                changed[f"raw_{source}.{table.name}"] += 1
    return changed


def erase_rejected(connection: Postgres, guard: Guard, tables: Mapping[str, PersonalTable]) -> int:
    """Takes people out of the rows of a source that are in quarantine; the caller commits.

    Args:
        connection: To the warehouse.
        guard: Knows whose rows.
        tables: By feed.

    Returns:
        Rows changed.
    """
    changed = 0
    for place, feed, row in rejected_rows(connection, guard):
        left = guard.rejected(tables.get(feed), row)
        if left != row:
            connection.execute(
                "update quarantine.rejected_rows set source_file = %s, reason = %s, raw_row = %s"
                " where ctid = %s::tid",
                (left.source_file, left.reason, json.dumps(left.raw_row), place),
            )
            changed += 1
    return changed


def rejected_rows(connection: Postgres, guard: Guard) -> list[tuple[str, str, RejectedRow]]:
    """Returns the rows of a source in quarantine, each with its place in the table and its feed."""
    found = connection.execute(
        "select ctid::text, feed, source_file, line_number, column_name, reason, raw_row"
        " from quarantine.rejected_rows where company_id = %s and source = %s",
        (guard.company_id, guard.source),
    )
    return [(place, feed, RejectedRow(*row)) for place, feed, *row in found]


def rejected_tables(company: Company, source: str) -> dict[str, PersonalTable]:
    """Returns the tables in which what is in quarantine would have landed, by feed."""
    declared = personal_tables(source)
    if source != "files":
        return {table.name: table for table in declared}
    (lines,) = declared
    return {
        feed.feed: replace(lines, paths={ours: (name,) for ours, name in feed.columns.items()})
        for feed in company.sources.files
    }


class Guard:
    """Takes people who were erased out of what a load reads.

    Attributes:
        company_id: Whose load it is.
        source: Name of the source.
        hashes: Keyed hashes of their addresses.
        keys: Ids of their rows by table; grows while a load is read.
    """

    def __init__(
        self, connection: Postgres, company_id: str, source: str, emails: Iterable[str], keys: Keys
    ) -> None:
        self.company_id = company_id
        self.source = source
        self._connection = connection
        self.hashes = frozenset(hashes_of(connection, emails).values())
        self.keys = {kind: set(ids) for kind, ids in keys.items() if kind != EMAIL_ADDRESS}

    @property
    def idle(self) -> bool:
        """Whether nobody was erased."""
        return not self.hashes

    def page(self, table: PersonalTable, page: pa.Table) -> pa.Table:
        """Takes people out of a page before it goes anywhere."""
        if self.idle or not page.num_rows:
            return page
        texts = [each.name for each in page.schema if pa.types.is_string(each.type)]
        columns = {name: page.column(name).to_pylist() for name in self._speaking(table, page)}
        found = {each for values in columns.values() for each in values if each}
        hashes = self._hashes(
            {token for each in found for token in addresses(each)}
            | {each for name in _address_columns(table, texts) for each in columns[name] if each}
        )
        mine = self._owned(table, page, columns, hashes)
        if any(mine):
            page = self._without_owners(table, page, mine, hashes)
        return self._without_mentions(page, texts, hashes)

    def rejected(self, table: PersonalTable | None, row: RejectedRow) -> RejectedRow:
        """Takes people out of a row that goes to quarantine, or is there.

        Of their rows only columns stay that say nothing of them; in others their addresses go.
        """
        if self.idle:
            return row
        if table is not None and self.owns_rejected(table, row):
            # Behind the colon the value is quoted.
            row = replace(
                row, reason=row.reason.split(":")[0], raw_row=_unspeaking(table, row.raw_row)
            )
        text = json.dumps([row.source_file, row.reason, row.raw_row], ensure_ascii=False)
        hashes = self._hashes(addresses(text))
        if not self.hashes.intersection(hashes.values()):
            return row
        source_file, reason, raw_row = json.loads(without(text, self._replacement(hashes)))
        return replace(row, source_file=source_file, reason=reason, raw_row=raw_row)

    def owns_rejected(self, table: PersonalTable, row: RejectedRow) -> bool:
        """Says whether a row in quarantine is theirs."""
        named = [
            (kind, str(value).strip())
            for column, kind in table.named
            if column in table.paths
            and isinstance(value := _at(row.raw_row, table.paths[column]), (str, int))
        ]
        hashes = self._hashes([text for kind, text in named if kind == EMAIL_ADDRESS])
        return any(
            hashes.get(text) in self.hashes
            if kind == EMAIL_ADDRESS
            else text.rsplit("/", 1)[-1] in self.keys.get(kind, ())
            for kind, text in named
        )

    def landed(self) -> None:
        """Takes people out of what landed: rows of theirs that only later ones showed to be so."""
        if self.idle:
            return
        with connect() as connection:
            everybody = erased_people(connection, self.company_id)
            everybody.accounts[self.source] |= self.keys.get(ACCOUNTS, set())
            keys = owned_keys(connection, self.source, everybody)
            erase_landed(connection, self.source, self.company_id, keys)

    def _speaking(self, table: PersonalTable, page: pa.Table) -> list[str]:
        """Names the columns that hold an address, or may be one."""
        texts = [each.name for each in page.schema if pa.types.is_string(each.type)]
        of_email = set(_address_columns(table, texts))
        return [
            name
            for name in texts
            if name in of_email or pc.any(pc.match_substring(page.column(name), "@")).as_py()
        ]

    def _owned(
        self,
        table: PersonalTable,
        page: pa.Table,
        columns: Mapping[str, list[str | None]],
        hashes: Mapping[str, str],
    ) -> list[bool]:
        mine = [False] * page.num_rows
        for column, kind in table.named:
            if kind == EMAIL_ADDRESS:
                hits = [hashes.get(value or "") in self.hashes for value in columns[column]]
            elif self.keys.get(kind):
                ids = pa.array(sorted(self.keys[kind]), pa.string())
                hits = pc.is_in(page.column(column), value_set=ids).to_pylist()
            else:
                continue
            mine = [one or other for one, other in zip(mine, hits, strict=True)]
        if table.key and any(mine):
            ids = page.column(table.key).filter(pa.array(mine))
            self.keys.setdefault(table.name, set()).update(ids.to_pylist())
        return mine

    def _without_owners(
        self,
        table: PersonalTable,
        page: pa.Table,
        mine: list[bool],
        hashes: Mapping[str, str],
    ) -> pa.Table:
        for column, personal in table.columns.items():
            values = page.column(column).to_pylist()
            left = [
                personal.of(value, hashes) if owned else value
                for value, owned in zip(values, mine, strict=True)
            ]
            page = _with_column(page, column, left)
        return page

    def _without_mentions(
        self, page: pa.Table, texts: Iterable[str], hashes: Mapping[str, str]
    ) -> pa.Table:
        if not self.hashes.intersection(hashes.values()):
            return page
        for column in texts:
            if pc.any(pc.match_substring(page.column(column), "@")).as_py():
                left = [
                    value and without(value, self._replacement(hashes))
                    for value in page.column(column).to_pylist()
                ]
                page = _with_column(page, column, left)
        return page

    def _replacement(self, hashes: Mapping[str, str]) -> Any:
        def stand_in(address: str) -> str | None:
            hashed = hashes.get(address)
            return pseudonym(hashed) if hashed in self.hashes else None

        return stand_in

    def _hashes(self, texts: Collection[str]) -> dict[str, str]:
        return hashes_of(self._connection, texts) if texts else {}


@contextmanager
def guarding(company_id: str, source: str) -> Iterator[Guard]:
    """Guards a load: whoever was erased stays so.

    What a load before this one may have left half done is erased first.

    Args:
        company_id: Whose load it is.
        source: Name of the source.
    """
    with closing(connect(autocommit=True)) as connection:
        everybody = erased_people(connection, company_id)
        keys = owned_keys(connection, source, everybody) if everybody.size else {}
        guard = Guard(connection, company_id, source, everybody.emails, keys)
        guard.landed()
        yield guard


def _grow(connection: Postgres, source: str, person: Person) -> None:
    """Takes the addresses of somebody's accounts, and the accounts of their addresses."""
    tables = _landed(connection, source)
    own = next((table for table in tables if table.account and table.key), None)
    for table in tables:
        named = table.account or table.bought_under
        condition = _condition(replace(table, key=None), person.keys(source))
        if named is None or condition is None:
            continue
        account, email = map(sql.Identifier, named)
        # What was typed with a purchase is the account's only where it has no other address.
        alone: sql.Composable = sql.SQL("true")
        if table.bought_under:
            alone = sql.SQL("{} is not null and {} is not null").format(account, email)
        if table.bought_under and own is not None and own.account is not None:
            alone += sql.SQL(
                " and not exists (select from {} as own where own.company_id = landed.company_id"
                " and own.{} = landed.{} and trim(own.{}) <> '')"
            ).format(
                _name(source, own),
                sql.Identifier(own.account[0]),
                account,
                sql.Identifier(own.account[1]),
            )
        for account_id, address in connection.execute(
            sql.SQL(
                "select distinct {}, {} from {} as landed where company_id = %s and ({}) and ({})"
            ).format(account, email, _name(source, table), condition, alone),
            (person.company_id,),
        ):
            if account_id:
                person.accounts[source].add(account_id)
            # Of a file's customers the id may be an address.
            person.emails |= {
                normal(each) for each in (address, account_id) if each and "@" in each
            }


def _follow_bridge(connection: Postgres, person: Person) -> None:
    """Takes the names that the models have put together."""
    customers = customer_ids(connection, person)
    if not customers:
        return
    for source, name in connection.execute(
        sql.SQL(
            "select distinct split_part(source, '.', 1), source_customer_id from {}"
            " where company_id = %s and customer_id = any(%s)"
        ).format(BRIDGE),
        (person.company_id, customers),
    ):
        if name.startswith(guest("")):
            person.emails.add(pseudonym(name.removeprefix(guest(""))))
        else:
            person.accounts[source].add(name)


def customer_ids(connection: Postgres, person: Person) -> list[str]:
    """Returns what the models call somebody; nothing before they have run."""
    if not exists(connection, BRIDGE):
        return []
    names = [(source, each) for source, ids in person.accounts.items() for each in ids]
    found = connection.execute(
        sql.SQL(
            """
            select distinct customer_id from {} where company_id = %s and (
                source_customer_id = any(%s)
                or (split_part(source, '.', 1), source_customer_id) in (
                    select * from unnest(%s::text[], %s::text[])
                )
            )
            """
        ).format(BRIDGE),
        (
            person.company_id,
            [guest(each) for each in hashes_of(connection, person.emails).values()],
            [source for source, _ in names],
            [each for _, each in names],
        ),
    )
    return sorted(each for (each,) in found)


def guest(email_hash: str) -> str:
    """Returns what the models call a customer without an account."""
    return f"guest-{email_hash}"


def _landed(connection: Postgres, source: str) -> list[PersonalTable]:
    """Returns the tables that there are, with the columns that there are."""
    there: dict[str, set[str]] = defaultdict(set)
    for table, column in connection.execute(
        "select table_name, column_name from information_schema.columns where table_schema = %s",
        (f"raw_{source}",),
    ):
        there[table].add(column)
    return [
        replace(
            table,
            owners=tuple(each for each in table.owners if each[0] in there[table.name]),
            columns={c: each for c, each in table.columns.items() if c in there[table.name]},
        )
        for table in personal_tables(source)
        if table.name in there and table.owners
    ]


def _condition(table: PersonalTable, keys: Keys) -> sql.Composable | None:
    """Says in SQL which rows are somebody's; None where none can be."""
    wanted: list[sql.Composable] = []
    for column, kind in table.named:
        if keys.get(kind):
            text = "lower(trim({}))" if kind == EMAIL_ADDRESS else "{}"
            wanted.append(
                sql.SQL(text + " = any({})").format(
                    sql.Identifier(column), sql.Literal(sorted(keys[kind]))
                )
            )
    return sql.SQL(" or ").join(wanted) if wanted else None


def _name(source: str, table: PersonalTable) -> sql.Identifier:
    return sql.Identifier(f"raw_{source}", table.name)


def _address_columns(table: PersonalTable, texts: Iterable[str]) -> list[str]:
    """Names the columns that are addresses, whatever they look like."""
    named = {column for column, kind in table.owners if kind == EMAIL_ADDRESS}
    named |= {column for column, personal in table.columns.items() if personal.kind == "email"}
    return [name for name in texts if name in named]


def _with_column(page: pa.Table, column: str, values: list[str | None]) -> pa.Table:
    place = page.schema.get_field_index(column)
    kind = page.schema.field(place)
    return page.set_column(place, kind, pa.array(values, kind.type))


def _same(left: list[str | None], values: list[str | None]) -> bool:
    """Says whether nothing changed; JSON may be written otherwise."""
    return all(
        one == other or (one and other and _parsed(one) == _parsed(other))
        for one, other in zip(left, values, strict=True)
    )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _at(row: Any, path: Iterable[str]) -> Any:
    for key in path:
        row = row.get(key) if isinstance(row, dict) else None
    return row


def _unspeaking(table: PersonalTable, row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns of a row what its unpersonal columns would have held."""
    left: dict[str, Any] = {}
    for column, path in table.paths.items():
        personal = table.columns.get(column)
        value = _at(row, path)
        if value is None or (personal is not None and personal.kind != "kept"):
            continue
        branch = left
        for key in path[:-1]:
            branch = branch.setdefault(key, {})
        if isinstance(branch, dict):
            branch[path[-1]] = value
    return left
