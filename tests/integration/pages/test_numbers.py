"""Every number of report and dashboard, against the tables that it is said to come from.

The numbers are worked out again here, row by row in Python, not by the queries of the pages.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from statistics import mean, median
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from reporting.metrics import accuracy, channels, cohorts, company, customers, headline, revenue
from reporting.metrics.scope import Scope
from tests.integration.pages.conftest import HOSTILE, LAST, NEW, NORTH, SOUTH

Rows = list[dict[str, Any]]
Table = Callable[[str], Rows]


@pytest.fixture
def rows(owner: psycopg.Connection) -> Table:
    """All rows of the north's in a table."""

    def read(table: str) -> Rows:
        cursor = owner.cursor(row_factory=dict_row)
        return cursor.execute(
            f"select * from {table} where company_id = %s",  # type: ignore[arg-type]
            (NORTH,),
        ).fetchall()

    return read


ALL = Scope(NORTH)
QUARTER = Scope(NORTH, start=LAST - timedelta(days=89), end=LAST)
FILTERED = Scope(
    NORTH,
    channel="shop",
    country="DE",
    product="Lamp",
    start=QUARTER.start,
    end=QUARTER.end,
)


def chosen(rows: Table, scope: Scope) -> set[str]:
    """Customers of a scope, worked out from the marts."""
    bought = {
        line["customer_id"]
        for line in rows("marts.fct_order_lines")
        if line["product"] == scope.product and line["gross_revenue_base"] > 0
    }
    return {
        row["customer_id"]
        for row in rows("marts.dim_customers")
        if scope.channel in {None, row["acquisition_channel"] or "unknown"}
        and scope.country in {None, row["country"] or "unknown"}
        and (scope.product is None or row["customer_id"] in bought)
    }


class near:  # noqa: N801
    """Equals what is as good as it: sums of floats depend on their order."""

    def __init__(self, value: Any) -> None:
        self.value = pytest.approx(float(value), rel=1e-9, abs=1e-9)

    def __eq__(self, other: object) -> bool:
        return bool(float(other) == self.value)  # type: ignore[arg-type]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.value)


def test_companies_are_those_of_the_marts(owner: psycopg.Connection) -> None:
    known = company.companies(owner)
    assert {NORTH, SOUTH, NEW} <= set(known)
    assert known[NORTH].currency == "EUR"
    assert known[NORTH].as_of_date == LAST
    assert known[NEW].is_empty


def test_choices_are_what_customers_have(owner: psycopg.Connection, rows: Table) -> None:
    offered = company.choices(owner, NORTH)
    people = rows("marts.dim_customers")
    assert set(offered.channels) == {row["acquisition_channel"] for row in people}
    assert set(offered.countries) == {row["country"] for row in people}
    assert {name for _, name in offered.products} == {"Lamp", "Chair", "Table, oak"}


@pytest.mark.parametrize("scope", [ALL, FILTERED], ids=["all", "filtered"])
def test_the_headline(owner: psycopg.Connection, rows: Table, scope: Scope) -> None:
    who = chosen(rows, scope)
    assert who
    now, then, predicted = headline.headline(owner, scope, date(2026, 5, 31))
    people = [row for row in rows("reporting.customer_360") if row["customer_id"] in who]
    values = [row["value_to_date"] for row in people]
    expected = [row["predicted_value_12m"] for row in people]
    assert now["customers"] == len(people)
    assert now["value_to_date"] == sum(values)
    assert now["mean_value_to_date"] == near(mean(values))
    assert now["median_value_to_date"] == near(median(values))
    assert now["predicted_12m"] == sum(expected)
    assert now["mean_predicted_12m"] == near(mean(expected))
    assert now["median_predicted_12m"] == near(median(expected))
    assert now["churn_probability_12m"] == near(
        mean(row["churn_probability_12m"] for row in people)
    )
    past = [
        row["net_revenue_sum"]
        for row in rows("marts.customer_features")
        if row["as_of_date"] == date(2026, 5, 31) and row["customer_id"] in who
    ]
    assert then["as_of_date"] == date(2026, 5, 31)
    assert then["customers"] == len(past)
    assert then["mean_value_to_date"] == near(mean(past))
    assert then["median_value_to_date"] == near(median(past))
    assert predicted["calculation_date"] is None


