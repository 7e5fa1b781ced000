"""Who of the customers is worth an alert."""

from __future__ import annotations

from orchestration.alerts.alert import Alert, at_risk
from warehouse.connection import connect


def customers_at_risk() -> list[Alert]:
    """Returns an alert for each company that has customers at risk, for its latest calculation."""
    with connect() as connection:
        rows = connection.execute(
            "select risks.company_id, max(people.calculation_date), count(*),"
            " round(sum(risks.predicted_value_12m), 2)::text, min(risks.currency)"
            " from reporting.at_risk_customers as risks"
            " inner join reporting.customer_360 as people"
            " on risks.company_id = people.company_id and risks.customer_id = people.customer_id"
            " where people.calculation_date is not null"
            " group by risks.company_id order by risks.company_id"
        ).fetchall()
    return [
        at_risk(company_id, day, customers, f"{value} {currency}")
        for company_id, day, customers, value, currency in rows
    ]
