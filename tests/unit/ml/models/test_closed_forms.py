"""The closed forms against lifetimes where it works, against mpmath where it does not."""

import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifetimes import BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter

from ml.models import closed_forms
from ml.models.counts import Family, GeometricCounts, ParetoCounts

HORIZONS = np.array([4.0, 13.0, 26.0, 52.0])
X = np.array([0.0, 0.0, 1.0, 2.0, 5.0, 29.0])
RECENCY = np.array([0.0, 0.0, 3.0, 30.0, 20.0, 38.0])
AGE = np.array([0.0, 38.0, 38.0, 38.0, 25.0, 38.0])

_SHAPES = st.floats(0.05, 5.0)
_SCALES = st.floats(0.5, 60.0)


def _geometric(name: Family, params: tuple[float, ...]) -> GeometricCounts:
    fitter = {"bg_nbd": BetaGeoFitter, "mbg_nbd": ModifiedBetaGeoFitter}[name]()
    fitter.params_ = pd.Series(params, index=["r", "alpha", "a", "b"])
    return GeometricCounts(name, fitter)


def _pareto(params: tuple[float, ...]) -> ParetoCounts:
    fitter = ParetoNBDFitter()
    fitter.params_ = pd.Series(params, index=["r", "alpha", "s", "beta"])
    return ParetoCounts(fitter)


def _exact_geometric_orders(
    r: float, alpha: float, a: float, b: float, x: float, age: float, t: float
) -> float:
    """The integral over the dropout probability, with 30 digits."""
    with mpmath.workdps(30):
        shape = mpmath.mpf(r + x)
        scale = mpmath.mpf(t) / (mpmath.mpf(alpha) + age)

        def integrand(log_odds: mpmath.mpf) -> mpmath.mpf:
            p = 1 / (1 + mpmath.exp(-log_odds))
            q = 1 / (1 + mpmath.exp(log_odds))
            orders = -mpmath.expm1(-shape * mpmath.log1p(p * scale)) / p
            return p**a * q ** (b + x) * orders

        points = [-8000, -2000, -200, -50, -20, -10, -5, 0, 5, 10, 20, 50, 200, 2000, 8000]
        return float(mpmath.quad(integrand, points) / mpmath.beta(a, b + x))


def test_bg_and_mbg_equal_lifetimes() -> None:
    for name, params in (
        ("bg_nbd", (0.243, 4.414, 0.793, 2.426)),
        ("mbg_nbd", (0.525, 6.183, 0.891, 1.614)),
    ):
        model = _geometric(name, params)
        orders, _ = model.predict(X, RECENCY, AGE, HORIZONS)
        for column, t in enumerate(HORIZONS):
            theirs = model.fitter.conditional_expected_number_of_purchases_up_to_time(
                t, X, RECENCY, AGE
            )
            np.testing.assert_allclose(orders[:, column], theirs, rtol=1e-9)


def test_pareto_equals_lifetimes() -> None:
    model = _pareto((0.553, 10.578, 0.606, 11.67))
    orders, p_active = model.predict(X, RECENCY, AGE, HORIZONS)
    for column, t in enumerate(HORIZONS):
        theirs = model.fitter.conditional_expected_number_of_purchases_up_to_time(
            t, X, RECENCY, AGE
        )
        none = model.fitter.conditional_probability_of_n_purchases_up_to_time(0, t, X, RECENCY, AGE)
        np.testing.assert_allclose(orders[:, column], theirs, rtol=1e-9)
        np.testing.assert_allclose(p_active[:, column], 1 - none, rtol=1e-9)


@settings(max_examples=15, deadline=None)
@given(r=_SHAPES, alpha=_SCALES, a=_SHAPES, b=_SHAPES, x=st.integers(0, 60), t=st.floats(1, 104))
def test_geometric_orders_equal_the_integral(
    r: float, alpha: float, a: float, b: float, x: int, t: float
) -> None:
    ours = closed_forms.geometric_orders(
        r, alpha, a, b, np.array([float(x)]), np.array([30.0]), np.array([t])
    )
    exact = _exact_geometric_orders(r, alpha, a, b, x, 30.0, t)
    assert ours[0, 0] == pytest.approx(exact, rel=1e-8)


@pytest.mark.parametrize(
    ("a", "b", "x"),
    [
        (1.0, 2.4, 3),  # the removable pole of the published form
        (1.0 + 1e-9, 2.4, 3),
        (1.0 - 2e-5, 2.4, 3),
        (0.3, 0.4, 0),  # a + b < 1: 2F1 is negative, its logarithm does not exist
        (0.4, 0.6, 0),  # a + b = 1: c = 0
        (0.01, 0.02, 0),
        (0.8, 2.4, 4000),  # 2F1 as published overflows
        (1.0, 2.4, 4000),
        (5.0, 900.0, 12),
    ],
)
def test_geometric_orders_at_the_edges(a: float, b: float, x: int) -> None:
    ours = closed_forms.geometric_orders(
        0.25, 4.4, a, b, np.array([float(x)]), np.array([38.0]), np.array([52.0])
    )
    exact = _exact_geometric_orders(0.25, 4.4, a, b, x, 38.0, 52.0)
    assert ours[0, 0] == pytest.approx(exact, rel=1e-9)


