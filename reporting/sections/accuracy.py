"""How far the predictions can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

from reporting.blocks import charts
from reporting.blocks.blocks import Block, Chart, Column, Note, Section, Table, Tile, Tiles
from reporting.blocks.formats import (
    count,
    day,
    money,
    percent,
)
from reporting.metrics.accuracy import ELIGIBILITY
from reporting.metrics.company import CompanyFacts
from reporting.metrics.scope import Row

#: What models are called for people.
MODEL_NAMES = {
    "naive": "Naive: past spend rate",
    "cohort_curve": "Cohort curve",
    "bg_nbd": "BG/NBD + Gamma-Gamma",
    "mbg_nbd": "MBG/NBD + Gamma-Gamma",
    "pareto_nbd": "Pareto/NBD + Gamma-Gamma",
    "lightgbm_hurdle": "LightGBM, hurdle",
    "lightgbm_tweedie": "LightGBM, Tweedie",
    "lightgbm_direct": "LightGBM, direct",
    "blend": "Blend",
}


#: Who made a prediction that came due.
_BASES = {"published": "published", "backtest": "backtest"}


def model_name(name: str) -> str:
    """Returns what a model is called for people."""
    return MODEL_NAMES.get(name, name)


def accuracy(
    facts: CompanyFacts,
    scorecard: Sequence[Row],
    deciles: Sequence[Row],
    eligibility: Sequence[Row],
    realised: Sequence[Row],
) -> Section:
    """How far the predictions can be trusted."""
    blocks: list[Block] = []
    if scorecard:
        blocks += _scorecard(facts, scorecard)
    else:
        blocks.append(
            Note(
                "Too few customers or too little history to hold days out: nobody knows yet how "
                "good the predictions are."
            )
        )
    if deciles:
        blocks.append(_deciles(facts, deciles))
    if realised:
        blocks.append(
            Table(
                "Predictions that came due",
                [
                    Column("calculation_date", "Predicted on", "day"),
                    Column("horizon_months", "Months ahead", "count"),
                    Column("basis_label", "Made by"),
                    Column("customers", "Customers", "count"),
                    Column("predicted", "Predicted", "money"),
                    Column("actual", "Came", "money"),
                    Column("total_ratio", "Predicted ÷ actual", "number"),
                ],
                [
                    {**row, "basis_label": _BASES.get(row["basis"], row["basis"])}
                    for row in realised
                ],
                currency=facts.currency,
                definition=(
                    "What was predicted for the months after an earlier day, against what came in "
                    "them. A backtest is today's kind of model, shown nothing after that day; what "
                    "was published was read at the time."
                ),
                export="realised_accuracy",
            )
        )
    if eligibility:
        blocks.append(
            Table(
                "What the predictions rest on",
                [
                    Column("name", "Customers who"),
                    Column("customers", "Customers", "count"),
                    Column("share_of_customers", "Share", "percent"),
                    Column("predicted_value_12m", "Next 12 months", "money"),
                    Column("meaning", "Meaning", "words"),
                ],
                [
                    {**row, "name": name, "meaning": meaning}
                    for row in eligibility
                    for name, meaning in [ELIGIBILITY.get(row["eligibility"], ("Other", ""))]
                ],
                currency=facts.currency,
                definition="How far each customer's own history carries the prediction.",
                export="eligibility",
            )
        )
    return Section("accuracy", "How good the predictions are", blocks)


def _scorecard(facts: CompanyFacts, rows: Sequence[Row]) -> list[Block]:
    cur = facts.currency
    champion = next((row for row in rows if row["is_champion"]), None)
    naive = next((row for row in rows if row["model"] == "naive"), None)
    first = rows[0]
    blocks: list[Block] = []
    if champion and naive and not naive["is_champion"] and naive["mae"]:
        better = 1 - champion["mae"] / naive["mae"]
        blocks.append(
            Tiles(
                [
                    Tile(
                        "Error a customer",
                        money(champion["mae"], cur),
                        definition=f"Mean absolute error of {model_name(champion['model'])}.",
                    ),
                    Tile(
                        "Naive baseline",
                        money(naive["mae"], cur),
                        definition="The same of the past spend rate, carried on.",
                    ),
                    Tile(
                        "Better than naive by",
                        percent(better),
                        definition="How much smaller the champion's error is.",
                    ),
                ]
            )
        )
    blocks.append(
        Table(
            "Scorecard of the models",
            [
                Column("model_label", "Model"),
                Column("mae", "Error a customer", "money"),
                Column("spearman", "Rank correlation", "number"),
                Column("normalised_gini", "Gini", "number"),
                Column("decile_mape", "Decile error", "percent"),
                Column("total_ratio", "Total ÷ actual", "number"),
                Column("composite", "Mean rank", "number"),
            ],
            [
                {
                    **row,
                    "model_label": model_name(row["model"])
                    + (" · in service" if row["is_champion"] else ""),
                }
                for row in rows
            ],
            currency=cur,
            definition=(
                f"Each model predicted the {first['horizon_days']} days after "
                f"{day(first['cutoff'])}, which it wasn't shown, for "
                f"{count(first['customers'])} customers. Gini and rank correlation: 1 is the "
                "perfect order of customers. Mean rank over five figures: 1 is best."
            ),
            export="scorecard",
        )
    )
    return blocks


def _deciles(facts: CompanyFacts, rows: Sequence[Row]) -> Chart:
    cur = facts.currency
    champion = [row for row in rows if row["is_champion"]] or list(rows)
    naive = [row for row in rows if row["model"] == "naive" and not row["is_champion"]]
    names = [str(row["decile"]) for row in champion]
    table = Table(
        "Predicted against actual, by tenth",
        [
            Column("model_label", "Model"),
            Column("decile", "Tenth", "count"),
            Column("customers", "Customers", "count"),
            Column("predicted_value", "Predicted", "money"),
            Column("actual_value", "Actual", "money"),
        ],
        [{**row, "model_label": model_name(row["model"])} for row in [*champion, *naive]],
        currency=cur,
        export="deciles",
        folded=True,
    )
    head = champion[-1]
    return Chart(
        "Predicted against actual, by tenth of the prediction",
        f"Mean gross revenue per customer in {cur} within {head['horizon'].split('w')[0]} weeks "
        f"after {day(head['cutoff'])}: customers in ten groups of equal size by what "
        f"{model_name(head['model'])} predicted, the highest on the right.",
        charts.bars(
            names,
            [
                ("predicted", [row["predicted_value"] for row in champion], charts.BLUE),
                ("actual", [row["actual_value"] for row in champion], charts.ORANGE),
            ],
            "tenth of predicted spend",
            f"{cur} per customer",
            unit=f" {cur}",
        ),
        f"In the highest tenth {money(head['predicted_value'], cur)} were predicted per customer "
        f"and {money(head['actual_value'], cur)} came.",
        table=table,
    )


def _drifting_name(name: str) -> str:
    """Writes the name of a feature for people: "predicted value, 6 months"."""
    stem, underscore, months = name.rpartition("_")
    if underscore and months.endswith("m") and months[:-1].isdigit():
        return f"{stem.replace('_', ' ')}, {months[:-1]} months"
    return name.replace("_", " ")


def drift(rows: Sequence[Row]) -> Section:
    """How far today's customers differ from those that the model learned from."""
    title = "Drift"
    if not rows:
        return Section("drift", title, [Note("Nothing has been compared yet.")])
    drifted = sum(bool(row["is_drifted"]) for row in rows)
    return Section(
        "drift",
        title,
        [
            Table(
                "Drift against the year before",
                [
                    Column("kind", "Kind"),
                    Column("name", "Name"),
                    Column("psi", "PSI", "number"),
                    Column("psi_bound", "Alarm above", "number"),
                    Column("state", "State"),
                ],
                [
                    {
                        **row,
                        "name": _drifting_name(row["name"]),
                        "state": "drifted" if row["is_drifted"] else "steady",
                    }
                    for row in rows
                ],
                definition=(
                    "Population stability index of features, predictions, segments and reasons "
                    "between today and the quarter of the year before that is most like it, "
                    "customers of one tenure with those of the same. "
                    f"Drifted: {drifted} of {len(rows)}."
                ),
                export="drift",
            )
        ],
    )
