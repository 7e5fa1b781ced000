"""What happens after a cutoff changes nothing that was made at it, to the last byte."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ml.features.btyd import customer_features
from ml.models.catalogue import CANDIDATES, new_candidate
from ml.models.preparation import Preparation
from ml.prediction import predict_customers

CUTOFF = date(1997, 12, 31)
LATER = pd.Timestamp("1998-01-01")


def _other_futures(daily: pd.DataFrame) -> dict[str, pd.DataFrame]:
    known = daily[daily["order_date"] < LATER]
    later = daily[daily["order_date"] >= LATER]
    first = known["customer_id"].iloc[0]
    new = pd.DataFrame(
        {
            "customer_id": ["0", "zzz", first],
            "order_date": pd.to_datetime(["1998-01-01", "1998-02-01", "1998-01-01"]),
            "gross_revenue_base": [9e6, 5.0, 1e5],
        }
    )
    refunded = later.assign(gross_revenue_base=-later["gross_revenue_base"])
    merged = later.assign(customer_id=np.where(np.arange(len(later)) % 3 == 0, first,
                                               later["customer_id"]))  # fmt: skip
    return {
        "deleted": known,
        "injected": pd.concat([daily, new]),
        "refunded": pd.concat([known, refunded]),
        "merged": pd.concat([known, merged]),
    }


@pytest.mark.parametrize("name", list(CANDIDATES))
def test_no_candidate_sees_the_future(name: str, sample_daily: pd.DataFrame) -> None:
    customers = customer_features(sample_daily, CUTOFF)
    model = new_candidate(name).fit(sample_daily, CUTOFF)
    predicted = model.predict(customers, [13.0, 26.0])
    assert predicted["predicted_value"].sum() > 0
    for future, daily in _other_futures(sample_daily).items():
        prepared = Preparation(daily)
        pd.testing.assert_frame_equal(prepared.customers(CUTOFF), customers, check_exact=True)
        again = new_candidate(name).fit(prepared, CUTOFF)
        assert again.describe() == model.describe(), future
        pd.testing.assert_frame_equal(
            again.predict(customers, [13.0, 26.0]), predicted, check_exact=True
        )


@pytest.mark.faults
def test_nor_does_the_whole_engine(sample_daily: pd.DataFrame) -> None:
    made = predict_customers(sample_daily, CUTOFF, 91)
    for daily in _other_futures(sample_daily).values():
        again = predict_customers(daily.sample(frac=1, random_state=3), CUTOFF, 91)
        assert again.customers.to_csv() == made.customers.to_csv()
        assert again.scorecard() == made.scorecard()