def orders_of(rows: Table, scope: Scope) -> Rows:
    who = chosen(rows, scope)
    return [
        row
        for row in rows("marts.fct_orders")
        if row["status"] in {"completed", "refund"}
        and (scope.start is None or scope.start <= row["order_date"] <= scope.end)
        and (not scope.is_filtered or row["customer_id"] in who)
    ]


@pytest.mark.parametrize("scope", [QUARTER, QUARTER.before(), FILTERED])
def test_the_sales_of_a_period(owner: psycopg.Connection, rows: Table, scope: Scope) -> None:
    found = revenue.period(owner, scope)
    orders = orders_of(rows, scope)
    completed = [row for row in orders if row["status"] == "completed"]
    total = sum(row["net_revenue_base"] for row in orders)
    assert total
    assert found["net_revenue"] == total
    assert found["orders"] == len(completed)
    assert found["buyers"] == len({row["customer_id"] for row in completed} - {None})
    assert found["new_customers"] == sum(row["customer_order_number"] == 1 for row in orders)
    assert found["returning_revenue"] == sum(
        row["net_revenue_base"] for row in orders if (row["customer_order_number"] or 0) > 1
    )
    assert found["average_order_value"] == near(total / len(completed))


def test_a_period_before_is_as_long_and_ends_where_it_begins() -> None:
    before = QUARTER.before()
    assert before.end == QUARTER.start - timedelta(days=1)
    assert before.end - before.start == QUARTER.end - QUARTER.start


@pytest.mark.parametrize("scope", [ALL, FILTERED], ids=["all", "filtered"])
def test_revenue_by_month_adds_up(owner: psycopg.Connection, rows: Table, scope: Scope) -> None:
    found = {row["month"]: row for row in revenue.monthly(owner, scope)}
    wanted: dict[date, Decimal] = defaultdict(Decimal)
    new: dict[date, Decimal] = defaultdict(Decimal)
    for row in orders_of(rows, scope):
        month = row["order_date"].replace(day=1)
        wanted[month] += row["net_revenue_base"]
        if row["customer_order_number"] == 1:
            new[month] += row["net_revenue_base"]
    assert set(found) == set(wanted)
    for month, row in found.items():
        parts = row["new_revenue"] + row["returning_revenue"] + row["unattributed_revenue"]
        assert parts == wanted[month]
        assert row["new_revenue"] == new[month]


def test_what_moved_is_the_difference(owner: psycopg.Connection, rows: Table) -> None:
    before = QUARTER.before()
    found = revenue.movers(owner, QUARTER, before)
    lands = {row["customer_id"]: row["country"] for row in rows("marts.dim_customers")}
    wanted: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for scope, sign in ((QUARTER, 1), (before, -1)):
        for row in orders_of(rows, scope):
            wanted["channel", row["channel"] or "unknown"] += sign * row["net_revenue_base"]
            land = lands.get(row["customer_id"]) or "unknown"
            wanted["country", land] += sign * row["net_revenue_base"]
    assert {(r["dimension"], r["name"]): r["difference"] for r in found} == {
        key: value for key, value in wanted.items() if value
    }
    assert [abs(r["difference"]) for r in found] == sorted(
        (abs(r["difference"]) for r in found), reverse=True
    )


def cells(found: Rows) -> set[tuple[Any, ...]]:
    """Cohorts as values that can be compared."""
    names = (
        "cohort_month",
        "months_since",
        "cohort_size",
        "is_right_censored",
        "retention",
        "cumulative_revenue_per_customer",
        "cumulative_margin_per_customer",
    )
    return {tuple(row[name] for name in names) for row in found}


@pytest.mark.parametrize(
    ("scope", "dimension", "value"),
    [
        (ALL, "all", "all"),
        (Scope(NORTH, channel="shop"), "channel", "shop"),
        (Scope(NORTH, country="AT"), "country", "AT"),
    ],
    ids=["all", "channel", "country"],
)
def test_cohorts_are_the_mart(
    owner: psycopg.Connection, rows: Table, scope: Scope, dimension: str, value: str
) -> None:
    wanted = [
        row
        for row in rows("marts.cohort_retention")
        if (row["dimension"], row["dimension_value"]) == (dimension, value)
    ]
    assert len(wanted) > 50
    assert cells(cohorts.cohorts(owner, scope)) == cells(wanted)


