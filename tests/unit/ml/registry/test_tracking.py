"""The registry against a real MLflow on SQLite."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

import ml
from ml.evaluation.contest import hold_contest
from ml.features.btyd import customer_features
from ml.models.priors import DEFAULT, pooled
from ml.registry import tracking as registry
from ml.registry.tracking import (
    CHAMPION_ALIAS,
    ContestRecord,
    RegisteredChampion,
    TelemetryError,
    Tracking,
    lent_priors,
    log_contest,
    registered_champion,
)
from ml.scoring import fit_champion

AS_OF = date(1998, 6, 30)
PROJECT = Path(ml.__file__).parents[1]


@pytest.fixture(scope="module")
def record(sample_daily: pd.DataFrame) -> ContestRecord:
    contest = hold_contest(sample_daily, AS_OF, names=["naive", "mbg_nbd"])
    champion = fit_champion(contest.champion, sample_daily, AS_OF)
    return ContestRecord("acme", "USD", "run-a", contest, champion, {"horizons_months": [3, 6]})


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty tracking database; migrating takes seconds, copying nothing."""
    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    assert registered_champion(Tracking(f"sqlite:///{path}", str(path.parent)), "acme", "x") is None
    return path


@pytest.fixture
def tracking(empty_database: Path, tmp_path: Path) -> Iterator[Tracking]:
    database = tmp_path / "mlflow.db"
    shutil.copy(empty_database, database)
    yield Tracking(f"sqlite:///{database}", str(tmp_path / "artifacts"))


def _client(tracking: Tracking):
    from mlflow import MlflowClient

    return MlflowClient(tracking.uri, tracking.uri)


def _runs(tracking: Tracking, view: int = 1) -> list:
    client = _client(tracking)
    experiment = client.get_experiment_by_name("clv-acme")
    return list(client.search_runs([experiment.experiment_id], run_view_type=view))


def _versions(tracking: Tracking) -> list:
    return list(_client(tracking).search_model_versions("name = 'clv-acme'"))


class _KilledError(BaseException):
    """Stands for a process that ends here; no handler may catch it."""


