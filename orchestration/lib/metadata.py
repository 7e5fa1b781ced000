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
        col_description(attribute.attrelid, attribute.attnum) as description
    from pg_attribute as attribute
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
        doesn't exist.
    """
    relation = sql.Identifier(schema, table)
    with connect() as connection:
        columns = connection.execute(_COLUMNS, (relation.as_string(connection),)).fetchall()
        if not columns:
            return {}
        counted = connection.execute(sql.SQL("select count(*) from {}").format(relation)).fetchone()
    return {
        "dagster/row_count": counted[0] if counted else 0,
        "dagster/relation_identifier": f"{WAREHOUSE_DATABASE}.{schema}.{table}",
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(
                    name=name,
                    type=kind,
                    description=description,
                    constraints=dg.TableColumnConstraints(nullable=not is_not_null),
                )
                for name, kind, is_not_null, description in columns
            ]
        ),
    }
