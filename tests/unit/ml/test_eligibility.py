"""Every code has a case that triggers it and one beside it that doesn't."""

from datetime import date

import pandas as pd
import pytest

from ml.eligibility import CompanyEligibility, Eligibility, company_eligibility
from ml.prediction import predict_customers


@pytest.mark.parametrize(
    ("customers", "repeat", "held", "code"),
    [
        (0, 0, False, CompanyEligibility.NO_CUSTOMERS),
        (1, 0, False, CompanyEligibility.FEW_REPEAT_CUSTOMERS),
        (500, 9, True, CompanyEligibility.FEW_REPEAT_CUSTOMERS),
        (500, 10, False, CompanyEligibility.NO_HOLDOUT),
        (500, 10, True, CompanyEligibility.CONTEST),
    ],
)
def test_companies(customers: int, repeat: int, held: bool, code: CompanyEligibility) -> None:
    assert company_eligibility(customers, repeat, 10, held) is code


def test_customers_and_their_company(two_customers: pd.DataFrame) -> None:
    prediction = predict_customers(two_customers, date(2025, 2, 28), 28)
    codes = prediction.customers.set_index("customer_id")["eligibility"]
    assert codes["ann"] == Eligibility.ELIGIBLE
    assert codes["bob"] == Eligibility.ONE_TIME_BUYER
    assert codes["cid"] == Eligibility.NO_PAID_ORDER
    assert prediction.company_eligibility is CompanyEligibility.FEW_REPEAT_CUSTOMERS


def test_a_company_with_a_history_has_a_contest(sample_daily: pd.DataFrame) -> None:
    prediction = predict_customers(sample_daily, date(1997, 12, 31), 91)
    assert prediction.scorecard()["company_eligibility"] == "contest"
