"""What is expected of raw_files.companies."""

from __future__ import annotations

from typing import Any

TABLE = "raw_files.companies"


def expectations(company_ids: list[str]) -> list[Any]:
    """Builds the suite.

    Args:
        company_ids: The companies of companies.yml.

    Returns:
        Great Expectations' expectation objects.
    """
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectColumnDistinctValuesToEqualSet(column="company_id", value_set=company_ids),
        gxe.ExpectColumnValuesToBeUnique(column="company_id"),
        gxe.ExpectColumnValuesToMatchRegex(column="base_currency", regex="^[A-Z]{3}$"),
        gxe.ExpectColumnValuesToNotBeNull(column="timezone"),
        gxe.ExpectColumnValuesToBeBetween(column="margin_rate", min_value=0, max_value=1),
        gxe.ExpectColumnValuesToBeBetween(column="discount_rate", min_value=0, max_value=1),
    ]
