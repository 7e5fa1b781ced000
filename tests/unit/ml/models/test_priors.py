"""What a small company borrows."""

from datetime import date

import pandas as pd
import pytest

from ml.models.btyd import BuyTillYouDie
from ml.models.preparation import Preparation
from ml.models.priors import DEFAULT, Prior, pooled


def test_no_company_lends_the_defaults() -> None:
    assert pooled([]) is DEFAULT


def test_companies_are_averaged_on_the_log_scale() -> None:
    one = Prior(0.5, 4.0, 0.5, 1.0, 2.0, 3.0, "one")
    two = Prior(2.0, 9.0, 0.5, 4.0, 8.0, 3.0, "two")
    both = pooled([one, two])
    assert both.params() == pytest.approx(
        {"r": 1.0, "alpha": 6.0, "a": 0.5, "b": 2.0, "p": 4.0, "q": 3.0}
    )
    # Whose parameters they are is nobody else's business.
    assert both.source == "fits of 2 other companies"


def test_a_fitted_company_lends_and_a_small_one_borrows(
    sample_daily: pd.DataFrame, two_customers: pd.DataFrame
) -> None:
    large = Preparation(sample_daily).own_fit(date(1997, 9, 30))
    assert large is not None
    assert large.r == pytest.approx(0.525, rel=0.01)
    assert large.q == pytest.approx(3.74, rel=0.01)
    assert Preparation(two_customers).own_fit(date(2025, 2, 28)) is None

    lively = Prior(3.0, 4.0, 0.2, 5.0, 6.0, 4.0, "fits of 1 other company")
    expected = {}
    for name, prior in (("borrowed", lively), ("defaults", DEFAULT)):
        prepared = Preparation(two_customers, prior)
        model = BuyTillYouDie("mbg_nbd").fit(prepared, date(2025, 2, 28))
        described = model.describe().diagnostics
        assert described["prior"] == prior.source
        assert described["fell_back"]
        customers = prepared.customers(date(2025, 2, 28))
        expected[name] = model.predict(customers, [26.0])["expected_orders"].sum()
    assert expected["borrowed"] > 1.5 * expected["defaults"]
