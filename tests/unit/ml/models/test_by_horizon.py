from datetime import date

import numpy as np
import pandas as pd
import pytest

from ml.features.btyd import customer_features
from ml.models.blend import Blend
from ml.models.by_horizon import ByHorizon
from ml.models.catalogue import new_candidate
from ml.models.cohort import CohortCurve

CUTOFF = date(1997, 12, 31)


@pytest.fixture(scope="module")
def model(sample_daily: pd.DataFrame) -> ByHorizon:
    # The naive rate is worth twice the others, so that a longer horizon would be worth less.
    champions = {
        13.0: new_candidate("naive"),
        26.0: new_candidate("mbg_nbd"),
        52.0: new_candidate("lightgbm_tweedie", 52.0),
    }
    return ByHorizon(champions).fit(sample_daily, CUTOFF)


def test_there_must_be_a_champion() -> None:
    with pytest.raises(ValueError, match="at least one horizon"):
        ByHorizon({})


def test_the_path_never_falls_and_meets_the_champions(
    model: ByHorizon, sample_daily: pd.DataFrame
) -> None:
    customers = customer_features(sample_daily, CUTOFF)
    weeks = [float(week) for week in range(4, 79, 3)] + [13.0, 26.0, 52.0]
    columns = ["expected_orders", "predicted_value", "p_active"]
    path = model.predict(customers, sorted(weeks))[columns].to_numpy()
    path = path.reshape(len(customers), len(weeks), 3)
    assert np.isfinite(path).all()
    assert (np.diff(path, axis=1) >= -1e-9).all()
    assert (path[:, :, 2] <= 1).all()
    naive = model.champions[13.0].predict(customers, [13.0])["predicted_value"]
    ours = model.predict(customers, [13.0])["predicted_value"]
    np.testing.assert_allclose(ours, naive, rtol=1e-9)
    mbg = model.champions[26.0].predict(customers, [26.0])["predicted_value"]
    np.testing.assert_allclose(
        model.predict(customers, [26.0])["predicted_value"], np.maximum(naive, mbg), rtol=1e-9
    )
    assert [model.name_at(week) for week in (5, 13, 20, 52, 90)] == [
        "naive", "naive", "mbg_nbd", "lightgbm_tweedie", "lightgbm_tweedie",
    ]  # fmt: skip


def test_one_champion_for_all_is_that_champion(sample_daily: pd.DataFrame) -> None:
    mbg = new_candidate("mbg_nbd")
    model = ByHorizon({13.0: mbg, 52.0: mbg}).fit(sample_daily, CUTOFF)
    customers = customer_features(sample_daily, CUTOFF)
    pd.testing.assert_frame_equal(
        model.predict(customers, [8.0, 26.0]), mbg.predict(customers, [8.0, 26.0])
    )
    assert model.describe() == mbg.describe()


def test_the_blend_says_what_it_learned_and_where_it_could_not(sample_daily: pd.DataFrame) -> None:
    params = Blend().fit(sample_daily, CUTOFF).describe()
    assert params.diagnostics["fell_back"] is False
    assert 0.3 < params.params["exponent_base"] < 1.2
    assert sum(params.diagnostics["importance"].values()) == pytest.approx(1)
    early = Blend().fit(sample_daily, date(1997, 2, 28)).describe()
    assert early.diagnostics["fell_back"] is True
    assert "too few earlier windows" in early.diagnostics["fallback"]


def test_the_cohort_curve_by_hand() -> None:
    # 40 customers, all on one day; in their third week each of them orders again for 20.
    ids = [f"c{n}" for n in range(40)]
    daily = pd.DataFrame(
        {
            "customer_id": ids * 2,
            "order_date": ["2025-01-01"] * 40 + ["2025-01-16"] * 40,
            "gross_revenue_base": [10.0] * 40 + [20.0] * 40,
        }
    )
    cutoff = date(2025, 1, 29)  # four weeks on
    curve = CohortCurve().fit(daily, cutoff)
    # One order in the four weeks known: a quarter of one a week from there on.
    row = curve.predict(customer_features(daily, cutoff), [8.0]).iloc[0]
    assert row["expected_orders"] == pytest.approx(8 / 4)
    assert row["predicted_value"] == pytest.approx(8 * 20 / 4)
