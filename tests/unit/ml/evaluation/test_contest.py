"""The contest, its ranks, and the figures that it has to reach on the full CDNOW log."""

from datetime import date

import pandas as pd
import pytest

from ml.evaluation import contest as contest_module
from ml.evaluation.contest import (
    DECILE_COLUMNS,
    SCORE_COLUMNS,
    Contest,
    all_score_rows,
    composite_ranks,
    decile_rows,
    fit_champions,
    hold_contest,
    hold_contests,
    main_contest,
    score_rows,
)
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
    assert not scores.duplicated(
        ["company_id", "run", "model", "cutoff", "horizon", "segment"]
    ).any()
    everybody = scores[scores["is_champion"]].iloc[0]
    of_stages = scores[scores["segment"].str.startswith("stage_")]
    assert set(of_stages["model"]) == {contest.champion}
    assert not of_stages["is_champion"].any()
    # The stages are all customers, and their errors add up to those of all.
    assert of_stages["rows"].sum() == everybody["rows"]
    for figure in ("mae", "bias"):
        mean = (of_stages["rows"] * of_stages[figure]).sum() / everybody["rows"]
        assert mean == pytest.approx(everybody[figure], abs=1e-4)


def test_deciles_are_those_of_the_champion_and_the_baseline(contest: Contest) -> None:
    deciles = decile_rows({6: contest}, "cdnow")
    assert tuple(deciles.columns) == DECILE_COLUMNS
    assert set(deciles["model"]) == {contest.champion, "naive"}
    for model, rows in deciles.groupby("model"):
        backtest = next(b for b in contest.backtests if b.candidate.name == model)
        assert list(rows["decile"]) == list(range(1, 11))
        assert rows["customers"].sum() == len(backtest.outcome)
        assert set(rows["is_champion"]) == {model == contest.champion}
        for ours, theirs in (("predicted_value", "predicted_value"), ("actual_value",) * 2):
            total = (rows[ours] * rows["customers"]).sum()
            assert total == pytest.approx(backtest.outcome[theirs].sum(), rel=1e-6)
        errors = (rows["predicted_value"] - rows["actual_value"]).abs() / rows["actual_value"]
        assert errors.mean() == pytest.approx(backtest.metrics.decile_mape, rel=1e-4)


def test_without_a_contest_there_are_no_deciles() -> None:
    lone = pd.DataFrame(
        {"customer_id": ["a"], "order_date": ["2026-01-01"], "gross_revenue_base": [9.0]}
    )
    assert decile_rows({6: hold_contest(lone, AS_OF)}, "tiny").empty


def test_any_order_of_rows_gives_the_same_scores(sample_daily: pd.DataFrame) -> None:
    as_of = date(1998, 6, 30)
    contest = hold_contest(sample_daily, as_of)
    again = hold_contest(sample_daily.sample(frac=1, random_state=4), as_of)
    for one, other in zip(contest.backtests, again.backtests, strict=True):
        pd.testing.assert_frame_equal(one.outcome, other.outcome, check_exact=True)
    pd.testing.assert_frame_equal(
        score_rows(contest, "cdnow", "x"), score_rows(again, "cdnow", "x"), check_exact=True
    )


def test_each_horizon_has_its_contest_over_rolling_cutoffs(sample_daily: pd.DataFrame) -> None:
    as_of = date(1998, 6, 30)
    contests = hold_contests(sample_daily, as_of, (12, 3, 6), ["naive", "mbg_nbd"])
    assert list(contests) == [3, 6, 12]
    cutoffs = {
        months: [contest.cutoff, *(each[0].cutoff for each in contest.earlier)]
        for months, contest in contests.items()
    }
    assert cutoffs[6] == [date(1997, 12, 31), date(1997, 9, 30)]
    assert cutoffs[12] == [date(1997, 6, 30)]
    assert main_contest(contests) is contests[6]
    rows = all_score_rows(contests, "cdnow", "abc")
    key = ["company_id", "run", "model", "cutoff", "horizon", "segment"]
    assert not rows.duplicated(key).any()
    # All customers came within three months, a year and more ago: there is one history.
    of_stages = rows["segment"].str.startswith("stage_")
    assert set(rows["segment"][~of_stages]) == {"all"}
    champions = fit_champions(contests, sample_daily, as_of)
    assert list(champions.champions) == [91 / 7, 183 / 7, 365 / 7]


def test_a_history_is_tried_where_it_holds_other_customers(sample_daily: pd.DataFrame) -> None:
    contest = hold_contest(
        sample_daily, date(1998, 2, 28), ["naive", "mbg_nbd"], date(1997, 11, 30),
        select_history=True,
    )  # fmt: skip
    # Three and six months before the cutoff nobody came, twelve hold everybody.
    assert list(contest.histories) == [9]
    rows = score_rows(contest, "cdnow", "abc")
    tried = rows[rows["segment"] == "history_09m"].iloc[0]
    assert (tried["model"], bool(tried["is_champion"])) == ("mbg_nbd", False)
    everyone = rows[(rows["segment"] == "all") & (rows["model"] == "mbg_nbd")].iloc[0]
    assert (tried["mae"] != everyone["mae"]) == (contest.history_days is None)


def test_a_challenger_must_beat_the_one_in_service_on_the_latest_cutoff(
    sample_daily: pd.DataFrame,
) -> None:
    as_of, cutoff = date(1998, 6, 30), date(1997, 12, 31)
    names = ["naive", "mbg_nbd"]
    kept = hold_contest(sample_daily, as_of, names, cutoff, in_service="mbg_nbd")
    assert kept.champion == "mbg_nbd"
    promoted = hold_contest(sample_daily, as_of, names, cutoff, in_service="naive")
    assert promoted.champion == "mbg_nbd"
    assert promoted.challenger() == "naive"


def test_one_better_at_earlier_cutoffs_alone_is_not_promoted(
    sample_daily: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    latest, earlier = date(1997, 12, 31), date(1997, 9, 30)

    def ranks(metrics: list[Metrics]) -> tuple[float, ...]:
        return next(answers)

    answers = iter([(2.0, 1.0), (1.0, 3.5)])
    monkeypatch.setattr(contest_module, "composite_ranks", ranks)
    contest = hold_contest(
        sample_daily, date(1998, 6, 30), ["naive", "bg_nbd"], latest,
        earlier=[earlier], in_service="bg_nbd",
    )  # fmt: skip
    assert contest.champion == "bg_nbd"
    assert "stays in service" in contest.reason