@pytest.mark.parametrize("scope", [Scope(NORTH, product="Lamp"), FILTERED])
def test_cohorts_of_whoever_bought_a_product(
    owner: psycopg.Connection, rows: Table, scope: Scope
) -> None:
    who = chosen(rows, scope)
    began = {
        row["customer_id"]: row["first_order_date"].replace(day=1)
        for row in rows("marts.dim_customers")
        if row["customer_id"] in who
    }
    sizes = Counter(began.values())
    active: dict[tuple[date, int], set[str]] = defaultdict(set)
    brought: dict[tuple[date, int], Decimal] = defaultdict(Decimal)
    for row in rows("marts.fct_orders"):
        if row["customer_id"] in who:
            first, day = began[row["customer_id"]], row["order_date"]
            place = first, 12 * (day.year - first.year) + day.month - first.month
            brought[place] += row["net_revenue_base"]
            if row["status"] == "completed":
                active[place].add(row["customer_id"])
    found = cohorts.cohorts(owner, scope)
    assert {row["cohort_month"]: row["cohort_size"] for row in found} == sizes
    for row in found:
        first, months = row["cohort_month"], row["months_since"]
        assert not row["is_right_censored"]
        assert row["retention"] == near(len(active[first, months]) / sizes[first])
        total = sum(brought[first, month] for month in range(months + 1))
        assert row["cumulative_revenue_per_customer"] == round(total / sizes[first], 4)


@pytest.mark.parametrize("scope", [ALL, FILTERED], ids=["all", "filtered"])
def test_repeat_rates(owner: psycopg.Connection, rows: Table, scope: Scope) -> None:
    who = chosen(rows, scope)
    days: dict[str, list[date]] = defaultdict(list)
    for row in rows("marts.fct_orders"):
        if row["status"] == "completed" and row["customer_id"] in who:
            days[row["customer_id"]].append(row["order_date"])
    for row in cohorts.repeat_rates(owner, scope):
        within = timedelta(days=row["days"])
        seen = [sorted(each) for each in days.values() if min(each) + within <= LAST]
        assert row["customers"] == len(seen)
        assert row["returned"] == sum(
            len(each) > 1 and each[1] - each[0] <= within for each in seen
        )


def test_channels_cost_and_earn(owner: psycopg.Connection, rows: Table) -> None:
    months: dict[str, Rows] = defaultdict(list)
    for row in rows("marts.channel_performance"):
        months[row["channel"]].append(row)
    found = {row["channel"]: row for row in channels.channels(owner, ALL)}
    assert set(found) == set(months)
    for channel, row in found.items():
        paid = [each for each in months[channel] if each["spend_base"] is not None]
        spend = sum(each["spend_base"] for each in paid)
        won = sum(each["new_customers"] for each in paid)
        margin = sum(each["margin_base"] for each in paid)
        assert row["new_customers"] == sum(each["new_customers"] for each in months[channel])
        if paid:
            assert row["spend"] == spend
            assert row["cac"] == near(spend / won)
            assert row["ltv"] == near(margin / won)
            assert row["ltv_to_cac"] == near(margin / spend)
        else:
            assert row["spend"] is None
    assert {channel for channel, row in found.items() if row["spend"]} == {"market", "fair"}


