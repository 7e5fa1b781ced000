"""Checks on the exchange rates: Great Expectations, and how old they are."""

from datetime import UTC, date, datetime

import dagster as dg

from orchestration.lib.checks import check_result
from orchestration.resources.companies import CompaniesFile

EXCHANGE_RATES = dg.AssetKey(["raw_rates", "exchange_rates"])

#: Days for which the last rate stands in: int_exchange_rates fills as many.
FILLED_DAYS = 5


@dg.asset_check(
    asset=EXCHANGE_RATES,
    name="great_expectations",
    blocking=True,
    description="Rates are above 0, of currencies that exist, one a day, and none of the future.",
)
def rates_expectations() -> dg.AssetCheckResult:
    """Validates raw_rates.exchange_rates."""
    from warehouse.quality import raw_rates_exchange_rates as suite
    from warehouse.quality.validation import validate

    if _last_date() is None:
        return dg.AssetCheckResult(passed=True, description="no exchange rates have landed")
    return check_result(validate(suite.TABLE, None, suite.expectations()))


@dg.asset_check(
    asset=EXCHANGE_RATES,
    name="are_fresh",
    description=(
        f"The newest rate is at most {FILLED_DAYS} days old: amounts of later days in another "
        "currency than the company's have none, and go to quarantine."
    ),
)
def rates_are_fresh(companies_file: CompaniesFile) -> dg.AssetCheckResult:
    """Looks up the newest rate."""
    if companies_file.exchange_rates() is None:
        return dg.AssetCheckResult(passed=True, description="no exchange rates are configured")
    last = _last_date()
    age = None if last is None else (datetime.now(UTC).date() - last).days
    return dg.AssetCheckResult(
        passed=age is not None and age <= FILLED_DAYS,
        # What is there is right all the same.
        severity=dg.AssetCheckSeverity.WARN,
        description=(
            "no exchange rates have landed"
            if age is None
            else f"the newest exchange rates are of {last}, {age} days ago"
        ),
    )


def _last_date() -> date | None:
    from warehouse.connection import connect

    with connect() as connection:
        found = connection.execute("select to_regclass('raw_rates.exchange_rates')").fetchone()
        if found is None or found[0] is None:
            return None
        newest = connection.execute("select max(rate_date) from raw_rates.exchange_rates")
        row = newest.fetchone()
        return row[0] if row else None
