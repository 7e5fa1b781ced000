from datetime import date
from io import BytesIO

import pandas as pd
import pytest

from ml.evaluation.backtest import Backtest, run_backtest
from ml.evaluation.plots import backtest_figures
from ml.models.naive import NaiveRate


def _backtest(daily: pd.DataFrame, cutoff: date, days: int) -> Backtest:
    return run_backtest(NaiveRate(), daily, cutoff, days)


@pytest.fixture(params=["sample", "one customer", "nobody came back"])
def backtest(
    request: pytest.FixtureRequest, sample_daily: pd.DataFrame, two_customers: pd.DataFrame
) -> Backtest:
    if request.param == "sample":
        return _backtest(sample_daily, date(1997, 9, 30), 182)
    if request.param == "one customer":
        return _backtest(two_customers, date(2025, 1, 31), 28)
    return _backtest(two_customers, date(2025, 2, 28), 28)


def test_every_picture_is_drawn_and_labelled_with_its_units(backtest: Backtest) -> None:
    figures = backtest_figures(backtest, "JPY")
    assert set(figures) == {
        "calibration_by_decile",
        "cumulative_gains",
        "predicted_against_actual",
    }
    for name, figure in figures.items():
        picture = BytesIO()
        figure.savefig(picture, format="png")
        assert picture.getvalue().startswith(b"\x89PNG")
        axes = figure.axes[0]
        labels = axes.get_xlabel() + axes.get_ylabel()
        assert ("%" if name == "cumulative_gains" else "JPY") in labels
        assert any("naive" in text.get_text() for text in axes.texts)


def test_the_calibration_bars_are_the_means_of_the_deciles(sample_daily: pd.DataFrame) -> None:
    backtest = _backtest(sample_daily, date(1997, 9, 30), 182)
    axes = backtest_figures(backtest, "USD")["calibration_by_decile"].axes[0]
    predicted, actual = ([bar.get_height() for bar in container] for container in axes.containers)
    assert len(predicted) == len(actual) == 10
    assert predicted == sorted(predicted)
    assert sum(predicted) / 10 == pytest.approx(
        backtest.outcome["predicted_value"].mean(), rel=0.01
    )
    assert sum(actual) / 10 == pytest.approx(backtest.outcome["actual_value"].mean(), rel=0.02)
