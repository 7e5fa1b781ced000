"""What every asset shows of its table: rows, columns and where it stands."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
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
_MASKED = re.compile(
    r"(^|_)(account_id|address|city|customer_id|e?mail|email_hash|fingerprint|first_name|ip"
    r"|last_name|merged_into|nickname|note|phone|postcode|raw_row|street|survivor_id|username|zip)$"
)
#: What sources send as it is may be about anybody: free text, and whatever is nested.
_MASKED_RAW = re.compile(r"^(description|handle|name|title|tags)$")
_NESTED = ("json", "jsonb")

_LONGEST = 40


def is_masked(schema: str, column: str, kind: str) -> bool:
    """Says whether a preview hides a column, because it may say who somebody is.

    Args:
        schema: Of the table.
        column: Its name.
        kind: Its type, as Postgres writes it.
    """
    raw = schema.startswith("raw_") or schema in {"staging", "quarantine"}
    return (
        _MASKED.search(column) is not None
        or kind in _NESTED
        or (raw and _MASKED_RAW.search(column) is not None)
    )


def preview(
    columns: Sequence[str], rows: Sequence[Sequence[object]], masked: Collection[str]
) -> str:
    """Returns rows as a table in Markdown, with whoever they are about masked.

    Args:
        columns: Names.
        rows: Values in the order of the names.
        masked: Names of the columns whose values aren't shown.
    """

    def cell(name: str, value: object) -> str:
        if value is None:
            return ""
        text = "•••" if name in masked else str(value)
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


def amounts_metadata(amounts: Mapping[str, object]) -> dict[str, float]:
    """Returns sums of money as numbers that Dagster draws over time.

    Args:
        amounts: By what they are of and currency, such as "orders EUR".
    """
    return {f"amount {name}": float(str(amount)) for name, amount in sorted(amounts.items())}


#: Sums that move from night to night, by table. Companies are as landed: their mart may come later.
_FIGURES: dict[tuple[str, str], sql.SQL] = {
    ("marts", "fct_orders"): sql.SQL(
        "select orders.company_id, companies.base_currency,"
        " count(*) filter (where status = 'completed') as orders,"
        " sum(net_revenue_base) as net_revenue"
        " from marts.fct_orders as orders"
        " inner join raw_files.companies as companies using (company_id) group by 1, 2"
    ),
    ("reporting", "customer_360"): sql.SQL(
        "select company_id, currency, count(*) as customers, sum(value_to_date) as value_to_date,"
        " sum(predicted_value_12m) as predicted_value_12m"
        " from reporting.customer_360 group by 1, 2"
    ),
    ("reporting", "at_risk_customers"): sql.SQL(
        "select company_id, currency, count(*) as customers, sum(value_at_risk) as value_at_risk"
        " from reporting.at_risk_customers group by 1, 2"
    ),
    ("marts", "channel_performance"): sql.SQL(
        "select company_id, companies.base_currency, sum(new_customers) as new_customers,"
        " sum(spend_base) as spend from marts.channel_performance"
        " inner join raw_files.companies as companies using (company_id) group by 1, 2"
    ),
}


def moving_figures(schema: str, table: str) -> dict[str, float]:
    """Returns counts and sums of a table by company, which Dagster draws over time.

    Args:
        schema: Of the table.
        table: Its name; most have none.
    """
    query = _FIGURES.get((schema, table))
    if query is None:
        return {}
    with connect() as connection:
        cursor = connection.execute(query)
        names = [column.name for column in cursor.description or ()][2:]
        return {
            f"{company_id}: {name}" + ("" if isinstance(value, int) else f", {currency}"): float(
                value
            )
            for company_id, currency, *values in cursor.fetchall()
            for name, value in zip(names, values, strict=True)
            if value is not None
        }


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
                "preview": dg.MetadataValue.md(
                    preview(
                        [name for name, *_ in columns],
                        shown,
                        {name for name, kind, *_ in columns if is_masked(schema, name, kind)},
                    )
                ),
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
