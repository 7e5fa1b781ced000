"""The tables of the custom segments, kept equal to what segments.yml says.

Belongs here: reading reporting.customer_360 and writing reporting.custom_segments and
reporting.custom_segment_summary. Does not belong here: what criteria mean (`compilation.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from reporting.segments.compilation import membership
from reporting.segments.definition import Segment

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow


@dataclass(frozen=True)
class Published:
    """What a publication did.

    Attributes:
        members: Customers by segment, over all companies; 0 where nobody fits.
        joined: Memberships that are new.
        left: Memberships that are gone.
    """

    members: dict[str, int]
    joined: int
    left: int


# One reading of customer_360 for both tables: it may be replaced at any moment.
_MEMBERS = """
    create temporary table custom_segment_members (
        company_id text not null,
        segment text not null,
        customer_id text not null,
        value_to_date numeric,
        predicted_value_12m numeric,
        predicted_net_12m numeric
    );
    create temporary table custom_segment_companies (
        company_id text not null,
        currency text not null,
        customers bigint not null
    )
"""

_FILL = """
    with customers as materialized (
        select * from reporting.customer_360
    ),

    companies as (
        insert into custom_segment_companies
        select company_id, min(currency), count(*) from customers group by company_id
    )

    insert into custom_segment_members
    select
        customers.company_id,
        segments.segment,
        customers.customer_id,
        customers.value_to_date,
        customers.predicted_value_12m,
        customers.predicted_net_12m
    from customers
    cross join lateral (values {membership}) as segments (segment, is_member)
    where segments.is_member
"""

_LEFT = """
    delete from reporting.custom_segments as present
    where not exists (
        select from custom_segment_members as members
        where
            members.company_id = present.company_id
            and members.segment = present.segment
            and members.customer_id = present.customer_id
    )
"""

_JOINED = """
    insert into reporting.custom_segments (company_id, segment, customer_id)
    select company_id, segment, customer_id from custom_segment_members
    on conflict do nothing
"""

_SUMMARY = """
    insert into reporting.custom_segment_summary
    select
        companies.company_id,
        segments.segment,
        segments.description,
        count(members.customer_id),
        count(members.customer_id)::double precision / companies.customers,
        companies.currency,
        coalesce(sum(members.value_to_date), 0),
        sum(members.predicted_value_12m),
        avg(members.value_to_date),
        avg(members.predicted_value_12m),
        avg(members.value_to_date + members.predicted_net_12m)
    from custom_segment_companies as companies
    cross join unnest(%s::text[], %s::text[]) as segments (segment, description)
    left join custom_segment_members as members
        on members.company_id = companies.company_id and members.segment = segments.segment
    group by
        companies.company_id, companies.customers, companies.currency,
        segments.segment, segments.description
"""


def segment_columns(connection: Connection[TupleRow]) -> dict[str, str]:
    """Returns the columns that criteria may name, with their types, in the order of the table.

    Empty before reporting.customer_360 is made.
    """
    found = connection.execute(
        "select attname, format_type(atttypid, null) from pg_attribute"
        " where attrelid = to_regclass('reporting.customer_360')"
        " and attnum > 0 and not attisdropped order by attnum"
    )
    return dict(found.fetchall())


def publish_segments(connection: Connection[TupleRow], segments: Sequence[Segment]) -> Published:
    """Writes who is in which segment, and what the segments are worth.

    Only what has changed is written, in one transaction; on any error what was there stays.

    Args:
        connection: To the warehouse.
        segments: All of them; those that were published before and aren't among them go.

    Raises:
        psycopg.errors.UndefinedTable: reporting.customer_360 isn't there yet.
    """
    with connection.transaction():
        # Two publications at once would write the same rows; readers aren't kept waiting.
        connection.execute("lock table reporting.custom_segments in share row exclusive mode")
        connection.execute(_MEMBERS)
        if segments:
            members = membership(segments)
            connection.execute(sql.SQL(_FILL).format(membership=members.text), members.parameters)
        connection.execute("analyze custom_segment_members")
        left = connection.execute(_LEFT).rowcount
        joined = connection.execute(_JOINED).rowcount
        connection.execute("delete from reporting.custom_segment_summary")
        connection.execute(
            _SUMMARY,
            ([each.name for each in segments], [each.description for each in segments]),
        )
        found = connection.execute(
            "select segment, count(*) from custom_segment_members group by segment"
        )
        counted = {name: int(count) for name, count in found}
        connection.execute("drop table custom_segment_members, custom_segment_companies")
    connection.execute("analyze reporting.custom_segments, reporting.custom_segment_summary")
    return Published({each.name: counted.get(each.name, 0) for each in segments}, joined, left)
