"""The interface that all candidates share."""

import pickle
from datetime import date

import numpy as np
import pandas as pd
import pytest

from ml.discounting import discounted_path
from ml.features.btyd import FeatureError, customer_features
from ml.horizons import horizon_days, in_weeks
from ml.models.btyd import BuyTillYouDie
from ml.models.candidate import PREDICTION_COLUMNS, Candidate, NotFittedError
from ml.models.catalogue import CANDIDATES, new_candidate
from ml.models.counts import Family
from ml.models.naive import NaiveRate

CUTOFF = date(1997, 9, 30)
HORIZONS = [13.0, 26.0, 52.0]


@pytest.fixture(scope="module", params=list(CANDIDATES))
def fitted(request: pytest.FixtureRequest, sample_daily: pd.DataFrame) -> Candidate:
    return new_candidate(request.param).fit(sample_daily, CUTOFF)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="pareto_nbd"):
        new_candidate("prophet")


@pytest.mark.parametrize("name", list(CANDIDATES))
def test_using_a_model_before_its_fit_is_an_error(name: str, sample_daily: pd.DataFrame) -> None:
    candidate = new_candidate(name)
    with pytest.raises(NotFittedError):
        candidate.predict(customer_features(sample_daily, CUTOFF), HORIZONS)
    with pytest.raises(NotFittedError):
        candidate.describe()


@pytest.mark.parametrize("horizons", [[], [0.0], [13.0, -1.0], [float("nan")]])
def test_a_horizon_must_be_a_length(
    fitted: Candidate, sample_daily: pd.DataFrame, horizons: list[float]
) -> None:
    with pytest.raises(ValueError, match="horizons must be"):
        fitted.predict(customer_features(sample_daily, CUTOFF), horizons)


def test_an_impossible_customer_is_refused(fitted: Candidate, sample_daily: pd.DataFrame) -> None:
    customers = customer_features(sample_daily, CUTOFF)
    with pytest.raises(FeatureError, match="recency is greater than T"):
        fitted.predict(customers.assign(T=customers["T"] - 1000).assign(T=0.0), HORIZONS)


def test_predictions_are_long_sound_and_grow_with_the_horizon(
    fitted: Candidate, sample_daily: pd.DataFrame
) -> None:
    customers = customer_features(sample_daily, CUTOFF)
    long = fitted.predict(customers, HORIZONS)
    assert tuple(long.columns) == PREDICTION_COLUMNS
    assert long["customer_id"].tolist() == np.repeat(customers["customer_id"], 3).tolist()
    numbers = long[["expected_orders", "predicted_value", "p_active"]].to_numpy()
    assert np.isfinite(numbers).all()
    assert (numbers >= 0).all()
    assert (long["p_active"] <= 1).all()
    by_horizon = numbers.reshape(len(customers), 3, 3)
    assert (np.diff(by_horizon, axis=1) >= 0).all()
    # P(at least one) never exceeds the expected number.
    assert (long["p_active"] <= long["expected_orders"] + 1e-12).all()


def test_one_pass_equals_a_pass_per_horizon(fitted: Candidate, sample_daily: pd.DataFrame) -> None:
    customers = customer_features(sample_daily, CUTOFF)
    together = fitted.predict(customers, HORIZONS)
    for horizon in HORIZONS:
        alone = fitted.predict(customers, [horizon])
        same = together[together["horizon_weeks"] == horizon].reset_index(drop=True)
        pd.testing.assert_frame_equal(same, alone)


def test_rows_after_the_cutoff_and_their_order_change_nothing(
    fitted: Candidate, sample_daily: pd.DataFrame
) -> None:
    known = sample_daily[sample_daily["order_date"] <= pd.Timestamp(CUTOFF)]
    refitted = new_candidate(fitted.name).fit(known.sample(frac=1, random_state=1), CUTOFF)
    assert refitted.describe() == fitted.describe()
    customers = customer_features(sample_daily, CUTOFF)
    ours = refitted.predict(customers.sample(frac=1, random_state=2), HORIZONS)
    pd.testing.assert_frame_equal(
        ours.sort_values(["customer_id", "horizon_weeks"], ignore_index=True),
        fitted.predict(customers, HORIZONS),
        check_exact=True,
    )


def test_a_fitted_model_survives_a_pickle(fitted: Candidate, sample_daily: pd.DataFrame) -> None:
    customers = customer_features(sample_daily, CUTOFF).head(50)
    again = pickle.loads(pickle.dumps(fitted))
    pd.testing.assert_frame_equal(
        again.predict(customers, HORIZONS), fitted.predict(customers, HORIZONS), check_exact=True
    )


def test_the_naive_rate_by_hand(two_customers: pd.DataFrame) -> None:
    cutoff = date(2025, 2, 25)  # eight weeks from 2025-01-01, both days included
    naive = NaiveRate().fit(two_customers, cutoff)
    assert naive.describe().params == {"window_weeks": 8.0}
    ann = naive.predict(customer_features(two_customers, cutoff), [4.0]).iloc[0]
    assert ann["expected_orders"] == pytest.approx(3 / 8 * 4)
    assert ann["predicted_value"] == pytest.approx(70 / 8 * 4)
    assert ann["p_active"] == pytest.approx(1 - np.exp(-1.5))


@pytest.mark.parametrize("name", list(CANDIDATES))
@pytest.mark.parametrize(
    "lines",
    [
        [("only", "2025-01-01", 9.0)],
        [("today", "2025-03-31", 9.0)],
        [("only", "2025-01-01", 9.0), ("only", "2025-02-01", 11.0)],
        [(f"c{n}", "2025-01-02", 5.0 + n) for n in range(60)],
    ],
    ids=["one customer", "bought today", "one repeat customer", "all one-time buyers"],
)
def test_the_smallest_companies_get_finite_predictions(
    name: str, lines: list[tuple[str, str, float]]
) -> None:
    daily = pd.DataFrame(lines, columns=["customer_id", "order_date", "gross_revenue_base"])
    cutoff = date(2025, 3, 31)
    candidate = new_candidate(name).fit(daily, cutoff)
    long = candidate.predict(customer_features(daily, cutoff), HORIZONS)
    assert np.isfinite(long[["expected_orders", "predicted_value", "p_active"]].to_numpy()).all()
    if name != "naive":
        assert candidate.describe().diagnostics["fell_back"] is True


@pytest.mark.parametrize("name", list(CANDIDATES))
def test_a_company_without_customers_is_predicted_empty(name: str) -> None:
    nobody = pd.DataFrame(
        {"customer_id": [], "order_date": [], "gross_revenue_base": []}, dtype=object
    )
    candidate = new_candidate(name).fit(nobody, CUTOFF)
    long = candidate.predict(customer_features(nobody, CUTOFF), HORIZONS)
    assert long.empty
    assert tuple(long.columns) == PREDICTION_COLUMNS


@pytest.mark.parametrize("family", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_the_classic_clv_is_the_discounted_path(
    family: Family, sample_daily: pd.DataFrame, two_customers: pd.DataFrame
) -> None:
    for daily, cutoff in ((sample_daily, CUTOFF), (two_customers, date(2025, 2, 28))):
        model = BuyTillYouDie(family).fit(daily, cutoff)
        customers = customer_features(daily, cutoff)
        ends = [in_weeks(horizon_days(month)) for month in range(1, 13)]
        path = model.predict(customers, ends)["predicted_value"].to_numpy().reshape(-1, 12)
        np.testing.assert_allclose(
            model.discounted_value(customers, 12, 0.1), discounted_path(path, 0.1)[:, -1], rtol=1e-9
        )
