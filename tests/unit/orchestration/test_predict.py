"""`clv predict`: a CSV in, predictions and a scorecard out."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from orchestration.predict import PredictError, horizon_in_days, predict, scorecard_path

AS_OF = date(2025, 6, 30)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rows = ["who,when,total"]
    for n in range(150):
        for k in range(1 + n % 4):
            day = date(2025, 1, 1) + timedelta(days=(n * 7 + k * 31) % 181)
            rows.append(f"c{n:03},{day}T10:00:00,{10 + n % 5}.5")
    rows += ["c001,2025-02-30,5", ",2025-02-01,5", "c002,2025-03-01,81.44999999999999"]
    path = tmp_path / "purchases [1].csv"
    path.write_text("\n".join(rows) + "\n")
    return path


COLUMNS = {"customer_id": "who", "ordered_at": "when", "amount": "total"}


def _console(tmp_path: Path) -> Console:
    return Console(file=(tmp_path / "screen").open("w"), width=200)


def test_a_file_is_predicted_and_bad_rows_are_told(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    card = predict(file, AS_OF, "8w", out, _console(tmp_path), COLUMNS, holdout=file)
    predicted = pd.read_csv(out)
    assert list(predicted.columns) == [
        "customer_id", "expected_orders", "predicted_value", "p_active", "eligibility",
        "model_name",
    ]  # fmt: skip
    assert len(predicted) == 150
    assert json.loads(scorecard_path(out).read_text()) == card
    assert card["champion"] == predicted["model_name"].unique().item()
    screen = (tmp_path / "screen").read_text()
    assert "2 of" in screen
    assert "'2025-02-30' is not a time" in screen
    assert "is empty: a purchase needs a customer" in screen
    first = out.read_bytes(), scorecard_path(out).read_bytes()
    predict(file, AS_OF, "8w", out, _console(tmp_path), COLUMNS, holdout=file)
    assert (out.read_bytes(), scorecard_path(out).read_bytes()) == first


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"columns": {"amount": "price"}}, "column 'price' .amount. is missing"),
        ({"columns": {"nonsense": "who"}}, "can't be used"),
        ({"horizon": "half a year"}, "write 90d"),
        ({"horizon": "3000d"}, "history up to 2025-06-30"),
        ({"as_of": date(2020, 1, 1)}, "no customer had paid by"),
        ({"file": Path("nowhere.csv")}, "is missing"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    file: Path, tmp_path: Path, changes: dict, says: str
) -> None:
    columns = COLUMNS | changes.pop("columns", {})
    wanted = {"file": file, "as_of": AS_OF, "horizon": "8w"} | changes
    out = tmp_path / "out.csv"
    with pytest.raises(PredictError, match=says):
        predict(**wanted, out=out, console=_console(tmp_path), columns=columns)
    assert not out.exists()
    assert not scorecard_path(out).exists()


def test_the_input_is_never_overwritten(file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(PredictError, match="name another file"):
        predict(file, AS_OF, "8w", file, _console(tmp_path), COLUMNS)
    assert file.read_bytes() == before


def test_horizons() -> None:
    assert [horizon_in_days(text) for text in ("26w", "90d", "6m", "12M")] == [182, 90, 183, 365]
