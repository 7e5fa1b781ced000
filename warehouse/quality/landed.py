"""The suites of landed tables, made from what is known of their rows.

Belongs here: how rules become expectations. Does not belong here: the rules (`raw_<source>.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from warehouse.currencies import minor_units

#: Columns by table.
Columns = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Rules:
    """What rows of a source's tables obey, each by table.

    Attributes:
        schema: Where the tables are.
        keys: Columns that, with company_id, name a row.
        required: Columns without which a row can't be used, keys aside.
        most: What no amount comes to in any currency; beyond it sums don't fit a column any more.
        not_negative: Amounts and numbers that aren't below zero.
        signed: Amounts that may be.
        currencies: Columns that hold the code of a currency.
        iso_currencies: Whether these are ISO 4217's; not where whoever reads an amount has checked
            them.
        times: Columns that hold a time between `earliest` and tomorrow.
        earliest: The first time there can be.
        values: By column, all that it may hold.
        broken: By description, the SQL condition of a row that breaks a rule of arithmetic.
        parents: Columns that name a row of another table, each with that table.
        excused: By parent's table, the SQL condition under which a child may be without it.
    """

    schema: str
    keys: Columns
    required: Columns
    most: int
    not_negative: Columns
    signed: Columns
    currencies: Columns
    iso_currencies: bool
    times: Columns
    earliest: datetime
    values: Mapping[str, Mapping[str, list[str]]]
    broken: Mapping[str, Mapping[str, str]]
    parents: Mapping[str, tuple[tuple[str, str], ...]]
    excused: Mapping[str, str] = field(default_factory=dict)

    def expectations(self, table: str) -> list[Any]:
        """Builds the suite of a table.

        Args:
            table: One of `keys`.

        Returns:
            Great Expectations' expectation objects.

        Raises:
            KeyError: There is no such table.
        """
        import great_expectations.expectations as gxe

        key = ["company_id", *self.keys[table]]
        suite: list[Any] = [gxe.ExpectCompoundColumnsToBeUnique(column_list=key)]
        suite += [
            gxe.ExpectColumnValuesToNotBeNull(column=column)
            for column in (*key, *self.required[table])
        ]
        for columns, least in ((self.not_negative, 0), (self.signed, -self.most)):
            suite += [
                gxe.ExpectColumnValuesToBeBetween(
                    column=column, min_value=least, max_value=self.most
                )
                for column in columns.get(table, ())
            ]
        suite += [self._currency(column) for column in self.currencies.get(table, ())]
        suite += [
            gxe.ExpectColumnValuesToBeInSet(column=column, value_set=values)
            for column, values in self.values.get(table, {}).items()
        ]
        suite += [
            gxe.ExpectColumnValuesToBeBetween(
                column=column,
                min_value=self.earliest,
                max_value=datetime.now(UTC) + timedelta(days=1),
            )
            for column in self.times.get(table, ())
        ]
        suite += [
            gxe.UnexpectedRowsExpectation(
                description=description,
                unexpected_rows_query=f"select * from {{batch}} where {condition}",  # noqa: S608
            )
            for description, condition in self.broken.get(table, {}).items()
        ]
        suite += [
            gxe.UnexpectedRowsExpectation(
                description=f"a row has no parent in {parent}",
                unexpected_rows_query=self._orphans(column, parent),
            )
            for column, parent in self.parents.get(table, ())
        ]
        return suite

    def _currency(self, column: str) -> Any:
        import great_expectations.expectations as gxe

        if not self.iso_currencies:
            return gxe.ExpectColumnValuesToMatchRegex(column=column, regex="^[A-Z]{3}$")
        return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=sorted(minor_units()))

    def _orphans(self, column: str, parent: str) -> str:
        """Rows whose parent is not there.

        As a join: a list behind "not in" is searched row by row once it outgrows work_mem. The
        batch is a query with a name of its own, so it can't be given another.
        """
        query = (
            f"select * from (select * from {{batch}}) as child where {column} is not null"  # noqa: S608
            f" and not exists (select from {self.schema}.{parent} as parent"
            f" where parent.company_id = child.company_id and parent.id = child.{column})"
        )
        excuse = self.excused.get(parent)
        return f"{query} and not ({excuse.format(column=column)})" if excuse else query
