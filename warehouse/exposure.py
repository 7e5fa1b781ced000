"""Looks for what a reader could see of a company that isn't its own.

Belongs here: reading the catalogue. Does not belong here: mending; who makes a relation calls
access.protect (`warehouse/ddl/05_access.sql`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse.roles import PUBLIC_SCHEMAS, READER, ROLES

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow


@dataclass(frozen=True)
class Exposure:
    """Something that isn't kept to the companies of its readers.

    Attributes:
        name: A relation, function or role.
        problem: What is wrong with it.
        remedy: What to do.
    """

    name: str
    problem: str
    remedy: str


#: Columns by which personal data are known; a table with one is for readers of personal data.
PERSONAL_COLUMNS = ("email", "first_name", "last_name", "phone")

# What stands in a public schema, and what readers were given elsewhere: as clv_reader, as everybody
# or by name. A reader whose other roles see every company is no concern of theirs. The platform's
# own policies are those that ask for the roles of whoever reads.
_RELATIONS = """
    with readers as (
        select oid from pg_roles
        where
            pg_has_role(oid, (select oid from pg_roles where rolname = %(reader)s), 'member')
            and not rolsuper
            and not exists (
                select from pg_roles as wider
                where
                    wider.rolname = any(%(wider)s)
                    and pg_has_role(pg_roles.oid, wider.oid, 'member')
            )
    ),

    relations as (
        select
            pg_class.oid,
            pg_class.oid::regclass::text as name,
            relkind,
            relrowsecurity,
            reloptions && array['security_invoker=true', 'security_invoker=on'] as is_invoker,
            exists (
                select from readers
                where
                    has_schema_privilege(readers.oid, relnamespace, 'usage')
                    and has_any_column_privilege(readers.oid, pg_class.oid, 'select')
            ) as is_seen,
            nspname = any(%(public)s) as is_public,
            exists (
                select from pg_attribute
                where
                    attrelid = pg_class.oid
                    and attname = any(%(personal)s)
                    and not attisdropped
            ) as is_personal
        from pg_class
        inner join pg_namespace on pg_namespace.oid = relnamespace
        where
            relkind in ('r', 'p', 'v', 'm', 'f')
            and nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    ),

    policies as (
        select
            polrelid,
            pg_get_expr(polqual, polrelid) like '%%pg_has_role(%%' as is_kept,
            pg_get_expr(polqual, polrelid) like '%%granted.personal_data%%' as is_personal
        from pg_policy
        where
            polpermissive
            and polcmd in ('r', '*')
            and (
                0 = any(polroles)
                or exists (
                    select from readers, unnest(polroles) as named
                    where named <> 0 and pg_has_role(readers.oid, named, 'usage')
                )
            )
    )

    select
        relations.name,
        case
            when relkind = 'v' and is_invoker is not true
                then 'a view that shows the rows of every company to whoever may read it'
            when relkind in ('m', 'f')
                then 'no table, so that no policy keeps it to the companies of its readers'
            when relkind in ('r', 'p') and not relrowsecurity
                then 'without row-level security'
            when relkind in ('r', 'p') and is_seen and count(is_kept) = 0
                then 'given to readers without the policy that shows them their companies'
            when relkind in ('r', 'p') and not bool_and(is_kept)
                then 'opened to readers by a policy that shows more than their companies'
            when relkind in ('r', 'p') and relations.is_personal and is_seen
                and not bool_and(policies.is_personal)
                then 'personal data that readers see without the grant for them'
        end as problem,
        relkind::text
    from relations
    left join policies on polrelid = relations.oid
    where is_public or is_seen
    group by
        relations.oid, relations.name, relations.is_personal, relkind, relrowsecurity, is_invoker,
        is_seen
    order by relations.name
"""

_FUNCTIONS = """
    select pg_proc.oid::regprocedure::text
    from pg_proc
    inner join pg_namespace on pg_namespace.oid = pronamespace
    where
        prosecdef
        and nspname not in ('pg_catalog', 'information_schema')
        and has_schema_privilege(%(reader)s, pronamespace, 'usage')
        and has_function_privilege(%(reader)s, pg_proc.oid, 'execute')
    order by 1
"""

_READERS = """
    select
        granted.role_name,
        pg_roles.oid is null as is_gone
    from (select distinct role_name from access.reader_companies) as granted
    left join pg_roles on rolname = granted.role_name
    where pg_roles.oid is null or rolsuper or rolbypassrls
    order by 1
"""


def exposures(connection: Connection[TupleRow]) -> list[Exposure]:
    """Finds what readers could see beyond their companies.

    Args:
        connection: To the warehouse, as a role that may read access.reader_companies.

    Returns:
        Relations of `PUBLIC_SCHEMAS`, and relations and functions that readers were given anywhere,
        that aren't kept to the reader's companies; then readers to whom no policy applies, and
        grants to roles that are gone. Empty on a server without the role clv_reader.
    """
    names = {
        "reader": READER,
        "wider": [name for name in ROLES if name != READER],
        "public": list(PUBLIC_SCHEMAS),
        "personal": list(PERSONAL_COLUMNS),
    }
    there = connection.execute("select from pg_roles where rolname = %(reader)s", names).fetchone()
    if there is None:
        return []
    found = [
        Exposure(name, problem, _remedy(name, kind))
        for name, problem, kind in connection.execute(_RELATIONS, names)
        if problem is not None
    ]
    for (name,) in connection.execute(_FUNCTIONS, names):
        problem = "a function that runs with the rights of its owner, for readers too"
        found.append(Exposure(name, problem, f"revoke execute on function {name} from public;"))
    for name, is_gone in connection.execute(_READERS):
        if is_gone:
            problem = "has companies but no role: a new role of this name would read them"
            found.append(Exposure(name, problem, f"clv revoke {name}"))
        else:
            problem = "a reader whom no policy binds"
            found.append(Exposure(name, problem, f"alter role {name} nosuperuser nobypassrls;"))
    return found


def _remedy(name: str, kind: str) -> str:
    if kind == "v":
        return f"alter view {name} set (security_invoker = true); or make it a dbt model"
    if kind in {"m", "f"}:
        return f"Make {name} a table, best a dbt model: docs/add-a-mart.md"
    return (
        "Make it a dbt model (docs/add-a-mart.md), or take it away: "
        f"revoke all on {name} from public, {READER};"
    )
