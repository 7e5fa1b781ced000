"""The model card: what is in service, how good it was, and what it can't do. For people."""

from __future__ import annotations

from collections.abc import Mapping

from ml.evaluation.contest import Contest, contest_name
from ml.models.candidate import Description

_FIGURES = ("mae", "spearman", "normalised_gini", "decile_mape", "total_ratio", "auc")


def model_card(
    company_id: str, currency: str, contests: Mapping[int, Contest], description: Description
) -> str:
    """Returns the card of a company's champion as Markdown.

    Args:
        company_id: Whose customers it predicts.
        currency: Base currency of the money in it.
        contests: By horizon in months.
        description: Of the champion, fitted on all data.
    """
    any_contest = next(iter(contests.values()))
    lines = [
        f"# Customer lifetime value of {company_id}",
        "",
        f"Predicts, for each customer, orders and gross revenue ({currency}, before refunds, "
        "undiscounted) over any horizon, and the probability of at least one order. Fitted on the "
        f"purchases up to {any_contest.as_of}.",
        "",
    ]
    for months, contest in contests.items():
        lines += [f"## {contest_name(months, contests)}: {contest.champion}", "", contest.reason]
        if contest.history_days is not None:
            lines.append(
                "The BTYD models are fitted on customers who came within the last "
                f"{contest.history_days} days."
            )
        lines.append("")
        if contest.backtests:
            lines += [
                f"Fitted on what was known on {contest.cutoff}, judged by the "
                f"{contest.horizon_days} days after it "
                f"({contest.backtests[0].metrics.rows:,} customers):",
                "",
                "| model | composite | " + " | ".join(_FIGURES) + " |",
                "|---" * (len(_FIGURES) + 2) + "|",
            ]
            entries = zip(contest.composites, contest.backtests, strict=True)
            for composite, backtest in sorted(entries, key=lambda entry: entry[0]):
                figures = " | ".join(f"{getattr(backtest.metrics, f):.4g}" for f in _FIGURES)
                lines.append(f"| {backtest.candidate.name} | {composite:.2f} | {figures} |")
            lines.append("")
    lines += ["## Fit", ""]
    if description.diagnostics.get("fell_back"):
        lines += ["The fit fell back to something simpler; champion.json says why.", ""]
    lines += [f"- {name}: {value:.6g}" for name, value in description.params.items()]
    lines += [
        "",
        "## Limits",
        "",
        "- A customer with one order is judged mostly by the company's other customers.",
        "- Seasons are known only as far as the history goes back; a year of it knows no trend.",
        "- Prices, campaigns and stock are not among what it is told.",
        "- The value is a mean: most customers of most shops spend nothing, and a few a lot.",
    ]
    return "\n".join(lines) + "\n"
