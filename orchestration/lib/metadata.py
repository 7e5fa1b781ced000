"""What every asset shows of its table: rows, columns and where it stands."""

from __future__ import annotations

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


def table_metadata(schema: str, table: str) -> dict[str, Any]:
    """Describes a table or view as it stands now.

    Args:
        schema: Its schema.
        table: Its name.

    Returns:
        Dagster metadata: row count, column schema and relation identifier; empty when the relation
        doesn't exist. A view has no count: its whole query would run for it.
    """
    relation = sql.Identifier(schema, table)
    counted: dict[str, int] = {}
    with connect() as connection:
        columns = connection.execute(_COLUMNS, (relation.as_string(connection),)).fetchall()
        if not columns:
            return {}
        if columns[0][-1] != "v":
            (rows,) = connection.execute(
                sql.SQL("select count(*) from {}").format(relation)
            ).fetchone() or (0,)
            counted["dagster/row_count"] = rows
    return {
        **counted,
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
