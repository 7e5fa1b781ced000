"""What is expected of raw_files.order_lines, for one company."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

TABLE = "raw_files.order_lines"

KEY = ["company_id", "feed", "source_file", "line_number"]

#: A load with less than this share of an earlier one's rows is taken for a cut-off export.
LEAST_SHARE_OF_EARLIER_LOADS = 0.5


def expectations(earlier_rows: int) -> list[Any]:
    """Builds the suite.

    Args:
        earlier_rows: Rows of the largest of the last loads; 0 when there was none.

    Returns:
        Great Expectations' expectation objects.
    """
    import great_expectations.expectations as gxe

    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    return [
        gxe.ExpectTableRowCountToBeBetween(
            min_value=max(1, int(earlier_rows * LEAST_SHARE_OF_EARLIER_LOADS))
        ),
        *(
            gxe.ExpectColumnValuesToNotBeNull(column=column)
            for column in [*KEY, "order_date", "amount", "currency"]
        ),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=KEY),
        gxe.ExpectColumnValuesToBeBetween(
            column="order_date", min_value=datetime(1970, 1, 1).date(), max_value=tomorrow
        ),
        gxe.ExpectColumnValuesToMatchRegex(column="currency", regex="^[A-Z]{3}$"),
        gxe.ExpectColumnMinToBeBetween(column="line_number", min_value=2),
        # A feed of nothing but zeros or refunds is a wrong column, not a business.
        gxe.ExpectColumnSumToBeBetween(column="amount", min_value=0, strict_min=True),
        gxe.ExpectColumnUniqueValueCountToBeBetween(column="order_date", min_value=1),
    ]
