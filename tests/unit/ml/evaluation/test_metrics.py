"""Every figure against values worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.evaluation.metrics import (
    area_under_curve,
    cumulative_gains,
    decile_mape,
    decile_means,
    evaluate,
    mean_absolute_error,
    normalised_gini,
    root_mean_squared_error,
    spearman,
    total_ratio,
)

ACTUAL = [0.0, 0.0, 10.0, 30.0]


@pytest.mark.parametrize(
    ("actual", "predicted"), [([], []), ([1.0], [1.0, 2.0]), ([[1.0]], [[1.0]])]
)
def test_columns_must_match(actual: list[float], predicted: list[float]) -> None:
    with pytest.raises(ValueError, match="one length"):
        mean_absolute_error(actual, predicted)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_value_that_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        spearman([1.0, 2.0], [1.0, bad])


def test_errors_by_hand() -> None:
    predicted = [1.0, 0.0, 14.0, 20.0]
    assert mean_absolute_error(ACTUAL, predicted) == (1 + 0 + 4 + 10) / 4
    assert root_mean_squared_error(ACTUAL, predicted) == math.sqrt((1 + 0 + 16 + 100) / 4)
    assert total_ratio(ACTUAL, predicted) == 35 / 40


def test_spearman_by_hand() -> None:
    # Ranks 1.5 1.5 3 4 against 2 1 3 4: covariance 4.5, variances 4.5 and 5.
    assert spearman(ACTUAL, [2.0, 1.0, 3.0, 4.0]) == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert spearman(ACTUAL, [4.0, 3.0, 2.0, 1.0]) < 0


def test_gini_by_hand() -> None:
    # Perfect order 30 10 0 0: (30·4 + 10·3) / (4·40) - 5/8 = .3125. Swapped 10 30: .25 less.
    assert normalised_gini(ACTUAL, [1.0, 2.0, 4.0, 3.0]) == pytest.approx(0.1875 / 0.3125)
    assert normalised_gini(ACTUAL, ACTUAL) == 1.0
    assert normalised_gini(ACTUAL, [-value for value in ACTUAL]) == pytest.approx(-1.0)


def test_decile_error_by_hand() -> None:
    actual = np.repeat(np.arange(1.0, 11.0), 2)
    assert decile_mape(actual, actual * 1.1) == pytest.approx(0.1)
    off_in_the_last = actual.copy()
    off_in_the_last[-2:] = 20.0
    assert decile_mape(actual, off_in_the_last) == pytest.approx(1.0 / 10)
    assert decile_means(actual, actual)[0] == (1.0, 1.0)


def test_a_decile_that_spent_nothing_counts_relative_to_everyone() -> None:
    # Groups of one: errors 2, 0, 0, 0 over the overall mean 10.
    assert decile_mape(ACTUAL, [0.0, 2.0, 10.0, 30.0]) == pytest.approx(2 / 10 / 4)


def test_auc_by_hand() -> None:
    bought = [False, False, True, True]
    assert area_under_curve(bought, [0.1, 0.4, 0.35, 0.8]) == 0.75
    assert area_under_curve(bought, [0.1, 0.2, 0.3, 0.4]) == 1.0
    assert area_under_curve(bought, [0.5, 0.5, 0.5, 0.5]) == 0.5


def test_where_nobody_spent_anything() -> None:
    nothing, something = [0.0, 0.0, 0.0], [1.0, 2.0, 0.0]
    assert spearman(nothing, something) == 0.0
    assert normalised_gini(nothing, something) == 0.0
    assert math.isnan(decile_mape(nothing, something))
    assert math.isnan(total_ratio(nothing, something))
    assert area_under_curve(nothing, something) == 0.5
    assert decile_mape(nothing, nothing) == 0.0
    assert total_ratio(nothing, nothing) == 1.0
    shares, found = cumulative_gains(nothing, something)
    assert found.tolist() == shares.tolist()


def test_constants() -> None:
    assert spearman([5.0] * 4, [1.0, 2.0, 3.0, 4.0]) == 0.0
    assert spearman(ACTUAL, [7.0] * 4) == 0.0
    assert normalised_gini([5.0] * 4, [1.0, 2.0, 3.0, 4.0]) == 0.0
    assert normalised_gini(ACTUAL, [7.0] * 4) == pytest.approx(0.0)
    assert decile_mape(ACTUAL, [10.0] * 4) == pytest.approx(0.0)
    assert total_ratio(ACTUAL, [0.0] * 4) == 0.0


def test_one_customer() -> None:
    metrics = evaluate([10.0], [5.0], [1], [0.5])
    assert (metrics.rows, metrics.mae, metrics.decile_mape) == (1, 5.0, 0.5)
    assert (metrics.spearman, metrics.normalised_gini, metrics.auc) == (0.0, 0.0, 0.5)


def test_a_tie_counts_with_its_mean() -> None:
    # The three tied hold 0, 0, 30 in some order: each stands for 10.
    _, found = cumulative_gains([0.0, 0.0, 30.0, 10.0], [1.0, 1.0, 1.0, 2.0])
    assert found.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]


_SPEND = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 12.5, 30.0, 99.9]), st.sampled_from([0.0, 1.0, 2.5, 40.0])
    ),
    min_size=2,
    max_size=60,
)


@settings(max_examples=100, deadline=None)
@given(rows=_SPEND, seed=st.integers(0, 2**31))
def test_no_figure_depends_on_the_order_of_rows(rows: list[tuple[float, float]], seed: int) -> None:
    actual, predicted = np.array(rows).T
    order = np.random.default_rng(seed).permutation(len(rows))

    def figures(y: np.ndarray, p: np.ndarray) -> str:
        return repr(evaluate(y, p, y > 0, p / 40))

    assert figures(actual, predicted) == figures(actual[order], predicted[order])


@settings(max_examples=100, deadline=None)
@given(rows=_SPEND)
def test_figures_stay_in_their_ranges(rows: list[tuple[float, float]]) -> None:
    actual, predicted = np.array(rows).T
    metrics = evaluate(actual, predicted, actual > 0, predicted / 40)
    assert 0 <= metrics.mae <= metrics.rmse + 1e-9
    assert abs(metrics.spearman) <= 1 + 1e-12
    assert abs(metrics.normalised_gini) <= 1 + 1e-9
    assert 0 <= metrics.auc <= 1
