"""What is expected of ml.clv_predictions, for one company."""

from __future__ import annotations

from typing import Any

TABLE = "ml.clv_predictions"

KEY = ["company_id", "customer_id", "calculation_date", "horizon_months"]


def expectations(horizons_months: list[int]) -> list[Any]:
    """Builds the suite.

    Args:
        horizons_months: The company's horizons.

    Returns:
        Great Expectations' expectation objects.
    """
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectTableRowCountToBeBetween(min_value=1),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=KEY),
        gxe.ExpectColumnDistinctValuesToEqualSet(
            column="horizon_months", value_set=horizons_months
        ),
        *(
            gxe.ExpectColumnValuesToNotBeNull(column=column)
            for column in [
                "expected_orders",
                "predicted_value",
                "p_active",
                "eligibility",
                "model_name",
                "model_version",
            ]
        ),
        *(
            gxe.ExpectColumnValuesToBeBetween(column=column, min_value=0)
            for column in ["expected_orders", "predicted_value", "predicted_discounted"]
        ),
        *(
            gxe.ExpectColumnValuesToBeBetween(column=column, min_value=0, max_value=1)
            for column in ["p_active", "churn_probability", "confidence"]
        ),
        # Null where nothing calibrates an interval, which GX passes over.
        *(
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A=high, column_B=low, or_equal=True, ignore_row_if="either_value_is_missing"
            )
            for high, low in [
                ("upper_95", "upper"),
                ("upper", "predicted_value"),
                ("predicted_value", "lower"),
                ("lower", "lower_95"),
            ]
        ),
        # One value for everybody is a broken model, whatever its total.
        gxe.ExpectColumnMaxToBeBetween(column="predicted_value", min_value=0, strict_min=True),
    ]
