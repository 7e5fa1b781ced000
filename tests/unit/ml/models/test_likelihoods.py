"""Likelihoods: their gradients, and the parameters that lifetimes itself finds."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifetimes import BetaGeoFitter, GammaGammaFitter, ModifiedBetaGeoFitter, ParetoNBDFitter
from scipy.optimize import approx_fprime

from ml.features.btyd import customer_features, distinct_patterns
from ml.models import counts, likelihoods
from ml.models.likelihoods import Likelihood

X = np.array([0, 0, 1, 3, 12, 200])
AGE = np.array([1.0, 0.4, 0.7, 1.0, 0.9, 0.95])
RECENCY = np.array([0.0, 0.0, 0.7, 0.2, 0.85, 0.949])
WEIGHT = np.array([5, 3, 2, 1, 1, 1])
VALUE = np.array([12.0, 7.0, 30.0, 11.0])

LIKELIHOODS: dict[str, tuple[int, Likelihood]] = {
    "bg": (4, likelihoods.geometric(X, RECENCY, AGE, WEIGHT, 0.01, modified=False)),
    "mbg": (4, likelihoods.geometric(X, RECENCY, AGE, WEIGHT, 0.0, modified=True)),
    "pareto": (4, likelihoods.pareto(X, RECENCY, AGE, WEIGHT, 0.001)),
    "gamma_gamma": (3, likelihoods.gamma_gamma(X[2:], VALUE, WEIGHT[2:], 0.01)),
}


@pytest.mark.parametrize("name", LIKELIHOODS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_gradient_is_that_of_the_value(name: str, data: st.DataObject) -> None:
    size, likelihood = LIKELIHOODS[name]
    point = np.array(data.draw(st.lists(st.floats(-2, 2), min_size=size, max_size=size)))
    with np.errstate(divide="ignore"):
        _, gradient = likelihood(point)
        numeric = approx_fprime(point, lambda at: likelihood(at)[0], 1e-6)
    np.testing.assert_allclose(gradient, numeric, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize(
    ("fitter", "likelihood"),
    [
        (BetaGeoFitter, LIKELIHOODS["bg"][1]),
        (ModifiedBetaGeoFitter, LIKELIHOODS["mbg"][1]),
    ],
)
def test_the_value_is_that_of_lifetimes(fitter: type, likelihood: Likelihood) -> None:
    point = np.array([-0.3, 0.2, 0.5, 0.9])
    penalizer = 0.01 if fitter is BetaGeoFitter else 0.0
    theirs = fitter._negative_log_likelihood(point, X, RECENCY, AGE, WEIGHT, penalizer)
    assert likelihood(point)[0] == pytest.approx(float(theirs), rel=1e-10)


def test_the_integral_of_pareto_is_its_closed_form() -> None:
    point = np.array([-0.3, 0.2, 0.5, 0.9])
    x, recency, age, weight = X[:5], RECENCY[:5], AGE[:5], WEIGHT[:5]
    ours = likelihoods.pareto(x, recency, age, weight, 0.0)(point)[0]
    each = ParetoNBDFitter._conditional_log_likelihood(np.exp(point), x, recency, age)
    assert ours == pytest.approx(-float(weight @ each) / weight.sum(), rel=1e-9)


@pytest.mark.parametrize("family", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_the_parameters_are_those_of_lifetimes(
    sample_daily: pd.DataFrame, family: counts.Family
) -> None:
    patterns, _ = distinct_patterns(customer_features(sample_daily, date(1997, 9, 30)))
    data = tuple(patterns[c].to_numpy() for c in ("frequency", "recency", "T", "weight"))
    start = next(counts._schedule(family))[1]
    ours = counts.fit_with_gradient(family, 0.0, start, data)  # type: ignore[arg-type]
    theirs = counts._lifetimes_own_fit(family, 0.0, start, data)  # type: ignore[arg-type]
    # The simplex of Pareto/NBD stops where it gains less than 1e-4.
    tolerance = 1e-3 if family == "pareto_nbd" else 1e-4
    assert dict(ours.params_) == pytest.approx(dict(theirs.params_), rel=tolerance)
    likelihood, own = ours._negative_log_likelihood_, theirs._negative_log_likelihood_
    assert likelihood <= own + 1e-6 * abs(own)


def test_gamma_gamma_has_the_parameters_of_lifetimes(sample_daily: pd.DataFrame) -> None:
    customers = customer_features(sample_daily, date(1997, 9, 30))
    repeat = customers[customers["frequency"] > 0]
    x, value = repeat["frequency"].to_numpy(), repeat["monetary"].to_numpy()
    likelihood = likelihoods.gamma_gamma(x, value, np.ones(len(x)), 0.0)
    ours = likelihoods.minimise(likelihood, np.array([1.0, 1.0, 1.0])).params
    theirs = GammaGammaFitter()
    theirs.fit(x, value, initial_params=np.array([1.0, 1.0, 1.0]))
    assert ours == pytest.approx(theirs.params_.to_numpy(), rel=1e-4)