def test_pareto_has_no_pole_at_s_1() -> None:
    at, beside = (
        closed_forms.pareto_orders(0.5, 10.0, s, 11.0, X, AGE, HORIZONS) for s in (1.0, 1 + 1e-9)
    )
    np.testing.assert_allclose(at, beside, rtol=1e-7)
    assert np.isfinite(at).all()


@settings(max_examples=20, deadline=None)
@given(
    r=_SHAPES, alpha=_SCALES, s=_SHAPES, beta=_SCALES, x=st.integers(0, 400), t=st.floats(1, 104)
)
def test_pareto_purchase_probability_equals_the_integral(
    r: float, alpha: float, s: float, beta: float, x: int, t: float
) -> None:
    age = 30.0
    ours = closed_forms.pareto_purchase_probability(
        r, alpha, s, beta, np.array([float(x)]), np.array([age]), np.array([t])
    )
    with mpmath.workdps(25):
        scale, survival = mpmath.mpf(alpha) + age, mpmath.mpf(beta) + age
        width = scale / (r + x)
        exact = mpmath.quad(
            lambda u: (r + x) / scale * (1 + u / scale) ** -(r + x + 1) * (1 + u / survival) ** -s,
            sorted({0.0, *(min(float(width) * k, t) for k in (1, 3, 8, 20, 60)), t}),
        )
    assert ours[0, 0] == pytest.approx(float(exact), rel=1e-9)


@pytest.mark.parametrize(("alpha", "beta"), [(10.6, 11.7), (11.7, 10.6), (2.0, 40.0)])
@pytest.mark.parametrize("recency", [30.0, 37.9, 38.0])
def test_pareto_death_odds_equal_lifetimes(alpha: float, beta: float, recency: float) -> None:
    model = _pareto((0.55, alpha, 0.6, beta))
    x, recencies, age = np.array([25.0]), np.array([recency]), np.array([38.0])
    with np.errstate(divide="ignore"):
        theirs = model.fitter.conditional_probability_alive(x, recencies, age)
        ours = closed_forms.pareto_log_death_odds(0.55, alpha, 0.6, beta, x, recencies, age)
    np.testing.assert_allclose(1 / (1 + np.exp(ours)), theirs, rtol=1e-9)


@pytest.mark.parametrize("name", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_a_customer_who_bought_every_day_for_years(name: Family) -> None:
    if name == "pareto_nbd":
        model: GeometricCounts | ParetoCounts = _pareto((0.55, 10.6, 0.6, 11.7))
    else:
        model = _geometric(name, (0.24, 4.4, 0.8, 2.4))
    x = np.array([3000.0, 3000.0, 3000.0])
    age = np.array([430.0, 430.0, 430.0])
    recency = np.array([430.0, 429.9, 200.0])
    orders, p_active = model.predict(x, recency, age, HORIZONS)
    assert np.isfinite(orders).all()
    assert ((p_active >= 0) & (p_active <= 1)).all()
    assert p_active[0, -1] > 0.99
    assert p_active[2, -1] < 1e-6
    assert orders[0, -1] == pytest.approx(3000 / 430 * 52, rel=0.1)


def test_a_purchase_is_never_likelier_than_being_alive() -> None:
    for model in (
        _geometric("bg_nbd", (0.243, 4.414, 0.793, 2.426)),
        _geometric("mbg_nbd", (0.525, 6.183, 0.891, 1.614)),
        _pareto((0.553, 10.578, 0.606, 11.67)),
    ):
        alive = model.fitter.conditional_probability_alive(X, RECENCY, AGE)
        _, p_active = model.predict(X, RECENCY, AGE, HORIZONS)
        assert (p_active <= alive[:, None] + 1e-12).all()
        assert (np.diff(p_active, axis=1) > 0).all()
        # A one-time buyer is not promised to return, even where BG/NBD has them alive for sure.
        assert (p_active[1] < 0.7).all()


def test_bg_purchase_probability_equals_a_simulation() -> None:
    rng = np.random.default_rng(5)
    r, alpha = 0.243, 4.414
    rate = rng.gamma(r, 1 / alpha, 400_000)
    # From the first order on: ten weeks without another, then 26 more. Before their first repeat
    # nobody can drop out.
    first_wait = rng.exponential(1 / np.maximum(rate, 1e-300))
    silent = first_wait > 10
    returned = (first_wait[silent] <= 36).mean()
    model = _geometric("bg_nbd", (r, alpha, 0.793, 2.426))
    _, p_active = model.predict(np.zeros(1), np.zeros(1), np.array([10.0]), np.array([26.0]))
    assert p_active[0, 0] == pytest.approx(returned, abs=0.004)
