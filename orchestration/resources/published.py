"""What the models have put out so far, and how the tables of the outlook are replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, LiteralString

import dagster as dg
from psycopg import sql

from warehouse.bulk import read_frame, replace_frame
from warehouse.connection import connect

if TYPE_CHECKING:
    import pandas as pd

_LATEST = """
    select
        customer_id,
        horizon_months::bigint as month,
        predicted_value::double precision as predicted_value,
        p_active
    from ml.clv_predictions
    where company_id = $1 and calculation_date = $2::date
    order by customer_id, horizon_months
"""

# A horizon's days are ml.horizons.horizon_days.
_CLOSED = """
    with dates as (
        select distinct calculation_date, horizon_months
        from ml.clv_predictions
        where company_id = $1
    ),

    closed as (
        select horizon_months, max(calculation_date) as calculation_date
        from dates
        where calculation_date + round(30.4375 * horizon_months)::integer <= $2::date
        group by horizon_months
    )

    select
        predictions.customer_id,
        predictions.calculation_date,
        predictions.horizon_months::bigint as horizon_months,
        predictions.predicted_value::double precision as predicted_value
    from ml.clv_predictions as predictions
    inner join closed using (calculation_date, horizon_months)
    where predictions.company_id = $1
    order by 2, 3, 1
"""

# What a contest that was held by then had seen.
_EXPECTED = """
    select distinct on (asked.calculation_date, asked.horizon_months)
        asked.calculation_date, asked.horizon_months, backtests.mae::double precision
    from unnest(%(dates)s::date[], %(months)s::integer[])
        as asked (calculation_date, horizon_months)
    inner join ml.realised_accuracy as backtests
        on
            backtests.horizon_months = asked.horizon_months
            and backtests.window_end <= asked.calculation_date
    where backtests.company_id = %(company)s and backtests.basis = 'backtest'
    order by asked.calculation_date, asked.horizon_months, backtests.calculation_date desc
"""

#: Of the tables that keep their history, the columns beside the company that say which rows are
#: written anew, and which rows go before: tonight's, and those of orders that are gone from the
#: source again. Drift of kind shap is written by others.
_KEPT: Mapping[str, tuple[tuple[str, ...], LiteralString]] = {
    "drift_metrics": (
        ("calculation_date", "kind"),
        "delete from ml.drift_metrics"
        " where company_id = %s and calculation_date >= %s and kind <> 'shap'",
    ),
    "realised_accuracy": (
        ("calculation_date", "horizon_months", "basis"),
        "delete from ml.realised_accuracy where company_id = %s and window_end > %s",
    ),
}


@dataclass(frozen=True)
class ClosedPredictions:
    """The newest predictions of each horizon whose window is over.

    Attributes:
        predictions: `customer_id`, `calculation_date`, `horizon_months`, `predicted_value`.
        expected_errors: By calculation date and horizon the mean absolute error that the contest
            had seen by then; missing where it had seen none.
    """

    predictions: pd.DataFrame
    expected_errors: Mapping[tuple[date, int], float]


class Published(dg.ConfigurableResource):
    """Reads and writes the schema ml."""

    def predictions(self, company_id: str, as_of: date) -> pd.DataFrame:
        """Returns a day's predictions: customer_id, month, predicted_value, p_active."""
        return read_frame(_LATEST, [company_id, as_of.isoformat()])

    def closed(self, company_id: str, as_of: date) -> ClosedPredictions:
        """Returns what was predicted for windows that are over by a day."""
        frame = read_frame(_CLOSED, [company_id, as_of.isoformat()])
        asked = sorted(
            {
                (day.date(), int(months))
                for day, months in zip(
                    frame["calculation_date"], frame["horizon_months"], strict=True
                )
            }
        )
        with connect() as connection:
            found = connection.execute(
                _EXPECTED,
                {
                    "company": company_id,
                    "dates": [day for day, _ in asked],
                    "months": [months for _, months in asked],
                },
            ).fetchall()
        return ClosedPredictions(frame, {(day, months): mae for day, months, mae in found})

    def replace(self, company_id: str, as_of: date, tables: Mapping[str, pd.DataFrame]) -> None:
        """Replaces a company's rows in tables of the schema ml, all in one transaction."""
        with connect() as connection, connection.transaction():
            for name, frame in tables.items():
                table = f"ml.{name}"
                if name in _KEPT:
                    columns, outdated = _KEPT[name]
                    connection.execute(outdated, (company_id, as_of))
                    for values, rows in frame.groupby(list(columns), sort=True):
                        where = dict(zip(columns, values, strict=True))
                        replace_frame(connection, table, {"company_id": company_id} | where, rows)
                else:
                    replace_frame(connection, table, {"company_id": company_id}, frame)
                connection.execute(sql.SQL("analyze {}").format(sql.Identifier("ml", name)))
