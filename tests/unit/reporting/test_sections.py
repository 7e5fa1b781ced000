"""Sections of pages: what they say of rows, and what they say where there are none."""

import json
from datetime import date
from typing import Any

import pytest

from reporting.blocks.blocks import Chart, Column, Note, Table
from reporting.metrics.company import CompanyFacts
from reporting.metrics.scope import Scope
from reporting.report.content import Report
from reporting.report.page import render
from reporting.sections import accuracy, acquisition, cohorts, customers, headline, revenue

FACTS = CompanyFacts(
    "shop", "Shop & <Co>", "EUR", "Europe/Berlin", date(2025, 1, 1), date(2026, 6, 30), 12, 180, 0.1
)


def test_what_has_no_rows_says_why() -> None:
    for section in (
        cohorts.ltv_by_cohort(FACTS, [], []),
        acquisition.acquisition(FACTS, [], [], Scope("c")),
        cohorts.retention([]),
        cohorts.repeat_rate([]),
        customers.segments(FACTS, {"rfm": [], "business": []}),
        customers.distribution(FACTS, []),
        acquisition.ltv_by_origin(FACTS, [], [], []),
        revenue.new_and_returning(FACTS, []),
        revenue.forecast(FACTS, [], []),
        customers.at_risk(FACTS, [], None, []),
        accuracy.accuracy(FACTS, [], [], [], []),
    ):
        assert section.blocks, section.title
        assert all(isinstance(block, Note) and block.text for block in section.blocks)


def _cells(cohort: date, size: int, values: list[float]) -> list[dict[str, Any]]:
    return [
        {
            "cohort_month": cohort,
            "months_since": month,
            "cohort_size": size,
            "is_right_censored": False,
            "retention": 1.0 if month == 0 else 0.25,
            "cumulative_revenue_per_customer": value,
        }
        for month, value in enumerate(values)
    ]


def test_the_mean_curve_steps_with_those_that_are_still_there() -> None:
    rows = _cells(date(2026, 1, 1), 10, [10, 14, 16]) + _cells(date(2026, 2, 1), 30, [20, 22])
    months, values = cohorts.mean_curve(rows)
    assert months == [0, 1, 2]
    # (10·10 + 30·20) ÷ 40, then (10·4 + 30·2) ÷ 40 more, then 2 more of the one that got there.
    assert values == pytest.approx([17.5, 20.0, 22.0])


def test_small_cohorts_are_in_the_table_and_have_no_line() -> None:
    rows = _cells(date(2026, 1, 1), 9, [10, 14]) + _cells(date(2026, 2, 1), 10, [20, 22])
    chart, table = cohorts.ltv_by_cohort(FACTS, rows, []).blocks[:2]
    assert isinstance(chart, Chart)
    assert isinstance(table, Table)
    assert [trace["name"] for trace in chart.figure["data"]] == ["Feb 2026", "all cohorts"]
    assert [row["month_1"] for row in table.rows] == [14, 22]


def test_a_month_that_is_not_over_is_left_out() -> None:
    rows = _cells(date(2026, 1, 1), 10, [10, 14, 16])
    rows[-1]["is_right_censored"] = True
    chart = cohorts.retention(rows).blocks[0]
    assert isinstance(chart, Chart)
    assert chart.figure["data"][0]["x"] == ["0", "1"]
    assert chart.figure["data"][0]["z"] == [[100.0, 25.0]]


def test_a_number_without_a_past_says_so() -> None:
    tile = headline.moved(5, None, None)
    assert tile == {"since": "nothing to compare with yet"}
    assert headline.moved(5, 4, date(2026, 5, 31), up_is_good=False)["tone"] == "bad"


def test_what_stands_in_a_script_cannot_end_it() -> None:
    chart = Chart("t", "d", {"data": [{"name": "</script><script>alert(1)"}]}, "s")
    assert "<" not in chart.json
    assert json.loads(chart.json)["data"][0]["name"] == "</script><script>alert(1)"


def test_a_company_without_orders_gets_an_honest_page() -> None:
    empty = CompanyFacts("shop", "Shop & <Co>", "EUR", "Europe/Berlin", None, None, 12, 180, 0.1)
    page = render(Report(empty, ()))
    assert "No orders yet" in page
    assert "Shop &amp; &lt;Co&gt;" in page
    assert "clv run shop" in page
    assert "plotly" not in page


def test_money_is_said_in_which_currency_by_the_header() -> None:
    table = Table("t", [Column("a", "Spend", "money"), Column("b", "Orders", "count")], [], "EUR")
    assert [table.label(column) for column in table.columns] == ["Spend, EUR", "Orders"]
