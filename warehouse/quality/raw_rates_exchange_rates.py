"""What is expected of raw_rates.exchange_rates, which belongs to no company."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from warehouse.currencies import minor_units

TABLE = "raw_rates.exchange_rates"

KEY = ["rate_date", "currency"]


def expectations() -> list[Any]:
    """Builds the suite.

    Returns:
        Great Expectations' expectation objects.
    """
    import great_expectations.expectations as gxe

    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    return [
        gxe.ExpectTableRowCountToBeBetween(min_value=1),
        *(
            gxe.ExpectColumnValuesToNotBeNull(column=column)
            for column in [*KEY, "units_per_eur", "source"]
        ),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=KEY),
        gxe.ExpectColumnValuesToBeInSet(column="currency", value_set=sorted(minor_units())),
        gxe.ExpectColumnValuesToBeBetween(
            column="rate_date", min_value=datetime(1999, 1, 1).date(), max_value=tomorrow
        ),
        gxe.ExpectColumnMinToBeBetween(column="units_per_eur", min_value=0, strict_min=True),
    ]
