"""The contest, its ranks, and the figures that it has to reach on the full CDNOW log."""

from datetime import date

import pandas as pd
import pytest

from ml.evaluation.contest import SCORE_COLUMNS, Contest, composite_ranks, hold_contest, score_rows
from ml.evaluation.metrics import Metrics
from ml.models.catalogue import DEFAULT_CANDIDATE

AS_OF = date(2026, 6, 30)


def _metrics(**changes: float) -> Metrics:
    sound = {
        "rows": 100,
        "mae": 20.0,
        "rmse": 50.0,
        "spearman": 0.4,
        "normalised_gini": 0.7,
        "decile_mape": 0.2,
        "total_ratio": 0.9,
        "auc": 0.8,
    }
    return Metrics(**(sound | changes))


@pytest.fixture(scope="module")
def contest(cdnow_daily: pd.DataFrame) -> Contest:
    return hold_contest(cdnow_daily, AS_OF)


def test_a_contest_needs_candidates_that_exist(two_customers: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="at least one candidate"):
        hold_contest(two_customers, AS_OF, names=[])
    with pytest.raises(ValueError, match="no candidate 'prophet'"):
        hold_contest(two_customers, AS_OF, names=["prophet"])


def test_the_cutoff_must_lie_before_the_end(two_customers: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="is not before"):
        hold_contest(two_customers, AS_OF, cutoff=AS_OF)


@pytest.mark.parametrize("as_of", [date(2025, 3, 1), date(2025, 12, 31)])
def test_too_little_history_gives_the_default_and_the_reason(as_of: date) -> None:
    # 99 customers by the cutoff, of 2,100: one too few, and less than 5 %.
    early = pd.DataFrame({"customer_id": [f"e{n}" for n in range(99)], "order_date": "2025-05-01"})
    late = pd.DataFrame({"customer_id": [f"l{n}" for n in range(2001)], "order_date": "2025-12-01"})
    daily = pd.concat([early, late]).assign(gross_revenue_base=9.0)
    contest = hold_contest(daily, as_of)
    assert contest.champion == DEFAULT_CANDIDATE
    assert contest.backtests == ()
    assert "no contest" in contest.reason
    scores = score_rows(contest, "tiny", "run")
    assert scores.empty
    assert tuple(scores.columns) == SCORE_COLUMNS


def test_ranks_by_hand() -> None:
    best = _metrics(mae=10, spearman=0.5, normalised_gini=0.8, decile_mape=0.1, total_ratio=1.0)
    # Over by a tenth is as far off as under by a tenth.
    middle, same = _metrics(total_ratio=1.1), _metrics(total_ratio=0.9)
    assert composite_ranks([middle, best, same]) == (2.5, 1.0, 2.5)


def test_a_figure_without_a_value_ranks_last() -> None:
    without = _metrics(decile_mape=float("nan"), total_ratio=float("nan"))
    worse = _metrics(decile_mape=9.0, total_ratio=50.0)
    assert composite_ranks([without, worse]) == ((1.5 * 3 + 2 * 2) / 5, (1.5 * 3 + 1 * 2) / 5)


def test_noise_of_the_last_digit_is_a_tie() -> None:
    assert composite_ranks([_metrics(), _metrics(mae=20.0 + 1e-12)]) == (1.5, 1.5)


def test_equal_candidates_are_decided_by_name(sample_daily: pd.DataFrame) -> None:
    # Without repeat customers all three fall back to the same pooled rate.
    first_days = sample_daily.sort_values("order_date").groupby("customer_id").head(1)
    for names in (["pareto_nbd", "mbg_nbd", "bg_nbd"], ["bg_nbd", "mbg_nbd", "pareto_nbd"]):
        contest = hold_contest(first_days, date(1998, 6, 30), names=names)
        assert contest.composites == (2.0, 2.0, 2.0)
        assert contest.champion == "bg_nbd"


def test_the_best_candidate_reaches_its_figures_on_cdnow(contest: Contest) -> None:
    assert contest.cutoff == date(2025, 12, 31)
    assert contest.horizon_days == 181
    figures = {entry.candidate.name: entry.metrics for entry in contest.backtests}
    assert {metrics.rows for metrics in figures.values()} == {23_502}
    champion = figures[contest.champion]
    assert champion.mae <= 21.2
    assert champion.normalised_gini >= 0.72
    assert figures["bg_nbd"].mae <= 21.2
    assert figures["naive"].mae > 35
    assert champion.auc > 0.75


def test_score_rows_are_what_the_table_takes(contest: Contest) -> None:
    scores = score_rows(contest, "cdnow", "abc")
    assert tuple(scores.columns) == SCORE_COLUMNS
    assert scores["is_champion"].sum() == 1
    assert set(scores["horizon"]) == {"26w"}
    assert scores["coverage"].isna().all()
    assert scores["composite"].min() == scores.loc[scores["is_champion"], "composite"].item()
    assert not scores.duplicated(["company_id", "run", "model", "cutoff", "horizon"]).any()


def test_any_order_of_rows_gives_the_same_scores(sample_daily: pd.DataFrame) -> None:
    as_of = date(1998, 6, 30)
    contest = hold_contest(sample_daily, as_of)
    again = hold_contest(sample_daily.sample(frac=1, random_state=4), as_of)
    for one, other in zip(contest.backtests, again.backtests, strict=True):
        pd.testing.assert_frame_equal(one.outcome, other.outcome, check_exact=True)
    pd.testing.assert_frame_equal(
        score_rows(contest, "cdnow", "x"), score_rows(again, "cdnow", "x"), check_exact=True
    )
