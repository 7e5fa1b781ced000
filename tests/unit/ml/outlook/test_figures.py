"""The figures of an outlook that are drawn over the nights."""

from __future__ import annotations

from datetime import date

import pandas as pd

from ml.outlook.tables import outlook_figures


def test_figures_are_the_latest_the_highest_and_the_sum() -> None:
    tables = {
        "drift_metrics": pd.DataFrame(
            {
                "kind": ["feature", "feature", "segment"],
                "psi": [0.1, 0.4, 0.2],
                "is_drifted": [False, True, False],
            }
        ),
        "realised_accuracy": pd.DataFrame(
            {
                "calculation_date": [date(2026, 5, 31), date(2026, 4, 30)],
                "horizon_months": [3, 3],
                "basis": ["published", "published"],
                "total_ratio": [1.2, 0.9],
            }
        ),
        "interval_scores": pd.DataFrame(
            {
                "segment": ["all", "buyers"],
                "cutoff": [date(2026, 1, 31)] * 2,
                "nominal": [0.8, 0.8],
                "horizon_months": [3, 3],
                "coverage": [0.83, 0.5],
            }
        ),
        "revenue_forecasts": pd.DataFrame(
            {"cohort": ["all", "all", "new"], "forecast": ["10.5", "20", "7"]}
        ),
    }
    assert outlook_figures(tables) == {
        "drift_metrics": {
            "highest PSI, feature": 0.4,
            "highest PSI, segment": 0.2,
            "drifted": 1.0,
        },
        "realised_accuracy": {"predicted ÷ actual, 3 months, published": 1.2},
        "interval_scores": {"coverage of 80 %, 3 months": 0.83},
        "revenue_forecasts": {"forecast of 12 months": 30.5},
    }


def test_a_company_too_small_for_an_outlook_has_none() -> None:
    names = ("drift_metrics", "realised_accuracy", "interval_scores", "revenue_forecasts")
    assert outlook_figures({name: pd.DataFrame() for name in names}) == {}
