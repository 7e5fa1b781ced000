"""The fits: published parameters, and what happens where a fit cannot hold."""

from dataclasses import replace
from datetime import date
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from lifetimes.utils import ConvergenceError

from ml.features.btyd import customer_features, distinct_patterns
from ml.models import counts
from ml.models.counts import Family, PooledRate, fit_counts
from ml.models.priors import DEFAULT

CALIBRATION_END = date(1997, 9, 30)
PUBLISHED = {
    "bg_nbd": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
    "mbg_nbd": {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614},
    "pareto_nbd": {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.67},
}
FAMILIES: tuple[Family, ...] = ("bg_nbd", "mbg_nbd", "pareto_nbd")


def _patterns(daily: pd.DataFrame) -> pd.DataFrame:
    return distinct_patterns(customer_features(daily, CALIBRATION_END))[0]


def _some(x: list[int], recency: list[float], age: list[float], weight: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"frequency": x, "recency": recency, "T": age, "weight": weight})


@pytest.mark.parametrize("family", FAMILIES)
def test_the_sample_gives_the_published_parameters(
    sample_daily: pd.DataFrame, family: Family
) -> None:
    fit = fit_counts(family, _patterns(sample_daily))
    assert fit.model.name == family
    assert fit.model.params() == pytest.approx(PUBLISHED[family], rel=0.01)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_published_summary_gives_them_too(family: Family) -> None:
    path = files("lifetimes").joinpath("datasets", "cdnow_customers_summary.csv")
    with path.open(encoding="utf-8") as text:
        summary = pd.read_csv(text)
    patterns, _ = distinct_patterns(summary)
    assert fit_counts(family, patterns).model.params() == pytest.approx(
        PUBLISHED[family], rel=0.002
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_perturbed_samples_move_the_parameters(sample_daily: pd.DataFrame, family: Family) -> None:
    base = fit_counts(family, _patterns(sample_daily)).model.params()
    customers = sample_daily["customer_id"].unique()
    rng = np.random.default_rng(7)
    without_some = rng.choice(customers, size=int(len(customers) * 0.7), replace=False)
    fewer = sample_daily[sample_daily["customer_id"].isin(without_some)]
    without_weekends = sample_daily[sample_daily["order_date"].dt.dayofweek < 5]
    for perturbed in (fewer, without_weekends):
        moved = fit_counts(family, _patterns(perturbed)).model.params()
        assert moved != pytest.approx(base, rel=0.01)


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_stand_for_repeated_rows(sample_daily: pd.DataFrame, family: Family) -> None:
    patterns = _patterns(sample_daily)
    repeated = patterns.loc[patterns.index.repeat(patterns["weight"])].assign(weight=1)
    weighted = fit_counts(family, patterns).model.params()
    assert fit_counts(family, repeated).model.params() == pytest.approx(weighted, rel=1e-3)


def test_the_fitter_inside_keeps_no_customer_rows(sample_daily: pd.DataFrame) -> None:
    model = fit_counts("bg_nbd", _patterns(sample_daily)).model
    assert isinstance(model, counts.GeometricCounts)
    assert model.fitter.data is None
    expected = model.fitter.conditional_expected_number_of_purchases_up_to_time(39, 2, 30.43, 38.86)
    # The first customer of Fader, Hardie, Lee's worked example.
    assert float(expected) == pytest.approx(1.226, rel=0.01)


_FEW = {
    "first day": _some([0], [0.0], [0.0], [1]),
    "only one-time buyers": _some([0, 0], [0.0, 0.0], [5.0, 9.0], [300, 200]),
    "one customer": _some([3], [8.0], [10.0], [1]),
    "few repeat customers": _some([1, 0], [2.0, 0.0], [10.0, 5.0], [4, 12]),
}


@pytest.mark.parametrize("patterns", _FEW.values(), ids=list(_FEW))
@pytest.mark.parametrize("family", FAMILIES)
def test_too_little_data_are_drawn_to_the_prior_and_it_is_said(
    family: Family, patterns: pd.DataFrame
) -> None:
    fit = fit_counts(family, patterns)
    assert fit.model.name == "mbg_nbd"
    assert fit.prior == "documented defaults"
    assert "a fit takes at least 10" in fit.attempts[0].detail
    assert "drawn to documented defaults" in fit.attempts[-1].detail
    x, recency, age = (
        patterns[column].to_numpy(dtype="float64") for column in ("frequency", "recency", "T")
    )
    orders, p_active = fit.model.predict(x, recency, age, np.array([4.0, 52.0]))
    assert np.isfinite(orders).all()
    assert (orders > 0).all()
    assert ((p_active > 0) & (p_active < 1)).all()


def test_nobody_is_a_pooled_rate_of_nothing() -> None:
    fit = fit_counts("mbg_nbd", _some([], [], [], []))
    assert fit.model == PooledRate(0.0)


def test_customers_outweigh_the_prior_as_they_become_more() -> None:
    # Nobody ever came back: the more customers say so, the less is expected of a new one.
    expected = [
        fit_counts("mbg_nbd", _some([0], [0.0], [30.0], [customers]))
        .model.predict(np.zeros(1), np.zeros(1), np.zeros(1), np.array([52.0]))[0][0, 0]
        for customers in (1, 10, 100, 1000)
    ]  # fmt: skip
    assert expected == sorted(expected, reverse=True)
    assert expected[0] > 0.5
    assert expected[-1] < 0.02


def test_the_prior_is_the_fit_where_nothing_was_seen() -> None:
    lively = replace(DEFAULT, r=2.0, alpha=3.0, a=0.3, b=4.0, source="a test")
    fit = fit_counts("mbg_nbd", _some([0], [0.0], [0.0], [1]), lively)
    assert fit.model.params() == pytest.approx(
        {"r": 2.0, "alpha": 3.0, "a": 0.3, "b": 4.0}, rel=0.35
    )
    assert fit.prior == "a test"


def test_a_ridge_is_left_for_a_weak_penalty(sample_daily: pd.DataFrame) -> None:
    # Nobody bought after mid-June, so that all must have gone at about one rate: s and beta grow
    # without end, only their ratio is known.
    everyone_left = sample_daily[sample_daily["order_date"] < "1997-06-15"]
    patterns = _patterns(everyone_left).iloc[::8]
    fit = fit_counts("pareto_nbd", patterns)
    assert [attempt.penalizer for attempt in fit.attempts][:2] == [0.0, 0.001]
    assert "s runs away" in fit.attempts[0].detail
    assert fit.attempts[-1].converged
    orders, _ = fit.model.predict(*(np.array([v]) for v in (1.0, 5.0, 38.0)), np.array([39.0]))
    assert orders[0, 0] < 0.05


@pytest.mark.parametrize("family", FAMILIES)
def test_near_daily_buyers_get_finite_predictions(family: Family) -> None:
    rng = np.random.default_rng(3)
    age = rng.integers(20, 60, 200).astype("float64")
    x = np.minimum((age * 7 * rng.uniform(0.85, 1.0, 200)).astype("int64"), (age * 7).astype(int))
    recency = age - rng.integers(0, 3, 200) / 7
    patterns = _some(x.tolist(), recency.tolist(), age.tolist(), [1] * 200)
    fit = fit_counts(family, patterns)
    orders, p_active = fit.model.predict(x.astype("float64"), recency, age, np.array([13.0, 52.0]))
    assert np.isfinite(orders).all()
    assert (p_active > 0.9).mean() > 0.9
    assert orders[:, 0].mean() == pytest.approx(13 * (x / age).mean(), rel=0.25)


def test_a_family_that_never_converges_steps_down_and_tells_each_step(
    sample_daily: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = counts._fit_family

    def only_mbg(family: Family, *arguments: object) -> object:
        if family != "mbg_nbd":
            raise ConvergenceError("The model did not converge.")
        return real(family, *arguments)

    monkeypatch.setattr(counts, "_fit_family", only_mbg)
    fit = fit_counts("pareto_nbd", _patterns(sample_daily))
    assert fit.model.name == "mbg_nbd"
    assert [attempt.converged for attempt in fit.attempts] == [False] * 5 + [True]
    assert [attempt.penalizer for attempt in fit.attempts] == [0, 0, 0, 0.001, 0.01, 0]
    assert fit.attempts[0].detail == "The model did not converge."
    assert len({attempt.start for attempt in fit.attempts[:3]}) == 3


def test_where_nothing_converges_the_pooled_rate_is_left(
    sample_daily: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: object) -> object:
        raise ConvergenceError("no")

    monkeypatch.setattr(counts, "_fit_family", never)
    patterns = _patterns(sample_daily)
    fit = fit_counts("bg_nbd", patterns)
    orders = (patterns["frequency"] * patterns["weight"]).sum()
    weeks = (patterns["T"] * patterns["weight"]).sum()
    assert fit.model == PooledRate(pytest.approx(orders / weeks))
    assert len(fit.attempts) == 11


def test_a_simplex_that_stops_early_is_restarted(sample_daily: pd.DataFrame) -> None:
    patterns = _patterns(sample_daily)
    first = fit_counts("pareto_nbd", patterns).model.params()
    x, recency, age, weight = (
        patterns[name].to_numpy() for name in ("frequency", "recency", "T", "weight")
    )
    data = (x, recency, age, weight)
    elsewhere = counts._polished_pareto(0.0, (2.0, 0.5, 0.2, 1.0), data)
    assert dict(elsewhere.params_) == pytest.approx(first, rel=5e-3)


def test_fitting_does_not_print_or_draw_random_numbers(
    sample_daily: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    patterns = _patterns(sample_daily)
    results = []
    for seed in (1, 2):
        np.random.seed(seed)  # what lifetimes would draw its start from
        results.append(fit_counts("pareto_nbd", patterns).model.params())
    assert results[0] == results[1]
    assert capsys.readouterr().out == ""
