"""`clv predict`: a CSV of purchases in, a prediction per customer out, without a database.

Belongs here: reading, writing, words for people. Does not belong here: what is predicted
(`ml/prediction.py`) or how a row is read (`ingestion/sources/files`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd

    from ml.evaluation.metrics import Metrics
    from ml.prediction import Prediction

_COLUMNS = {"customer_id": "customer_id", "ordered_at": "order_ts", "amount": "amount"}
_HORIZON = re.compile(r"([1-9]\d{0,4})\s*([dwm])")
_FIGURES = {
    "mae": "error a customer",
    "spearman": "Spearman",
    "normalised_gini": "Gini",
    "decile_mape": "decile error",
    "total_ratio": "total",
    "auc": "AUC",
}


class PredictError(Exception):
    """What was asked for can't be done; the message says what to do."""


def predict(
    file: Path,
    as_of: date,
    horizon: str,
    out: Path,
    console: Console,
    columns: Mapping[str, str] | None = None,
    date_format: str | None = None,
    decimal: str = ".",
    holdout: Path | None = None,
) -> dict[str, Any]:
    """Predicts the customers of a file and writes what came out.

    Args:
        file: CSV of purchases.
        as_of: Last day that counts.
        horizon: Such as ``26w``, ``90d`` or ``6m``.
        out: The CSV to write; the scorecard is written beside it as JSON.
        console: Where the scorecard is shown.
        columns: Our column name to the header in the file, where it isn't customer_id, order_ts
            and amount.
        date_format: strptime format; None reads ISO 8601.
        decimal: Decimal mark of the amounts.
        holdout: CSV of the purchases after `as_of`, to compare with.

    Returns:
        The scorecard.

    Raises:
        PredictError: A file, a column, the day or the horizon can't be used.
    """
    from ml.features.btyd import FeatureError
    from ml.prediction import judge, predict_customers

    days = horizon_in_days(horizon)
    if out.resolve() in {path.resolve() for path in (file, holdout) if path is not None}:
        raise PredictError(f"{out} is what is read: name another file to write")
    mapping = _mapping(columns or {})
    daily = _read(file, mapping, date_format, decimal, console)
    later = _read(holdout, mapping, date_format, decimal, console) if holdout else None
    try:
        with console.status("Holding the contest of the models"):
            prediction = predict_customers(daily, as_of, days)
    except FeatureError as error:
        raise PredictError(f"{file}: {error}") from None
    last = daily["order_date"].max().date()
    if (as_of - last).days > days:
        console.print(
            f"[yellow]![/] {file.name} ends on {last}, {(as_of - last).days} days before {as_of}: "
            "to the models nobody has bought since. Take --as-of on the last day that is known."
        )
    figures = None if later is None else judge(prediction, daily, later)
    card = prediction.scorecard(figures)
    text = json.dumps(card, indent=2, sort_keys=True, allow_nan=False)
    _write(out, prediction.customers.to_csv(index=False, lineterminator="\n"))
    _write(scorecard_path(out), text + "\n")
    _show(console, prediction, figures, out)
    scorecard: dict[str, Any] = json.loads(text)
    return scorecard


def scorecard_path(out: Path) -> Path:
    """Returns where the scorecard of an output is written."""
    return out.with_suffix(".scorecard.json")


def horizon_in_days(text: str) -> int:
    """Returns the days of a horizon such as ``26w``, ``90d`` or ``6m``.

    Raises:
        PredictError: It isn't one.
    """
    from ml.horizons import DAYS_PER_WEEK, horizon_days

    found = _HORIZON.fullmatch(text.strip().lower())
    if found is None:
        raise PredictError(
            f"{text!r} is not a horizon: write 90d (days), 26w (weeks) or 6m (months)"
        )
    count = int(found[1])
    return {"d": count, "w": count * DAYS_PER_WEEK, "m": horizon_days(count)}[found[2]]


def _mapping(columns: Mapping[str, str]) -> dict[str, str]:
    """Our names to the file's; a day column of either kind takes the default's place."""
    given = dict(columns)
    if "order_ts" in given:
        given["ordered_at"] = given.pop("order_ts")
    defaults = dict(_COLUMNS)
    if given.keys() & {"order_date", "ordered_at"}:
        defaults.pop("ordered_at")
    if "email" in given and "customer_id" not in given:
        defaults.pop("customer_id")
    return defaults | given


