"""What is expected of raw_files.marketing_spend, for one company."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from warehouse.quality.raw_files_order_lines import KEY, LEAST_SHARE_OF_EARLIER_LOADS

TABLE = "raw_files.marketing_spend"


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
            for column in [*KEY, "spend_date", "channel", "amount", "currency"]
        ),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=KEY),
        gxe.ExpectColumnValuesToBeBetween(
            column="spend_date", min_value=datetime(1970, 1, 1).date(), max_value=tomorrow
        ),
        gxe.ExpectColumnValuesToMatchRegex(column="currency", regex="^[A-Z]{3}$"),
        gxe.ExpectColumnValueLengthsToBeBetween(column="channel", min_value=1),
        # A credit note is negative; spend that is negative altogether is a wrong column or sign.
        gxe.ExpectColumnSumToBeBetween(column="amount", min_value=0),
    ]