@pytest.mark.parametrize("kind", ["business", "rfm", "tier", "stage", "status"])
@pytest.mark.parametrize("scope", [ALL, FILTERED], ids=["all", "filtered"])
def test_segments(owner: psycopg.Connection, rows: Table, kind: str, scope: Scope) -> None:
    who = chosen(rows, scope)
    column = customers.SEGMENTATIONS[kind][1]
    groups: dict[str, Rows] = defaultdict(list)
    for row in rows("reporting.customer_360"):
        if row["customer_id"] in who:
            groups[row[column]].append(row)
    found = {row["segment"]: row for row in customers.segments(owner, scope, kind)}
    assert set(found) == set(groups)
    for segment, row in found.items():
        people = groups[segment]
        assert row["customers"] == len(people)
        assert row["share_of_customers"] == near(len(people) / len(who))
        assert row["value_to_date"] == sum(each["value_to_date"] for each in people)
        assert row["predicted_value_12m"] == sum(each["predicted_value_12m"] for each in people)
        assert row["average_order_value"] == near(
            row["value_to_date"] / sum(each["orders"] for each in people)
        )
        assert row["churn_probability_12m"] == near(
            mean(each["churn_probability_12m"] for each in people)
        )


def test_segments_agree_with_the_published_summary(owner: psycopg.Connection, rows: Table) -> None:
    for kind in ("business", "rfm", "tier", "stage", "status"):
        published = {
            row["segment"]: (row["customers"], row["value_to_date"], row["predicted_value_12m"])
            for row in rows("reporting.segment_summary")
            if row["segmentation"] == kind and row["customers"]
        }
        assert published == {
            row["segment"]: (row["customers"], row["value_to_date"], row["predicted_value_12m"])
            for row in customers.segments(owner, ALL, kind)
        }, kind


@pytest.mark.parametrize("scope", [ALL, FILTERED], ids=["all", "filtered"])
def test_the_distribution(owner: psycopg.Connection, rows: Table, scope: Scope) -> None:
    who = chosen(rows, scope)
    values = sorted(
        float(row["total_clv"])
        for row in rows("reporting.clv_calculations")
        if row["customer_id"] in who
    )
    found = customers.distribution(owner, scope)
    head = found[0]
    assert head["customers"] == len(values)
    assert head["mean"] == near(mean(values))
    assert head["median"] == near(median(values))
    assert head["highest"] == near(values[-1])
    place = 0.99 * (len(values) - 1)
    low = values[int(place)]
    p99 = low + (place - int(place)) * (values[min(int(place) + 1, len(values) - 1)] - low)
    assert head["p99"] == near(p99)
    assert head["clipped"] == sum(value > p99 + 1e-9 for value in values)
    assert sum(row["in_bar"] for row in found) + head["clipped"] == len(values)
    for row in found[1:-1]:
        assert row["in_bar"] == sum(
            row["from_value"] <= value < row["to_value"] for value in values
        )


def test_ltv_by_how_they_came(owner: psycopg.Connection, rows: Table) -> None:
    people = {row["customer_id"]: row for row in rows("reporting.customer_360")}
    by_channel: dict[str, list[Decimal]] = defaultdict(list)
    for row in people.values():
        by_channel[row["acquisition_channel"]].append(
            row["value_to_date"] + row["predicted_net_12m"]
        )
    found = {row["name"]: row for row in channels.ltv_by_channel(owner, ALL)}
    assert {name: row["customers"] for name, row in found.items()} == {
        name: len(values) for name, values in by_channel.items()
    }
    for name, row in found.items():
        assert row["ltv"] == near(mean(by_channel[name]))
    products = {row["product"]: row for row in rows("reporting.product_ltv")}
    for row in channels.ltv_by_product(owner, ALL):
        assert row["ltv"] == products[row["name"]]["ltv_per_new_customer"]
        assert row["customers"] == products[row["name"]]["new_customers"]
    brought: dict[str, set[str]] = defaultdict(set)
    firsts = {
        row["order_id"]
        for row in rows("marts.fct_orders")
        if row["customer_order_number"] == 1 and row["customer_id"] in chosen(rows, FILTERED)
    }
    for line in rows("marts.fct_order_lines"):
        if line["order_id"] in firsts and line["gross_revenue_base"] > 0:
            brought[line["product"]].add(line["customer_id"])
    of_some = {row["name"]: row for row in channels.ltv_by_product(owner, FILTERED)}
    assert set(of_some) == set(brought)
    for name, row in of_some.items():
        assert row["customers"] == len(brought[name])
        assert row["ltv"] == near(
            mean(
                people[who]["value_to_date"] + people[who]["predicted_net_12m"]
                for who in brought[name]
            )
        )
    (discount,) = channels.ltv_by_discount(owner, ALL)
    assert discount["name"] == "at full price"
    assert discount["customers"] == len(people)


