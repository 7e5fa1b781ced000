"""What the models have put out so far, and how the tables of the outlook are replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, LiteralString

import dagster as dg
from psycopg import sql

from warehouse.bulk import read_frame, replace_frame
from warehouse.connection import connect

if TYPE_CHECKING:
    import pandas as pd

_LATEST = """
    select
        customer_id,
        month::bigint as month,
        predicted_value::double precision as predicted_value,
        p_active
    from ml.clv_prediction_paths
    where company_id = $1 and calculation_date = $2::date
    order by customer_id, month
"""

# The days of which predictions are kept, from one to the next by the index: a scan would read every
# prediction.
_DAYS: LiteralString = """
    with recursive days as (
        select max(calculation_date) as calculation_date
        from ml.clv_predictions
        where company_id = :company
        union all
        select (
            select max(earlier.calculation_date)
            from ml.clv_predictions as earlier
            where
                earlier.company_id = :company
                and earlier.calculation_date < days.calculation_date
        )
        from days
        where days.calculation_date is not null
    ),
"""

# A horizon's days are ml.horizons.horizon_days.
_CLOSED = (
    _DAYS.replace(":company", "$1")  # noqa: S608  both parts are constants
    + """
    dates as (
        select distinct days.calculation_date, predictions.horizon_months
        from days
        inner join ml.clv_predictions as predictions
            on days.calculation_date = predictions.calculation_date
        where
            predictions.company_id = $1
            and days.calculation_date + 89 <= $2::date
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
)

# A night's predictions give way to the next one's. The last ones of a month stay until what they
# said has been compared with what came, and two months more.
_FORGET: LiteralString = (
    _DAYS.replace(":company", "%(company)s")  # noqa: S608  both parts are constants
    + """
    followed as (
        select
            calculation_date,
            lead(calculation_date) over (order by calculation_date) as next_date
        from days
        where calculation_date is not null
    )

    delete from ml.clv_predictions as old
    using followed
    where
        old.company_id = %(company)s
        and old.calculation_date = followed.calculation_date
        and (
            date_trunc('month', followed.next_date) = date_trunc('month', followed.calculation_date)
            or followed.next_date is not null
            and followed.calculation_date
            + round(30.4375 * (old.horizon_months + 2))::integer < %(as_of)s
        )
"""
)

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
#: source again.
_KEPT: Mapping[str, tuple[tuple[str, ...], LiteralString]] = {
    "drift_metrics": (
        ("calculation_date",),
        "delete from ml.drift_metrics where company_id = %s and calculation_date >= %s",
    ),
    "realised_accuracy": (
        ("calculation_date", "horizon_months", "basis"),
        "delete from ml.realised_accuracy where company_id = %s and window_end > %s",
    ),
}

_MISSING: LiteralString = """
    select
        count(*) filter (where ahead.customer_id is null),
        count(*) filter (where customers.customer_id is null)
    from (
        select customer_id from marts.dim_customers where company_id = %(company)s
    ) as customers
    full join (
        select customer_id from ml.customer_outlook where company_id = %(company)s
    ) as ahead using (customer_id)
"""

# A cent for each cohort, which are rounded one by one.
_SUMS: LiteralString = """
    with months as (
        select
            month,
            count(*) as cohorts,
            sum(forecast) filter (where cohort = 'all') as total,
            sum(forecast) filter (where cohort in ('existing', 'new')) as parts,
            sum(forecast) filter (where cohort = 'existing') as existing,
            sum(forecast) filter (where cohort not in ('all', 'existing', 'new')) as quarters
        from ml.revenue_forecasts
        where company_id = %(company)s
        group by month
    )

    select month, quarters, parts, total
    from months
    where
        total is null
        or abs(total - parts) > 0.01 * cohorts
        or abs(existing - coalesce(quarters, 0)) > 0.01 * cohorts
    order by month
"""

_UNCOVERED: LiteralString = """
    select horizon_months, cutoff, segment, nominal, coverage, rows
    from ml.interval_scores
    where
        company_id = %(company)s
        and segment like 'decile%%'
        and coverage < nominal - 0.02 - 2.33 * sqrt(nominal * (1 - nominal) / rows)
    order by horizon_months, nominal, segment
"""

_DRIFTED: LiteralString = """
    select kind, name, psi, psi_bound
    from ml.drift_metrics
    where
        company_id = %(company)s
        and is_drifted
        and calculation_date = (
            select max(calculation_date) from ml.drift_metrics where company_id = %(company)s
        )
    order by kind, name
"""

_ALARMS: LiteralString = """
    with newest as (
        select distinct on (horizon_months, basis) *
        from ml.realised_accuracy
        where company_id = %(company)s
        order by horizon_months, basis, calculation_date desc
    )

    select horizon_months, calculation_date, basis, mae, mae_expected, change
    from newest
    where is_alarm
    order by horizon_months, basis
"""


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

    def paths(self, company_id: str, as_of: date) -> pd.DataFrame:
        """Returns a day's paths: customer_id, month, predicted_value, p_active."""
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

    def forget(self, company_id: str, as_of: date) -> int:
        """Deletes predictions that nobody asks of any more, so that they grow by month.

        Returns:
            Rows deleted.
        """
        with connect() as connection:
            return connection.execute(_FORGET, {"company": company_id, "as_of": as_of}).rowcount

    def missing_outlook(self, company_id: str) -> list[str]:
        """Says how many customers have no outlook, and how many outlooks are nobody's."""
        missing, nobody = self._rows(_MISSING, company_id)[0]
        return [
            words
            for number, words in (
                (missing, f"{missing:,} customers have no outlook"),
                (nobody, f"{nobody:,} outlooks belong to nobody"),
            )
            if number
        ]

    def forecasts_that_dont_add_up(self, company_id: str) -> list[str]:
        """Names the months whose cohorts don't make the total."""
        return [
            f"{month:%B %Y}: cohorts make {cohorts:,.2f}, existing and new {parts:,.2f}, "
            f"all {total:,.2f}"
            for month, cohorts, parts, total in self._rows(_SUMS, company_id)
        ]

    def intervals_that_cover_less(self, company_id: str) -> list[str]:
        """Names the deciles in which fewer customers lay within than chance explains."""
        return [
            f"{months} months from {cutoff}, {segment}: {coverage:.1%} of {rows:,} customers lay "
            f"within the {nominal:.0%} interval"
            for months, cutoff, segment, nominal, coverage, rows in self._rows(
                _UNCOVERED, company_id
            )
        ]

    def drifted(self, company_id: str) -> list[str]:
        """Names what has moved past its bound by the latest calculation."""
        return [
            f"{kind} {name}: {psi:.2f}, bound {bound:.2f}"
            for kind, name, psi, bound in self._rows(_DRIFTED, company_id)
        ]

    def alarms(self, company_id: str) -> list[str]:
        """Names the horizons whose newest closed window is off by more than expected."""
        return [
            f"{months} months from {day} ({basis}): off by {mae:,.2f} a customer, "
            f"{change:.0%} more than the {expected:,.2f} expected"
            for months, day, basis, mae, expected, change in self._rows(_ALARMS, company_id)
        ]

    def _rows(self, query: LiteralString, company_id: str) -> list[Any]:
        with connect() as connection:
            return connection.execute(query, {"company": company_id}).fetchall()
