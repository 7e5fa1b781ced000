"""Whether the monthly paths of a company lead to its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Connection

# One pass over the paths and one join: the tables have a row a customer and month.
_FOUND = """
    with

    latest as (
        select max(calculation_date) as calculation_date
        from ml.clv_predictions
        where company_id = %(company)s
    ),

    steps as (
        select
            *,
            lag(month) over path as month_before,
            lag(expected_orders) over path as orders_before,
            lag(predicted_value) over path as value_before,
            lag(p_active) over path as p_before
        from ml.clv_prediction_paths
        where company_id = %(company)s
        window path as (partition by customer_id order by month)
    ),

    paths as (
        select
            count(distinct customer_id) as customers,
            count(*) filter (
                where month > %(longest)s or month <> coalesce(month_before, 0) + 1
            ) as gaps,
            count(*) filter (
                where
                    expected_orders < orders_before
                    or predicted_value < value_before
                    or p_active < p_before
            ) as falls
        from steps
    ),

    ends as (
        select count(*) filter (
            where
                paths.customer_id is null
                or paths.expected_orders <> predictions.expected_orders
                or paths.predicted_value <> predictions.predicted_value
                or paths.p_active <> predictions.p_active
                or paths.calculation_date <> predictions.calculation_date
        ) as strays,
        count(distinct predictions.customer_id) as customers
        from ml.clv_predictions as predictions
        left join ml.clv_prediction_paths as paths
            on
                predictions.company_id = paths.company_id
                and predictions.customer_id = paths.customer_id
                and predictions.horizon_months = paths.month
        where
            predictions.company_id = %(company)s
            and predictions.calculation_date = (select calculation_date from latest)
            and predictions.horizon_months = any(%(horizons)s)
            and predictions.eligibility <> 'no_paid_order'
    )

    select ends.customers, paths.customers, paths.gaps, paths.falls, ends.strays
    from paths cross join ends
"""


@dataclass(frozen=True)
class StrayPaths:
    """What is wrong with a company's paths.

    Attributes:
        customers: With a prediction and at least one paid order.
        with_path: Customers with a path.
        gaps: Months that don't follow the one before, or lie beyond the longest horizon.
        falls: Months with less than the one before.
        strays: Predictions that the path doesn't meet.
    """

    customers: int
    with_path: int
    gaps: int
    falls: int
    strays: int

    @property
    def is_sound(self) -> bool:
        """Whether there is nothing wrong."""
        return self.customers == self.with_path and not (self.gaps or self.falls or self.strays)

    def __str__(self) -> str:
        """Says so in words."""
        return (
            f"{self.with_path:,} paths for {self.customers:,} customers who have paid; "
            f"{self.gaps:,} months out of turn, {self.falls:,} that fall, "
            f"{self.strays:,} predictions that their path doesn't meet"
        )


def stray_paths(
    connection: Connection[Any], company_id: str, horizons_months: Sequence[int]
) -> StrayPaths:
    """Compares the paths of a company with its latest predictions.

    Args:
        connection: To the warehouse.
        company_id: Whose.
        horizons_months: Horizons that it has predictions for.
    """
    found = connection.execute(
        _FOUND,
        {
            "company": company_id,
            "horizons": list(horizons_months),
            "longest": max(horizons_months),
        },
    ).fetchone()
    return StrayPaths(*(found or (0, 0, 0, 0, 0)))