def test_customers_at_risk_are_the_published_ones(owner: psycopg.Connection, rows: Table) -> None:
    published = sorted(rows("reporting.at_risk_customers"), key=lambda row: row["risk_rank"])
    assert published
    found = customers.at_risk(owner, ALL)
    for row, wanted in zip(found, published, strict=True):
        assert row == {name: wanted[name] for name in row}
    total = customers.at_risk_total(owner, ALL)
    assert total == {
        "customers": len(published),
        "value_at_risk": sum(row["value_at_risk"] for row in published),
    }
    actions = customers.next_best_actions(owner, ALL)
    assert sum(row["customers"] for row in actions) == len(published)
    who = chosen(rows, FILTERED)
    assert [row["customer_id"] for row in customers.at_risk(owner, FILTERED)] == [
        row["customer_id"] for row in published if row["customer_id"] in who
    ]


def test_the_list_of_customers(owner: psycopg.Connection, rows: Table) -> None:
    people = rows("reporting.customer_360")
    for order, column in (
        ("predicted", "predicted_value_12m"),
        ("value", "value_to_date"),
        ("recent", "last_order_date"),
        ("churn", "churn_probability_12m"),
    ):
        found = customers.customer_list(owner, ALL, order)
        values = [row[column] for row in found]
        assert values == sorted(values, reverse=True)
        assert len(found) == len(people) == customers.customer_count(owner, ALL)
    assert (
        customers.customer_list(owner, ALL, most=5, skip=5)
        == (customers.customer_list(owner, ALL)[5:10])
    )
    (hostile,) = customers.customer_list(owner, ALL, search=HOSTILE[0].upper())
    assert hostile["customer_id"] == HOSTILE[0]
    assert customers.customer_list(owner, ALL, search="%") == []


@pytest.mark.parametrize("customer_id", ["n000", *HOSTILE])
def test_one_customer(owner: psycopg.Connection, rows: Table, customer_id: str) -> None:
    (wanted,) = [r for r in rows("reporting.customer_360") if r["customer_id"] == customer_id]
    assert customers.customer(owner, ALL, customer_id) == wanted
    orders = customers.customer_orders(owner, ALL, customer_id)
    assert sum(row["net_revenue_base"] for row in orders) == wanted["value_to_date"]
    predicted = customers.customer_predictions(owner, ALL, customer_id)
    assert [row["horizon_months"] for row in predicted] == [3, 6, 12]
    assert predicted[-1]["predicted_value"] == wanted["predicted_value_12m"]
    assert customers.customer(owner, Scope(SOUTH), customer_id) is None


def test_the_scorecard_is_the_latest_half_year(owner: psycopg.Connection, rows: Table) -> None:
    scores = [row for row in rows("ml.clv_model_scores") if row["segment"] == "all"]
    half = min(scores, key=lambda row: abs(row["horizon_days"] - 183))["horizon"]
    cutoff = max(row["cutoff"] for row in scores if row["horizon"] == half)
    found = accuracy.scorecard(owner, ALL)
    assert {row["model"]: row["mae"] for row in found} == {
        row["model"]: row["mae"]
        for row in scores
        if row["horizon"] == half and row["cutoff"] == cutoff
    }
    assert {row["model"] for row in found} == {"naive", "mbg_nbd"}
    deciles = accuracy.deciles(owner, ALL)
    wanted = [row for row in rows("ml.clv_decile_scores") if row["horizon"] == half]
    assert len(deciles) == len(wanted) >= 10
    assert sum(row["actual_value"] for row in deciles) == near(
        sum(row["actual_value"] for row in wanted)
    )


def test_eligibility_counts_everybody(owner: psycopg.Connection, rows: Table) -> None:
    found = accuracy.eligibility(owner, ALL)
    people = rows("reporting.customer_360")
    assert sum(row["customers"] for row in found) == len(people)
    assert sum(row["share_of_customers"] for row in found) == near(1)
    assert {row["eligibility"] for row in found} <= set(accuracy.ELIGIBILITY)