def _read(
    file: Path, columns: Mapping[str, str], date_format: str | None, decimal: str, console: Console
) -> pd.DataFrame:
    """Reads purchases as customer-days; rows that can't be read are told and left out."""
    import pandas as pd
    from pydantic import ValidationError

    from ingestion.errors import SourceError
    from ingestion.quarantine import Quarantine
    from ingestion.sources.files.reader import FeedTotals, read_feed
    from warehouse.companies import Company

    feed = {
        "feed": "purchases",
        "path": _literal(file.name),
        "columns": dict(columns),
        "date_format": date_format,
        "decimal": decimal,
        # A float such as 81.44999999999999 is how other programs write 81.45.
        "round_amounts": True,
        # Amounts are of one currency, whichever it is, unless a column says more.
        "currency": None if "currency" in columns else "USD",
    }
    try:
        company = Company.model_validate(
            {
                "id": "file",
                "name": file.name,
                "base_currency": "USD",
                "timezone": "UTC",
                "margin_rate": 0,
                "sources": {"files": [feed]},
            }
        )
    except ValidationError as error:
        problems = "; ".join(f"{p['loc'][-1]}: {p['msg']}" for p in error.errors())
        raise PredictError(f"the columns can't be used: {problems}") from None
    totals = FeedTotals()
    pieces = []
    with Quarantine(company.id, "files", "purchases") as rejected:
        try:
            for page in read_feed(
                company, company.sources.files[0], file.resolve().parent, totals, rejected
            ):
                purchases = page.select(
                    ["customer_id", "email", "order_date", "amount"]
                ).to_pandas()
                pieces.append(_customer_days(purchases))
        except SourceError as error:
            raise PredictError(_in_words_of_a_command(str(error))) from None
        if totals.rejected_rows:
            console.print(
                f"[yellow]![/] {totals.rejected_rows:,} of {totals.rows:,} rows of {file.name} "
                "can't be read and are left out:"
            )
            console.print(rejected.examples().strip("\n"), markup=False, soft_wrap=True)
    if len(totals.amounts) > 1:
        raise PredictError(
            f"{file} has amounts in {', '.join(sorted(totals.amounts))}: convert them to one "
            "currency first"
        )
    return _customer_days(pd.concat(pieces, ignore_index=True))


def _in_words_of_a_command(message: str) -> str:
    """Returns what the files source says with options in the place of companies.yml."""
    for said, meant in (
        (", company file, in companies.yml", ""),
        ("or correct the path of feed purchases", "or correct the path"),
        ("of feed purchases", "(--column)"),
        (", of which 0 are left out, so what was loaded before is kept", ""),
        (", so what was loaded before is kept", ""),
        ("or set date_format", "or name its form with --date-format"),
    ):
        message = message.replace(said, meant)
    return message


def _customer_days(purchases: pd.DataFrame) -> pd.DataFrame:
    """Adds amounts up per customer and day, so that a long file doesn't fill the memory.

    Only positive lines count: the model is of gross value, and a return is no smaller purchase.
    """
    import pandas as pd

    if "gross_revenue_base" in purchases.columns:
        days = purchases
    else:
        who = purchases["customer_id"].fillna(purchases["email"])
        amount = purchases["amount"].astype("float64")
        days = pd.DataFrame(
            {
                "customer_id": who,
                "order_date": pd.to_datetime(purchases["order_date"]),
                "gross_revenue_base": amount.clip(lower=0.0),
            }
        )
    return days.groupby(["customer_id", "order_date"], as_index=False, sort=True).sum()


def _literal(name: str) -> str:
    """A file's name as a pattern that matches nothing but itself."""
    return re.sub(r"([*?\[])", r"[\1]", name)


def _write(path: Path, text: str) -> None:
    """Writes a file that appears whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise PredictError(f"{path} can't be written: {error}") from None
    finally:
        partial.unlink(missing_ok=True)


def _show(
    console: Console,
    prediction: Prediction,
    figures: Mapping[str, Metrics] | None,
    out: Path,
) -> None:
    from ml.eligibility import CompanyEligibility

    contest = prediction.contest
    console.print(f"Champion: [bold]{contest.champion}[/], {contest.reason}")
    if prediction.company_eligibility is CompanyEligibility.FEW_REPEAT_CUSTOMERS:
        console.print(
            "[yellow]![/] Fewer than 10 customers came back: how often they do is drawn to the "
            "documented defaults (docs/eligibility.md)"
        )
    if contest.backtests:
        ranked = sorted(
            zip(contest.composites, contest.backtests, strict=True), key=lambda entry: entry[0]
        )
        console.print(
            _table(
                f"Known on {contest.cutoff}, judged by the {contest.horizon_days} days after it",
                [(b.candidate.name, composite, b.metrics) for composite, b in ranked],
            )
        )
    if figures is not None:
        title = (
            f"Known on {prediction.as_of}, judged by the {prediction.horizon_days} days after it"
        )
        console.print(_table(title, [(name, None, m) for name, m in figures.items()]))
    total = prediction.customers["predicted_value"].sum()
    console.print(
        f"{len(prediction.customers):,} customers, {total:,.2f} expected in "
        f"{prediction.horizon_days} days: {out}, {scorecard_path(out).name}"
    )


def _table(title: str, rows: list[tuple[str, float | None, Metrics]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="dim", box=None, pad_edge=False)
    table.add_column("")
    for name in ("rank", *_FIGURES.values()):
        table.add_column(name, justify="right")
    for name, composite, metrics in rows:
        figures = [f"{getattr(metrics, figure):,.3f}" for figure in _FIGURES]
        table.add_row(name, "" if composite is None else f"{composite:.2f}", *figures)
    return table
