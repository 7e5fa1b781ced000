"""The contests that were held, and whether another one is due."""

from __future__ import annotations

from datetime import date
from typing import LiteralString

import dagster as dg

from ml.monitoring.retraining import LastContest, Signs, reasons_for_a_contest
from warehouse.audit import record
from warehouse.companies import Company
from warehouse.connection import connect

_LAST: LiteralString = """
    select as_of, settings, model_version, run
    from ml.contests
    where company_id = %s
    order by number desc
    limit 1
"""

_AS_OF: LiteralString = "select as_of_date from marts.dim_companies where company_id = %s"

_ALARMS: LiteralString = """
    select distinct on (horizon_months)
        horizon_months, calculation_date, mae, mae_expected, change, is_alarm
    from ml.realised_accuracy
    where company_id = %(company)s and basis = 'published' and window_end > %(since)s
    order by horizon_months, calculation_date desc
"""

# What had drifted at the first calculation with the model in service, and at the latest.
_DRIFTED: LiteralString = """
    with days as (
        select min(calculation_date) as first_date, max(calculation_date) as last_date
        from ml.drift_metrics
        where company_id = %(company)s and calculation_date >= %(since)s
    )

    select
        metrics.kind || ' ' || metrics.name,
        bool_or(metrics.calculation_date = days.first_date),
        bool_or(metrics.calculation_date = days.last_date)
    from ml.drift_metrics as metrics
    inner join days on metrics.calculation_date in (days.first_date, days.last_date)
    where metrics.company_id = %(company)s and metrics.is_drifted
    group by metrics.kind, metrics.name
"""

_KEEP: LiteralString = """
    insert into ml.contests (
        company_id, number, as_of, run, settings, asked_by, decision, champion, champion_before,
        reason, model_version
    )
    select
        %(company_id)s,
        coalesce(max(number), 0) + 1,
        %(as_of)s, %(run)s, %(settings)s, %(asked_by)s, %(decision)s, %(champion)s,
        %(champion_before)s, %(reason)s, %(model_version)s
    from ml.contests
    where company_id = %(company_id)s
"""

_DECIDED: LiteralString = """
    select as_of, asked_by, decision, champion, champion_before, reason, model_version, run
    from ml.contests
    where company_id = %s
    order by number desc
    limit 1
"""


def contest_settings(company: Company) -> dict[str, object]:
    """Returns the settings of a company that decide a contest."""
    return {
        "base_currency": company.base_currency,
        "horizons_months": list(company.horizons_months),
        **({"share_priors": True} if company.share_priors else {}),
    }


class Contests(dg.ConfigurableResource):
    """Reads and writes ml.contests."""

    def reasons(self, company: Company, version_in_service: str | None) -> list[str]:
        """Says why a contest of a company is due; empty where none is.

        Args:
            company: Whose.
            version_in_service: What the registry's alias points to, None where nothing is there.
        """
        from ml.registry.fingerprint import settings_fingerprint

        with connect() as connection:
            found = connection.execute(_LAST, (company.id,)).fetchone()
            of_company = connection.execute(_AS_OF, (company.id,)).fetchone()
            if of_company is None or of_company[0] is None:
                return []  # Nobody to predict: scoring says so.
            settings = settings_fingerprint(contest_settings(company))
            if found is None or version_in_service is None:
                return reasons_for_a_contest(None, Signs(of_company[0], settings))
            since: date = found[0]
            asked = {"company": company.id, "since": since}
            accuracies = connection.execute(_ALARMS, asked).fetchall()
            drifted = connection.execute(_DRIFTED, asked).fetchall()
        return reasons_for_a_contest(
            LastContest(since, found[1]),
            Signs(
                of_company[0],
                settings,
                [
                    f"{months} months from {day} off by {mae:,.2f} a customer, {change:.0%} more "
                    f"than the {expected:,.2f} expected"
                    for months, day, mae, expected, change, is_alarm in accuracies
                    if is_alarm
                ],
                frozenset(name for name, _, now in drifted if now),
                frozenset(name for name, before, _ in drifted if before),
            ),
        )

    def keep(self, company_id: str, run: str, row: dict[str, object]) -> None:
        """Writes down a contest, unless it is the last one that was."""
        with connect() as connection, connection.transaction():
            last = connection.execute(_LAST, (company_id,)).fetchone()
            if last is None or (last[3], last[2]) != (run, row["model_version"]):
                connection.execute(_KEEP, {"company_id": company_id, "run": run, **row})
                record(
                    connection,
                    "the promotion gate",
                    f"model {row['decision']}",
                    f"{row['champion']} version {row['model_version']}",
                    company_id,
                    {name: row[name] for name in ("asked_by", "champion_before", "reason")},
                )

    def decided(self, company_id: str) -> dict[str, str] | None:
        """Returns what the last contest decided; None where none was held."""
        with connect() as connection:
            cursor = connection.execute(_DECIDED, (company_id,))
            row = cursor.fetchone()
            names = [column.name for column in cursor.description or ()]
        if row is None:
            return None
        return {name: str(value) for name, value in zip(names, row, strict=True) if value}
