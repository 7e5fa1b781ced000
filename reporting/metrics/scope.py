"""Of whom and of when the numbers are, and how a query is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg import sql
from psycopg.rows import dict_row

from warehouse.connection import exists

if TYPE_CHECKING:
    from psycopg import Connection

Row = dict[str, Any]

#: Stands for customers of whom the source doesn't say the channel or the country.
UNKNOWN = "unknown"

_BY_ATTRIBUTE: dict[str, LiteralString] = {
    "channel": "coalesce(chosen.acquisition_channel, 'unknown') = %(channel)s",
    "country": "coalesce(chosen.country, 'unknown') = %(country)s",
    # The key is product_id or, without one, product; said so that an index finds it.
    "product": (
        "chosen.customer_id in (select bought.customer_id from marts.fct_order_lines as bought"
        " where bought.company_id = %(company)s"
        " and (bought.product_id = %(product)s"
        " or bought.product_id is null and bought.product = %(product)s)"
        " and bought.gross_revenue_base > 0)"
    ),
}


@dataclass(frozen=True)
class Scope:
    """One company, and what of it is asked for.

    Attributes:
        company_id: The company.
        channel: Only customers whose first order came over it; "unknown" means nobody said.
        country: Only customers whose first order came from it, likewise.
        product: Only customers who ever bought it: the product_key of reporting.product_ltv.
        start: First day of the period, a day of the company's time zone.
        end: Last day of the period.
    """

    company_id: str
    channel: str | None = None
    country: str | None = None
    product: str | None = None
    start: date | None = None
    end: date | None = None

    @property
    def parameters(self) -> Mapping[str, object]:
        """Values of the names that the queries use."""
        return {
            "company": self.company_id,
            "channel": self.channel,
            "country": self.country,
            "product": self.product,
            "start": self.start,
            "end": self.end,
        }

    @property
    def is_filtered(self) -> bool:
        """Whether some customers are left out."""
        return any((self.channel, self.country, self.product))

    def before(self) -> Scope:
        """Returns the period of the same length that ends the day before this one begins."""
        if self.start is None or self.end is None:
            return self
        length = self.end - self.start
        last = self.start - timedelta(days=1)
        return replace(self, start=last - length, end=last)

    @property
    def chosen(self) -> sql.Composable:
        """An SQL condition on rows of marts.dim_customers, named chosen: " and …", or nothing."""
        return sql.SQL("").join(
            sql.SQL(" and ") + sql.SQL(condition)
            for name, condition in _BY_ATTRIBUTE.items()
            if getattr(self, name) is not None
        )

    def only(self, customer_id: LiteralString) -> sql.Composable:
        """Returns an SQL condition on whose rows count: " and …", or nothing where all do.

        Args:
            customer_id: The column that holds the customer.
        """
        if not self.is_filtered:
            return sql.SQL("")
        return sql.SQL(
            " and {customer} in (select chosen.customer_id from marts.dim_customers as chosen"
            " where chosen.company_id = %(company)s{chosen})"
        ).format(customer=sql.SQL(customer_id), chosen=self.chosen)


def ask(
    connection: Connection[Any],
    scope: Scope,
    query: LiteralString | sql.SQL | sql.Composed,
    **more: object,
) -> list[Row]:
    """Returns the rows of a query, each by column name.

    Args:
        connection: Of whoever asks: policies show them their own companies alone.
        scope: Its values stand for %(company)s, %(channel)s, %(country)s, %(product)s, %(start)s
            and %(end)s.
        query: The query.
        more: Values of further names.
    """
    cursor = connection.cursor(row_factory=dict_row)
    asked = sql.SQL(query) if isinstance(query, str) else query
    return cursor.execute(asked, {**scope.parameters, **more}).fetchall()


def ask_if_there(
    connection: Connection[Any],
    scope: Scope,
    table: LiteralString,
    query: LiteralString | sql.SQL | sql.Composed,
    **more: object,
) -> list[Row]:
    """Returns the rows of a query; none where its table hasn't been made yet.

    Args:
        connection: As in `ask`.
        scope: As in `ask`.
        table: "schema.table".
        query: As in `ask`.
        more: As in `ask`.
    """
    if not exists(connection, sql.Identifier(*table.split("."))):
        return []
    return ask(connection, scope, query, **more)
