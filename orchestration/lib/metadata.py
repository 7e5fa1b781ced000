"""What every asset shows of its table: rows, columns and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg
from psycopg import sql

from warehouse.connection import connect
from warehouse.settings import WAREHOUSE_DATABASE

_COLUMNS = """
    select
        attribute.attname as name,
        format_type(attribute.atttypid, attribute.atttypmod) as type,
        attribute.attnotnull as is_not_null,
        col_description(attribute.attrelid, attribute.attnum) as description,
        pg_class.relkind
    from pg_attribute as attribute
    inner join pg_class on pg_class.oid = attribute.attrelid
    where
        attribute.attrelid = to_regclass(%s)
        and attribute.attnum > 0
        and not attribute.attisdropped
    order by attribute.attnum
"""


#: Rows of a preview.
PREVIEW_ROWS = 5

#: Columns that say who somebody is; a preview shows that something is there, not what.
_MASKED = ("customer_id", "email", "email_hash", "first_name", "last_name", "phone", "raw_row")

_LONGEST = 40


def preview(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Returns rows as a table in Markdown, with whoever they are about masked.

    Args:
        columns: Names.
        rows: Values in the order of the names.
    """

    def cell(name: str, value: object) -> str:
        if value is None:
            return ""
        text = "•••" if name in _MASKED else str(value)
        text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
        return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")

    lines = [
        "| " + " | ".join(columns) + " |",
        "|" + " --- |" * len(columns),
        *(
            "| " + " | ".join(cell(n, v) for n, v in zip(columns, row, strict=True)) + " |"
            for row in rows
        ),
    ]
    return "\n".join(lines)


def table_metadata(schema: str, table: str) -> dict[str, Any]:
    """Describes a table or view as it stands now.

    Args:
        schema: Its schema.
        table: Its name.

    Returns:
        Dagster metadata: row count, column schema and relation identifier; empty when the relation
        doesn't exist. A view has neither count nor preview: its whole query would run for
        them.
    """
    relation = sql.Identifier(schema, table)
    held: dict[str, Any] = {}
    with connect() as connection:
        columns = connection.execute(_COLUMNS, (relation.as_string(connection),)).fetchall()
        if not columns:
            return {}
        if columns[0][-1] != "v":
            (rows,) = connection.execute(
                sql.SQL("select count(*) from {}").format(relation)
            ).fetchone() or (0,)
            shown = connection.execute(
                sql.SQL("select * from {} limit {}").format(relation, PREVIEW_ROWS)
            ).fetchall()
            held = {
                "dagster/row_count": rows,
                "preview": dg.MetadataValue.md(preview([name for name, *_ in columns], shown)),
            }
    return {
        **held,
        "dagster/relation_identifier": f"{WAREHOUSE_DATABASE}.{schema}.{table}",
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(
                    name=name,
                    type=kind,
                    description=description,
                    constraints=dg.TableColumnConstraints(nullable=not is_not_null),
                )
                for name, kind, is_not_null, description, _ in columns
            ]
        ),
    }
