"""Runs a suite against the rows of one company.

Belongs here: everything that knows Great Expectations' contexts and results. Does not belong here:
what is expected of a table (one module a table beside this one).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from warehouse.connection import url


@dataclass(frozen=True)
class Validation:
    """Outcome of one suite.

    Attributes:
        expectations: How many there were.
        failures: One readable line for each that isn't met.
    """

    expectations: int
    failures: tuple[str, ...]

    @property
    def success(self) -> bool:
        """Whether every expectation is met."""
        return not self.failures


def validate(
    table: str,
    company_id: str | None,
    expectations: Sequence[Any],
    newest: str | None = None,
) -> Validation:
    """Validates a table, or one company's rows of it.

    Args:
        table: "schema.table".
        company_id: Company whose rows count; None for all rows.
        expectations: Great Expectations' expectation objects.
        newest: Column of which only the company's highest value counts, such as the night's.

    Returns:
        What was met and what wasn't.

    Raises:
        RuntimeError: An expectation couldn't be evaluated (a column is missing, say); that is
            never taken for a success.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    # It logs each metric's progress; what matters is returned.
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_postgres("warehouse", connection_string=url())
    query = sql.SQL("select * from {}").format(sql.Identifier(*table.split(".")))
    if company_id is not None:
        query += sql.SQL(" where company_id = {}").format(sql.Literal(company_id))
    if newest is not None:
        query += sql.SQL(
            " and {newest} = (select max({newest}) from {table} where company_id = {company})"
        ).format(
            newest=sql.Identifier(newest),
            table=sql.Identifier(*table.split(".")),
            company=sql.Literal(company_id),
        )
    batch = (
        source.add_query_asset(table, query=query.as_string())
        .add_batch_definition_whole_table("rows")
        .get_batch()
    )
    suite = gx.ExpectationSuite(name=table, expectations=list(expectations))
    # Examples of what is wrong take as long as the judgement itself, and are seldom needed.
    result = batch.validate(suite, result_format="BOOLEAN_ONLY")
    if not result.success:
        result = batch.validate(suite, result_format="SUMMARY")
    failures = []
    for outcome in result.results:
        raised = [
            info.get("exception_message")
            for info in _exceptions(outcome.exception_info)
            if info.get("raised_exception")
        ]
        if raised:
            raise RuntimeError(f"{table}: {_name(outcome)} couldn't be evaluated: {raised[0]}")
        if not outcome.success:
            failures.append(f"{_name(outcome)}: {_observed(outcome.result)}")
    return Validation(len(result.results), tuple(failures))


def _exceptions(info: dict[str, Any]) -> list[dict[str, Any]]:
    """Flattens exception_info, which holds one entry a metric when a metric failed."""
    if "raised_exception" in info:
        return [info]
    return [entry for entry in info.values() if isinstance(entry, dict)]


def _name(outcome: Any) -> str:
    config = outcome.expectation_config
    shown = {
        key: value
        for key, value in config.kwargs.items()
        if key not in {"batch_id", "result_format"} and value is not None
    }
    return f"{config.type}({', '.join(f'{key}={value}' for key, value in shown.items())})"


def _observed(result: dict[str, Any]) -> str:
    if "observed_value" in result:
        return f"observed {result['observed_value']}"
    return (
        f"{result.get('unexpected_count')} of {result.get('element_count')} rows, "
        f"for example {result.get('partial_unexpected_list', [])[:3]}"
    )
