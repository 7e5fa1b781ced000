"""What is expected of ml.clv_model_scores, for one company."""

from __future__ import annotations

from typing import Any

TABLE = "ml.clv_model_scores"

KEY = ["company_id", "run", "model", "cutoff", "horizon", "segment"]

BASELINE = "naive"


def expectations() -> list[Any]:
    """Builds the suite.

    Returns:
        Great Expectations' expectation objects.
    """
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectCompoundColumnsToBeUnique(column_list=KEY),
        gxe.ExpectColumnDistinctValuesToContainSet(column="model", value_set=[BASELINE]),
        gxe.ExpectColumnValuesToNotBeNull(column="mae"),
        gxe.ExpectColumnValuesToBeBetween(column="mae", min_value=0),
        gxe.ExpectColumnValuesToBeBetween(column="spearman", min_value=-1, max_value=1),
        gxe.ExpectColumnValuesToBeBetween(column="normalised_gini", min_value=-1, max_value=1),
        gxe.ExpectColumnValuesToBeBetween(column="rows", min_value=1),
        gxe.ExpectColumnDistinctValuesToContainSet(column="is_champion", value_set=[True]),
    ]
