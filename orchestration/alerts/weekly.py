"""The mail of the week: what its first report says, in a line, with the page."""

from __future__ import annotations

from datetime import date

from orchestration.alerts import alert
from orchestration.alerts.alert import Alert
from orchestration.lib.links import dashboard
from reporting.summary import summarise


def weekly_report(company_id: str, today: date) -> Alert:
    """Returns the mail of a company; of one week it is the same, so it is sent once."""
    value = summarise(company_id).value
    year, number, _ = today.isocalendar()
    headline = (
        f"{value.customers:,} customers, {value.revenue:,.0f} {value.currency} net revenue to "
        f"{value.as_of_date}, {value.predicted_value:,.0f} {value.currency} expected in 12 "
        f"months, {value.top_share:.0%} of it of the best tenth"
    )
    return alert.weekly_report(
        company_id, f"{year}-W{number:02}", headline, dashboard(company_id, "report")
    )
