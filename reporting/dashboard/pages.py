"""Which page shows what: the sections of each, read as the one who asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reporting.blocks.blocks import Chart, Column, Note, Section, Table
from reporting.dashboard.filters import DEFAULT_PERIOD, Filters
from reporting.metrics import accuracy, channels, cohorts, customers, headline, revenue
from reporting.metrics.company import CompanyFacts
from reporting.sections import accuracy as accuracy_sections
from reporting.sections import acquisition as acquisition_sections
from reporting.sections import cohorts as cohort_sections
from reporting.sections import customers as customer_sections
from reporting.sections import headline as headline_sections
from reporting.sections import revenue as revenue_sections

if TYPE_CHECKING:
    from psycopg import Connection

#: Rows of a list on a page; an export has all.
ROWS_SHOWN = 50


@dataclass(frozen=True)
class Asked:
    """What a page is made for.

    Attributes:
        facts: The company.
        filters: Of the address.
        options: Further names and values of the address.
        whole: Whether lists are wanted to their end, for an export.
    """

    facts: CompanyFacts
    filters: Filters
    options: dict[str, str]
    whole: bool = False

    @property
    def most(self) -> int | None:
        """How many rows a list may have."""
        return None if self.whole else ROWS_SHOWN

    @property
    def place(self) -> int:
        """Which page of a list, from 1 on."""
        text = self.options.get("page", "")
        return max(1, min(int(text), 100_000)) if text.isascii() and text.isdigit() else 1


Build = Callable[["Connection[Any]", Asked], Sequence[Section]]


@dataclass(frozen=True)
class Page:
    """A page of the dashboard.

    Attributes:
        title: Its heading, and its name in the navigation.
        build: Reads its sections.
        filters: Which filters count on it, of period, channel, country and product.
        lead: What it is for.
        others: Why the other filters don't count; empty where all do.
        period: The period where none is chosen.
    """

    title: str
    build: Build
    filters: frozenset[str]
    lead: str
    others: str = ""
    period: str = DEFAULT_PERIOD


def overview(connection: Connection[Any], asked: Asked) -> list[Section]:
    """The period in numbers beside the one before, what moved, and what is to come."""
    facts, scope = asked.facts, asked.filters.scope
    before = scope.before()
    found = headline.headline(connection, scope, asked.filters.start - timedelta(days=1))
    return [
        headline_sections.period(
            facts,
            asked.filters.scope,
            revenue.period(connection, scope),
            revenue.period(connection, before),
            before,
        ),
        headline_sections.movers(facts, revenue.movers(connection, scope, before), scope, before),
        headline_sections.headline(facts, *found),
        revenue_sections.new_and_returning(facts, revenue.monthly(connection, scope)),
        _forecast(connection, asked),
    ]


def _forecast(connection: Connection[Any], asked: Asked) -> Section:
    facts, scope = asked.facts, asked.filters.scope
    if scope.is_filtered:
        return revenue_sections.no_forecast_of_some()
    return revenue_sections.forecast(
        facts, revenue.forecast(connection, scope), revenue.forecast_scores(connection, scope)
    )


def cohort_page(connection: Connection[Any], asked: Asked) -> list[Section]:
    """Cohorts of the company, or of some of its customers."""
    facts, scope = asked.facts, asked.filters.scope
    rows = cohorts.cohorts(connection, scope)
    predicted = [] if scope.is_filtered else cohorts.predicted_cohorts(connection, scope)
    first = cohort_sections.ltv_by_cohort(facts, rows, predicted)
    if scope.is_filtered:
        note = Note("What cohorts will bring is predicted for all customers together alone.")
        first = Section(first.anchor, first.title, [*first.blocks, note])
    return [
        first,
        cohort_sections.retention(rows),
        cohort_sections.repeat_rate(cohorts.repeat_rates(connection, scope)),
    ]


def acquisition_page(connection: Connection[Any], asked: Asked) -> list[Section]:
    """What channels cost in the period, and what customers are worth by how they came."""
    facts, scope = asked.facts, asked.filters.scope
    return [
        acquisition_sections.acquisition(
            facts,
            channels.channels(connection, scope),
            channels.channel_targets(connection, scope),
            scope,
        ),
        acquisition_sections.ltv_by_origin(
            facts,
            channels.ltv_by_channel(connection, scope),
            channels.ltv_by_product(connection, scope),
            channels.ltv_by_discount(connection, scope),
        ),
    ]


def segment_page(connection: Connection[Any], asked: Asked) -> list[Section]:
    """Segments side by side, grouped in one way."""
    kind = asked.options.get("by", "business")
    kind = kind if kind in customers.SEGMENTATIONS else "business"
    rows = customers.segments(connection, asked.filters.scope, kind)
    return [
        customer_sections.segments(asked.facts, {kind: rows}),
        customer_sections.distribution(
            asked.facts, customers.distribution(connection, asked.filters.scope)
        ),
    ]


def at_risk_page(connection: Connection[Any], asked: Asked) -> list[Section]:
    """Who is about to be lost, most value first."""
    scope = asked.filters.scope
    return [
        customer_sections.at_risk(
            asked.facts,
            customers.at_risk(connection, scope, asked.most),
            customers.at_risk_total(connection, scope),
            customers.next_best_actions(connection, scope),
        )
    ]


def customer_page(connection: Connection[Any], asked: Asked) -> list[Section]:
    """Customers in order."""
    order = asked.options.get("order", "predicted")
    order = order if order in customers.ORDERS else "predicted"
    search = asked.options.get("search", "").strip()
    skip = 0 if asked.whole else (asked.place - 1) * ROWS_SHOWN
    rows = customers.customer_list(connection, asked.filters.scope, order, search, asked.most, skip)
    if not rows:
        return [Section("list", "Customers", [Note("No customer is like that.")])]
    table = Table(
        "Customers",
        [
            Column("customer_id", "Customer", "customer"),
            Column("value_to_date", "Value to date", "money"),
            Column("orders", "Orders", "count"),
            Column("predicted_value_12m", "Next 12 months", "money"),
            Column("predicted_value_12m_lower", "At least", "money"),
            Column("predicted_value_12m_upper", "At most", "money"),
            Column("churn_probability_12m", "Risk of no order", "percent"),
            Column("last_order_date", "Last order", "day"),
            Column("business_segment", "Segment"),
            Column("value_tier", "Tier"),
            Column("acquisition_channel", "Channel"),
            Column("country", "Country"),
        ],
        rows,
        currency=asked.facts.currency,
        definition=(
            "Value to date is net revenue; next 12 months is expected gross revenue, with the 80 % "
            "interval where it is known."
        ),
        export="customers",
    )
    return [Section("list", "Customers", [table.filled()])]


def accuracy_page(connection: Connection[Any], asked: Asked) -> list[Section]:
    """How far the predictions can be trusted."""
    scope = asked.filters.scope
    return [
        accuracy_sections.accuracy(
            asked.facts,
            accuracy.scorecard(connection, scope),
            accuracy.deciles(connection, scope),
            accuracy.eligibility(connection, scope),
            accuracy.realised(connection, scope),
        ),
        accuracy_sections.drift(accuracy.drift(connection, scope)),
    ]


_CUSTOMERS = frozenset({"channel", "country", "product"})
_AS_OF_TODAY = "No filter by period: these are the customers as of the last day of data."

#: Pages by their address, in the order of the navigation.
PAGES: dict[str, Page] = {
    "overview": Page(
        "Overview", overview, _CUSTOMERS | {"period"}, "How it goes, and what changed."
    ),
    "cohorts": Page(
        "Cohorts",
        cohort_page,
        _CUSTOMERS,
        "What customers bring over time, and who comes back.",
        "No filter by period: a cohort is shown over its whole life.",
    ),
    "acquisition": Page(
        "Acquisition",
        acquisition_page,
        _CUSTOMERS | {"period"},
        "What winning customers costs, and what they are worth by how they came.",
        # What somebody costs is earned back over months.
        period="all",
    ),
    "segments": Page(
        "Segments", segment_page, _CUSTOMERS, "Groups of customers side by side.", _AS_OF_TODAY
    ),
    "at-risk": Page(
        "At risk",
        at_risk_page,
        _CUSTOMERS,
        "Who is about to be lost, and what to do.",
        _AS_OF_TODAY,
    ),
    "customers": Page(
        "Customers", customer_page, _CUSTOMERS, "Everybody, one by one.", _AS_OF_TODAY
    ),
    "accuracy": Page(
        "Accuracy",
        accuracy_page,
        frozenset(),
        "How good the predictions were so far.",
        "No filters: a model is judged on all customers of the company at once.",
    ),
}


def find_table(sections: Sequence[Section], name: str) -> Table | None:
    """Returns the table of a page that is exported under a name."""
    for section in sections:
        for block in section.blocks:
            table = block.table if isinstance(block, Chart) else block
            if isinstance(table, Table) and table.export == name:
                return table
    return None
