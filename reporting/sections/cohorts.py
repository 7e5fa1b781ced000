"""Customers by the month of their first order: value, retention, repeat rate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from reporting.blocks import charts
from reporting.blocks.blocks import Block, Chart, Column, Note, Section, Table
from reporting.blocks.formats import (
    count,
    money,
    month,
    percent,
)
from reporting.metrics.cohorts import COHORTS_SHOWN
from reporting.metrics.company import CompanyFacts
from reporting.metrics.scope import Row

#: With fewer customers a cohort's mean is one customer's whim.
FEW_IN_COHORT = 10


def ltv_by_cohort(facts: CompanyFacts, rows: Sequence[Row], predicted: Sequence[Row]) -> Section:
    """Cumulative net revenue per customer by cohort: curves and table."""
    title = "Lifetime value by cohort"
    over = [row for row in rows if not row["is_right_censored"]]
    if not over:
        return Section(
            "cohorts", title, [Note("No cohort has a month behind it yet. Come back next month.")]
        )
    cur = facts.currency
    by_cohort: dict[date, list[Row]] = defaultdict(list)
    for row in over:
        by_cohort[row["cohort_month"]].append(row)
    curves = [
        (
            month(cohort),
            [row["months_since"] for row in cells],
            [row["cumulative_revenue_per_customer"] for row in cells],
        )
        for cohort, cells in by_cohort.items()
        if cells[0]["cohort_size"] >= FEW_IN_COHORT
    ]
    shown = sorted(
        m for m in {row["months_since"] for row in over} if m in {0, 1, 2, 3, 6, 9, 12, 18, 24, 36}
    )
    table = Table(
        "Cumulative net revenue per customer",
        [
            Column("cohort_month", "Cohort", "month"),
            Column("cohort_size", "Customers", "count"),
            *(Column(f"month_{m}", f"Month {m}", "money") for m in shown),
        ],
        [
            {
                "cohort_month": cohort,
                "cohort_size": cells[0]["cohort_size"],
                **{
                    f"month_{row['months_since']}": row["cumulative_revenue_per_customer"]
                    for row in cells
                },
            }
            for cohort, cells in by_cohort.items()
        ],
        currency=cur,
        definition=(
            f"Net revenue in {cur} that the customers of a cohort have brought from their first "
            "order to the end of the month, divided by all customers of the cohort. Month 0 is the "
            "month of the first order; a month that isn't over is left out."
        ),
        export="cohorts",
    )
    mean = mean_curve(over)
    last = mean[1][-1] if mean[1] else None
    blocks: list[Block] = [
        Chart(
            "Cumulative net revenue per customer, by cohort",
            "One line for each month of first orders, darker the older; the thick line is the mean "
            "of all cohorts that have come so far, weighted by their customers. Cohorts of fewer "
            f"than {FEW_IN_COHORT} customers have no line of their own, but count in the mean.",
            charts.cohort_curves(curves, mean, f"{cur} per customer", f" {cur}"),
            f"After {mean[0][-1] if mean[0] else 0} months a customer has brought "
            f"{money(last, cur)} on average.",
            height=380,
        ),
        table,
    ]
    if len(by_cohort) >= COHORTS_SHOWN:
        blocks.append(Note(f"The latest {COHORTS_SHOWN} cohorts are shown."))
    if predicted:
        blocks.append(_predicted_cohorts(facts, predicted))
    return Section("cohorts", title, blocks)


def mean_curve(rows: Sequence[Row]) -> tuple[list[int], list[float]]:
    """Returns the mean cumulative revenue over cohorts that reached a month, by that month.

    Cohorts drop out as the months go on, which alone would bend the curve: each step is the mean
    step of those that are still there.
    """
    at: dict[int, dict[date, tuple[int, float]]] = defaultdict(dict)
    for row in rows:
        at[row["months_since"]][row["cohort_month"]] = (
            row["cohort_size"],
            float(row["cumulative_revenue_per_customer"]),
        )
    months, values = [], []
    total = 0.0
    for m in sorted(at):
        size = sum(customers for customers, _ in at[m].values())
        before = at.get(m - 1, {})
        step = sum(
            customers * (value - (before[cohort][1] if cohort in before else 0.0))
            for cohort, (customers, value) in at[m].items()
        )
        total += step / size if size else 0.0
        months.append(m)
        values.append(total)
    return months, values


def _predicted_cohorts(facts: CompanyFacts, rows: Sequence[Row]) -> Table:
    wanted = {3, 6, 12, 18, 24, 36}
    picked = [row for row in rows if row["months_since"] in wanted]
    return Table(
        "Expected value per customer at later months",
        [
            Column("cohort_month", "Cohort", "month"),
            Column("months_since", "Month", "count"),
            Column("net_revenue_per_customer", "Net revenue per customer", "money"),
            Column("lower", "At least", "money"),
            Column("upper", "At most", "money"),
            Column("margin_per_customer", "Margin per customer", "money"),
        ],
        picked or rows,
        currency=facts.currency,
        definition=(
            "Cumulative net revenue per customer that a cohort is expected to have brought by that "
            "month, with an 80 % interval."
        ),
        export="predicted_cohorts",
        folded=True,
    )


def retention(rows: Sequence[Row]) -> Section:
    """Who came back, by cohort and month."""
    title = "Retention"
    over = [row for row in rows if not row["is_right_censored"]]
    months = sorted({row["months_since"] for row in over})
    if len(months) < 2:
        return Section(
            "retention", title, [Note("No month has passed since the first orders yet.")]
        )
    sizes = {row["cohort_month"]: row["cohort_size"] for row in over}
    share = {(row["cohort_month"], row["months_since"]): row["retention"] for row in over}
    cells = [[share.get((cohort, m)) for m in months] for cohort in sizes]
    # A cohort of one that comes back each month would leave all others pale.
    typical = [
        value for (cohort, m), value in share.items() if m > 0 and sizes[cohort] >= FEW_IN_COHORT
    ]
    darkest = max(typical, default=1.0)
    after = [(cohort, value) for (cohort, m), value in share.items() if m == 1]
    size = sum(sizes[cohort] for cohort, _ in after)
    first = sum(sizes[cohort] * value for cohort, value in after) / size if size else None
    table = Table(
        "Share of a cohort that ordered in the month",
        [
            Column("cohort_month", "Cohort", "month"),
            Column("cohort_size", "Customers", "count"),
            *(Column(f"month_{m}", f"Month {m}", "percent") for m in months),
        ],
        [
            {
                "cohort_month": cohort,
                "cohort_size": sizes[cohort],
                **{f"month_{m}": share.get((cohort, m)) for m in months},
            }
            for cohort in sizes
        ],
        export="retention",
        folded=True,
    )
    return Section(
        "retention",
        title,
        [
            Chart(
                "Share of a cohort that ordered in the month, in %",
                "Customers of a cohort who ordered in the month ÷ all customers of the cohort, "
                "in percent. Month 0 is the month of the first order, and so 100 %.",
                charts.heat_map(
                    [f"{month(cohort)} · {count(n)}" for cohort, n in sizes.items()],
                    months,
                    cells,
                    darkest,
                    "months since the first order",
                ),
                f"In the month after the first order {percent(first)} of customers ordered again.",
                height=90 + 26 * len(sizes),
                min_width=120 + 34 * len(months),
                table=table,
            )
        ],
    )


def repeat_rate(rows: Sequence[Row]) -> Section:
    """How many order a second time within so many days."""
    title = "Repeat rate"
    known = [row for row in rows if row["customers"]]
    if not known:
        return Section("repeat", title, [Note("No first order is 30 days old yet.")])
    table_rows = [
        {
            "days": f"{row['days']} days",
            "customers": row["customers"],
            "returned": row["returned"],
            "rate": row["returned"] / row["customers"],
        }
        for row in known
    ]
    definition = (
        "Customers with a second order within so many days of the first ÷ customers whose first "
        "order is at least that long ago."
    )
    return Section(
        "repeat",
        title,
        [
            Chart(
                "Customers who ordered again",
                definition,
                charts.bars(
                    [row["days"] for row in table_rows],
                    [("ordered again", [100 * row["rate"] for row in table_rows], charts.BLUE)],
                    "within, since the first order",
                    "% of customers",
                    unit=" %",
                ),
                "; ".join(f"{row['days']}: {percent(row['rate'])}" for row in table_rows),
                height=300,
            ),
            Table(
                "Repeat rate",
                [
                    Column("days", "Within"),
                    Column("customers", "Customers", "count", "whose first order is so long ago"),
                    Column("returned", "Ordered again", "count"),
                    Column("rate", "Repeat rate", "percent"),
                ],
                table_rows,
                export="repeat_rate",
            ),
        ],
    )