def test_telemetry_must_be_off(
    record: ContestRecord, tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.telemetry import utils

    monkeypatch.setattr(utils, "is_telemetry_disabled", lambda: False)
    with pytest.raises(TelemetryError, match="MLFLOW_DISABLE_TELEMETRY"):
        log_contest(tracking, record)


def test_a_contest_is_logged_whole(
    record: ContestRecord, tracking: Tracking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    champion = log_contest(tracking, record)
    assert champion == RegisteredChampion("clv-acme", "1", champion.mlflow_run_id)

    runs = {run.info.run_name: run for run in _runs(tracking)}
    # contest > candidate > cutoff
    assert set(runs) == {
        "contest to 1998-06-30",
        "naive",
        "mbg_nbd",
        "naive 1997-12-31 26w",
        "mbg_nbd 1997-12-31 26w",
    }
    at_cutoff = runs["mbg_nbd 1997-12-31 26w"].data
    assert at_cutoff.tags["mlflow.parentRunId"] == runs["mbg_nbd"].info.run_id
    assert at_cutoff.params == {"cutoff": "1997-12-31", "horizon": "26w"}
    assert at_cutoff.metrics["mae"] == runs["mbg_nbd"].data.metrics["mae"]
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert {run.data.tags["clv.run"] for run in runs.values()} == {"run-a"}
    parent = runs["contest to 1998-06-30"]
    assert parent.info.run_id == champion.mlflow_run_id
    assert parent.data.params["champion"] == record.contest.champion
    assert parent.data.params["setting.horizons_months"] == "[3, 6]"
    nested = runs["mbg_nbd"]
    assert nested.data.tags["mlflow.parentRunId"] == parent.info.run_id
    backtest = record.contest.backtests[1]
    assert nested.data.metrics["mae"] == pytest.approx(backtest.metrics.mae)
    assert float(nested.data.params["alpha"]) == backtest.candidate.describe().params["alpha"]

    client = _client(tracking)
    plots = {item.path for item in client.list_artifacts(nested.info.run_id, "plots")}
    assert client.list_artifacts(runs["naive"].info.run_id, "plots") == []
    assert plots == {
        f"plots/{name}.png"
        for name in ("calibration_by_decile", "cumulative_gains", "predicted_against_actual")
    }
    version = client.get_model_version_by_alias("clv-acme", "champion")
    assert (str(version.version), version.run_id) == ("1", parent.info.run_id)
    # Only the database and the artifacts: no store of its own in the working directory.
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", "artifacts"}


def test_the_same_run_again_logs_nothing(record: ContestRecord, tracking: Tracking) -> None:
    assert registered_champion(tracking, "acme", "run-a") is None
    first = log_contest(tracking, record)
    before = sorted(run.info.run_id for run in _runs(tracking))
    assert log_contest(tracking, record) == first
    assert registered_champion(tracking, "acme", "run-a") == first
    assert registered_champion(tracking, "acme", "run-b") is None
    assert registered_champion(tracking, "other", "run-a") is None
    assert sorted(run.info.run_id for run in _runs(tracking)) == before
    assert len(_versions(tracking)) == 1


def test_new_data_make_a_new_version_and_old_data_bring_the_old_one_back(
    record: ContestRecord, tracking: Tracking
) -> None:
    first = log_contest(tracking, record)
    second = log_contest(tracking, replace(record, run="run-b"))
    assert (first.version, second.version) == ("1", "2")
    assert registered_champion(tracking, "acme", "run-b") == second
    assert log_contest(tracking, record) == first
    assert registered_champion(tracking, "acme", "run-a") == first
    assert len(_versions(tracking)) == 2


# After one step is before the next, but for the last.
_MOMENTS = [
    ("create_run", False),
    ("log_batch", False),
    ("log_figure", False),
    ("create_logged_model", False),
    ("log_model_artifacts", False),
    ("log_outputs", False),
    ("set_tag", False),
    ("set_terminated", False),
    ("create_registered_model", False),
    ("create_model_version", False),
    ("set_registered_model_alias", False),
    ("set_registered_model_alias", True),
]


@pytest.mark.parametrize(("moment", "after"), _MOMENTS)
def test_a_kill_at_any_moment_leaves_nothing_that_the_next_call_does_not_mend(
    record: ContestRecord,
    tracking: Tracking,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
    after: bool,
) -> None:
    from mlflow import MlflowClient

    # Nested runs take the same calls as the parent, but for the plots, which the champion has.
    held = [
        entry
        for entry in zip(record.contest.backtests, record.contest.composites, strict=True)
        if moment == "log_figure" and entry[0].candidate.name == record.contest.champion
    ]
    contest = replace(
        record.contest,
        backtests=tuple(backtest for backtest, _ in held),
        composites=tuple(composite for _, composite in held),
    )
    small = replace(record, contest=contest)
    real = getattr(MlflowClient, moment)

    def killed(*arguments: object, **named: object) -> None:
        if after:
            real(*arguments, **named)
        raise _KilledError

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, moment, killed)
        with pytest.raises(_KilledError):
            log_contest(tracking, small)

    champion = log_contest(tracking, small)
    assert champion.version == "1"
    assert registered_champion(tracking, "acme", "run-a") == champion
    runs = _runs(tracking)
    assert len(runs) == 1 + 2 * len(held)
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert "RUNNING" not in {run.info.status for run in _runs(tracking, view=2)}
    assert len(_versions(tracking)) == 1
    experiment = _client(tracking).get_experiment_by_name("clv-acme")
    models = _client(tracking).search_logged_models([experiment.experiment_id])
    assert {model.source_run_id for model in models} == {champion.mlflow_run_id}


def test_a_company_without_a_contest_still_gets_its_model(
    record: ContestRecord, tracking: Tracking
) -> None:
    reason = "no contest: 3 customers"
    none_held = replace(record.contest, backtests=(), composites=(), reason=reason)
    champion = log_contest(tracking, replace(record, contest=none_held))
    (run,) = _runs(tracking)
    assert run.info.run_id == champion.mlflow_run_id
    assert run.data.tags["mlflow.note.content"] == reason


def test_the_model_predicts_from_a_clean_shell(
    record: ContestRecord, tracking: Tracking, sample_daily: pd.DataFrame, tmp_path: Path
) -> None:
    import mlflow.pyfunc

    log_contest(tracking, record)
    customers = customer_features(sample_daily, AS_OF).head(50)
    asked, served = tmp_path / "customers.json", tmp_path / "predicted.json"
    asked.write_text(
        json.dumps(
            {
                "dataframe_split": json.loads(customers.to_json(orient="split", index=False)),
                "params": {"horizon_weeks": [13.0, 26.0]},
            }
        )
    )
    model = f"models:/clv-acme@{CHAMPION_ALIAS}"
    subprocess.run(
        [
            str(Path(sys.executable).with_name("mlflow")), "models", "predict", "-m", model,
            "-i", str(asked), "-t", "json", "-o", str(served), "--env-manager", "local",
        ],
        check=True,
        cwd=tmp_path,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "PYTHONPATH": str(PROJECT),
            "MLFLOW_TRACKING_URI": tracking.uri,
            "MLFLOW_DISABLE_TELEMETRY": "true",
        },
        timeout=300,
    )  # fmt: skip
    predicted = pd.DataFrame(json.loads(served.read_text())["predictions"])
    expected = record.champion.predict(customers, [13.0, 26.0])
    pd.testing.assert_frame_equal(predicted, expected, check_dtype=False)
    mlflow.set_tracking_uri(tracking.uri)
    assert len(mlflow.pyfunc.load_model(model).input_example) == 2


def test_nothing_is_sent_to_the_outside(
    record: ContestRecord, tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def refuse(self: socket.socket, address: object) -> None:
        asked.append(address)
        raise OSError("no connection in this test")

    def refuse_name(host: object, *arguments: object, **named: object) -> list:
        asked.append(host)
        raise OSError("no name look-up in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse_name)
    log_contest(tracking, record)
    assert asked == []


def test_only_the_registry_imports_mlflow_and_importing_ml_does_not() -> None:
    code = (
        "import sys, ml.scoring, ml.evaluation.contest, ml.evaluation.plots, ml.registry.tracking;"
        "assert not {'mlflow', 'matplotlib'} & set(sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=60)
    for path in (PROJECT / "ml").rglob("*.py"):
        if path.parent.name != "registry":
            assert "import mlflow" not in path.read_text(encoding="utf-8")
    assert registry.registry_name("acme") == "clv-acme"


def test_a_company_that_shares_lends_its_own_fit(record: ContestRecord, tracking: Tracking) -> None:
    fit = replace(DEFAULT, r=0.9, q=4.5, source="own fit")
    log_contest(tracking, replace(record, own_fit=fit))
    log_contest(tracking, replace(record, company_id="small"))
    lent = lent_priors(tracking, ["small", "acme", "nobody"])
    # The small one has no fit itself, and nobody has no champion.
    assert [prior.params() for prior in lent] == [fit.params()]
    assert pooled(lent).source == "fits of 1 other company"
