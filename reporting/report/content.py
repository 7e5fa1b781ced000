"""What the report says, in its order. Reads; writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reporting.blocks.blocks import Section
from reporting.metrics import accuracy, channels, cohorts, customers, revenue
from reporting.metrics.company import CompanyFacts, companies
from reporting.metrics.headline import headline, last_month_end
from reporting.metrics.scope import Scope
from reporting.sections import accuracy as accuracy_sections
from reporting.sections import acquisition
from reporting.sections import cohorts as cohort_sections
from reporting.sections import customers as customer_sections
from reporting.sections import headline as headline_sections
from reporting.sections import revenue as revenue_sections

if TYPE_CHECKING:
    from psycopg import Connection

#: Customers at risk on the page; the dashboard has all.
AT_RISK_SHOWN = 25


class UnknownCompanyError(LookupError):
    """The warehouse has no such company; the message says which it has."""


@dataclass(frozen=True)
class Report:
    """The report of a company.

    Attributes:
        facts: The company.
        sections: In their order; none while it has no orders.
    """

    facts: CompanyFacts
    sections: Sequence[Section]


def read_report(connection: Connection[Any], company_id: str) -> Report:
    """Reads all numbers of a company's report.

    Args:
        connection: Shows the company's rows.
        company_id: Its id.

    Raises:
        UnknownCompanyError: The connection sees no such company.
    """
    known = companies(connection)
    if company_id not in known:
        raise UnknownCompanyError(
            f"The warehouse has no company {company_id}; it has: {', '.join(known) or 'none'}. "
            f"Refresh it first: clv run {company_id}"
        )
    facts = known[company_id]
    if facts.is_empty or facts.as_of_date is None:
        return Report(facts, ())
    scope = Scope(company_id)
    before = last_month_end(facts.as_of_date)
    found_cohorts = cohorts.cohorts(connection, scope)
    return Report(
        facts,
        (
            headline_sections.headline(facts, *headline(connection, scope, before)),
            cohort_sections.ltv_by_cohort(
                facts,
                found_cohorts,
                cohorts.predicted_cohorts(connection, scope),
            ),
            acquisition.acquisition(
                facts,
                channels.channels(connection, scope),
                channels.channel_targets(connection, scope),
                scope,
            ),
            cohort_sections.retention(found_cohorts),
            cohort_sections.repeat_rate(cohorts.repeat_rates(connection, scope)),
            customer_sections.segments(
                facts,
                {kind: customers.segments(connection, scope, kind) for kind in ("rfm", "business")},
            ),
            customer_sections.distribution(facts, customers.distribution(connection, scope)),
            acquisition.ltv_by_origin(
                facts,
                channels.ltv_by_channel(connection, scope),
                channels.ltv_by_product(connection, scope),
                channels.ltv_by_discount(connection, scope),
            ),
            revenue_sections.new_and_returning(facts, revenue.monthly(connection, scope)),
            revenue_sections.forecast(
                facts,
                revenue.forecast(connection, scope),
                revenue.forecast_scores(connection, scope),
            ),
            customer_sections.at_risk(
                facts,
                customers.at_risk(connection, scope, AT_RISK_SHOWN),
                customers.at_risk_total(connection, scope),
                customers.next_best_actions(connection, scope),
            ),
            accuracy_sections.accuracy(
                facts,
                accuracy.scorecard(connection, scope),
                accuracy.deciles(connection, scope),
                accuracy.eligibility(connection, scope),
                accuracy.realised(connection, scope),
            ),
        ),
    )
