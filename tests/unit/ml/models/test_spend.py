from datetime import date

import numpy as np
import pandas as pd
import pytest

from ml.features.btyd import customer_features
from ml.models.spend import SpendModel


def _customers(x: np.ndarray, monetary: np.ndarray, first: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"frequency": x, "monetary": monetary, "first_value": first})


def _gamma_gamma_customers(
    people: int, q: float, seed: int = 11, scale: float = 1.0
) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 8, people)
    nu = rng.gamma(q, 1 / (15.0 * scale), people)
    monetary = np.array(
        [rng.gamma(6.0 * n, 1 / (n * v)) if n else 0.0 for n, v in zip(x, nu, strict=True)]
    )
    return _customers(x, monetary, rng.gamma(6.0, 1 / nu))


def test_the_sample_gives_the_published_parameters(sample_daily: pd.DataFrame) -> None:
    model = SpendModel().fit(customer_features(sample_daily, date(1997, 9, 30)))
    params = model.params()
    published = {"p": 6.25, "q": 3.744, "v": 15.444}
    assert {name: params[name] for name in published} == pytest.approx(published, rel=0.01)
    assert model.winsorised == 0
    assert model.correlation == pytest.approx(0.11, abs=0.02)


def test_perturbed_samples_move_the_parameters(sample_daily: pd.DataFrame) -> None:
    cutoff = date(1997, 9, 30)
    base = SpendModel().fit(customer_features(sample_daily, cutoff)).params()
    ids = sample_daily["customer_id"]
    half = sample_daily[ids.isin(ids.unique()[::2])]
    dearer = sample_daily.assign(gross_revenue_base=sample_daily["gross_revenue_base"] + 10)
    for perturbed in (half, dearer):
        moved = SpendModel().fit(customer_features(perturbed, cutoff)).params()
        assert moved != pytest.approx(base, rel=0.01)


def test_the_currency_changes_v_alone(sample_daily: pd.DataFrame) -> None:
    customers = customer_features(sample_daily, date(1997, 9, 30))
    in_yen = customers.assign(
        monetary=customers["monetary"] * 150, first_value=customers["first_value"] * 150
    )
    dollars, yen = SpendModel().fit(customers).params(), SpendModel().fit(in_yen).params()
    assert yen["v"] == pytest.approx(150 * dollars["v"], rel=1e-4)
    assert (yen["p"], yen["q"]) == pytest.approx((dollars["p"], dollars["q"]), rel=1e-4)


@pytest.mark.parametrize("people", [0, 1, 9])
def test_few_repeat_customers_are_drawn_to_the_mean_as_the_prior_says(people: int) -> None:
    customers = _customers(
        np.array([1] * people + [0, 0]),
        np.array([30.0] * people + [0.0, 0.0]),
        np.array([20.0] * people + [20.0, 40.0]),
    )
    model = SpendModel().fit(customers)
    assert model.fitter is None
    assert "a fit takes at least 10" in model.attempts[-1].detail
    value = model.expected_value(customers)
    first_mean = (20.0 * people + 60.0) / (people + 2)
    # An order weighs p / (q - 1) = 6.25 / 2.744 times as much as the company's mean.
    assert value[-1] == pytest.approx((6.25 / 2.744 * 40.0 + first_mean) / (6.25 / 2.744 + 1))
    assert value[:people] == pytest.approx([30.0] * people)


def test_orders_of_one_price_are_expected_at_that_price() -> None:
    customers = _customers(np.arange(40) % 5, np.full(40, 10.0), np.full(40, 10.0))
    model = SpendModel().fit(customers)
    assert model.expected_value(customers) == pytest.approx([10.0] * 40, rel=0.05)


def test_a_population_without_a_mean_is_refused() -> None:
    customers = _gamma_gamma_customers(3000, q=0.6)
    model = SpendModel().fit(customers)
    assert np.isfinite(model.expected_value(customers)).all()
    assert (model.expected_value(customers) > 0).all()
    if model.fitter is not None:
        assert model.fitter.params_["q"] > 1
    assert not model.attempts[0].converged
    assert "only for q > 1" in model.attempts[0].detail


def test_an_outlier_moves_neither_fit_nor_the_others() -> None:
    customers = _gamma_gamma_customers(3000, q=4.0)
    typo = customers.copy()
    position = int(np.argmax(typo["frequency"].to_numpy() > 0))
    typo.loc[position, "monetary"] = 1e9
    sound, hit = SpendModel().fit(customers), SpendModel().fit(typo)
    assert (sound.winsorised, hit.winsorised) == (0, 1)
    for name in ("p", "q", "v"):
        assert hit.params()[name] == pytest.approx(sound.params()[name], rel=0.03)
    others = np.arange(len(typo)) != position
    np.testing.assert_allclose(
        hit.expected_value(typo)[others], sound.expected_value(customers)[others], rtol=0.02
    )


def test_a_one_time_buyer_stands_between_own_and_company_first_order() -> None:
    customers = _gamma_gamma_customers(3000, q=4.0)
    model = SpendModel().fit(customers)
    once = _customers(np.zeros(2), np.zeros(2), np.array([1.0, model.first_mean]))
    cheap, average = model.expected_value(once)
    assert 1.0 < cheap < model.first_mean
    assert average == pytest.approx(model.first_mean)


def test_more_orders_carry_more_weight() -> None:
    model = SpendModel().fit(_gamma_gamma_customers(3000, q=4.0))
    x = np.array([1, 5, 50])
    value = model.expected_value(_customers(x, np.full(3, 40.0), np.full(3, 40.0)))
    distance = np.abs(value - 40.0)
    assert (np.diff(distance) < 0).all()
