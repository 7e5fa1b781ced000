"""The demo's own path, as a user runs it: `clv demo` from CSV to predictions, through Dagster."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import psutil
import pytest
import yaml

from ml.models.catalogue import CANDIDATES
from tests.integration.installation import TIMEOUT, Installation, installed
from warehouse.settings import PROJECT_ROOT


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    companies = yaml.safe_load((PROJECT_ROOT / "companies.yml").read_text())["companies"]
    (cdnow,) = [each for each in companies if each["id"] == "cdnow"]
    cdnow["sources"]["files"][0]["path"] = "cdnow.csv"
    with installed([cdnow]) as made:
        yield made


@pytest.fixture(scope="module")
def purchases(installation: Installation) -> Path:
    """The demo's CSV."""
    return installation.folder / "cdnow.csv"


@pytest.fixture(scope="module")
def demo(installation: Installation) -> subprocess.CompletedProcess[str]:
    return installation.clv("demo")


@pytest.fixture(scope="module")
def first_fingerprints(
    installation: Installation, demo: subprocess.CompletedProcess[str]
) -> dict[str, str]:
    return installation.fingerprints()


def test_the_summary_says_what_matters(demo: subprocess.CompletedProcess[str]) -> None:
    for words in (
        "23,570",
        "2,500,315.63 USD",
        "Predicted 12-month value",
        "Share of the top 10 %",
        "Champion",
        "Baseline naive",
        "clv up",
    ):
        assert words in demo.stdout


def test_what_landed_reconciles_to_the_cent(
    installation: Installation, demo: subprocess.CompletedProcess[str]
) -> None:
    total = Decimal("2500315.63")
    assert installation.query("select count(*), sum(amount) from raw_files.order_lines") == [
        (69_659, total)
    ]
    assert installation.query(
        "select count(*), sum(net_revenue_base), sum(net_revenue) from marts.fct_orders"
    ) == [(67_591, total, total)]
    assert installation.query("select count(*), sum(gross_revenue) from marts.fct_order_lines") == [
        (69_659, total)
    ]
    assert installation.query("select count(*) from marts.dim_customers") == [(23_570,)]
    assert installation.query("select count(*) from quarantine.rejected_rows") == [(0,)]


def test_every_customer_has_a_prediction_at_every_horizon(
    installation: Installation, demo: subprocess.CompletedProcess[str]
) -> None:
    assert installation.query(
        "select horizon_months, calculation_date::text, count(*), count(distinct customer_id)"
        " from ml.clv_predictions group by 1, 2 order by 1"
    ) == [(months, "2026-06-30", 23_570, 23_570) for months in (3, 6, 12)]
    (falling,) = installation.query(
        "select count(*) from ml.clv_predictions as near join ml.clv_predictions as far"
        " using (customer_id) where near.horizon_months < far.horizon_months"
        " and (near.predicted_value > far.predicted_value or near.p_active > far.p_active)"
    )[0]
    assert falling == 0
    (unpaid,) = installation.query(
        "select count(distinct customer_id) from ml.clv_predictions"
        " where eligibility = 'no_paid_order' and predicted_value = 0"
    )[0]
    assert unpaid == 23_570 - 23_502


def test_the_best_candidate_reaches_the_agreed_accuracy(
    installation: Installation, demo: subprocess.CompletedProcess[str]
) -> None:
    scores = {
        model: (mae, gini, champion, cutoff, horizon)
        for model, mae, gini, champion, cutoff, horizon in installation.query(
            "select model, mae, normalised_gini, is_champion, cutoff::text, horizon"
            " from ml.clv_model_scores"
            " where company_id = 'cdnow' and segment = 'all' and cutoff = '2025-12-31'"
            " and horizon = '26w'"
        )
    }
    assert set(scores) == set(CANDIDATES)
    assert {score[3:] for score in scores.values()} == {("2025-12-31", "26w")}
    (champion,) = [score for score in scores.values() if score[2]]
    assert champion[0] <= 21.2
    assert champion[1] >= 0.72
    assert champion[0] < scores["naive"][0]


def test_the_run_stands_in_dagster_with_lineage_metadata_and_checks(
    installation: Installation, demo: subprocess.CompletedProcess[str]
) -> None:
    program = """
import json
import dagster as dg
with dg.DagsterInstance.get() as instance:
    runs = instance.get_runs()
    events = [
        e.dagster_event for run in runs for e in instance.all_logs(run.run_id) if e.dagster_event
    ]
    made = {
        e.asset_key.to_user_string(): sorted(e.step_materialization_data.materialization.metadata)
        for e in events if e.is_step_materialization
    }
    checks = [
        [e.asset_check_evaluation_data.asset_key.to_user_string(),
         e.asset_check_evaluation_data.check_name, e.asset_check_evaluation_data.passed]
        for e in events if e.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ]
    print(json.dumps([{run.job_name: run.status.value for run in runs}, made, checks]))
"""
    runs, made, checks = installation.python(program)
    # Nobody was in service before: a contest was due.
    stages = ["land", "transform", "train", "publish", "report"]
    assert runs == dict.fromkeys(stages, "SUCCESS")
    for asset in (
        "raw_files/order_lines",
        "marts/fct_orders",
        "ml/clv_predictions",
        "reporting/customer_360",
    ):
        assert {"dagster/row_count", "dagster/column_schema"} <= set(made[asset]), asset
    # A view holds no rows.
    assert "dagster/row_count" not in made["staging/stg_files__order_lines"]
    assert "dagster/column_schema" in made["staging/stg_files__order_lines"]
    assert ["raw_files/order_lines", "reconciles_with_files", True] in checks
    assert ["ml/clv_predictions", "great_expectations", True] in checks
    # Nobody new has come to this shop for a year: its customers have drifted, and it says so.
    assert {name for _, name, passed in checks if not passed} <= {"stay_within_bounds"}


def test_the_champion_stands_in_mlflow_with_figures_plots_and_signature(
    installation: Installation, demo: subprocess.CompletedProcess[str]
) -> None:
    program = """
import json, os, sys
import mlflow
from mlflow import MlflowClient
client = MlflowClient()
version = client.get_model_version_by_alias("clv-cdnow", "champion")
parent = client.get_run(version.run_id)
children = client.search_runs(
    [parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
)
plots = {
    child.data.tags["mlflow.runName"]: sorted(
        os.path.basename(a.path) for a in client.list_artifacts(child.info.run_id, "plots")
    )
    for child in children
}
model = mlflow.pyfunc.load_model("models:/clv-cdnow@champion")
predicted = model.predict(model.input_example if hasattr(model, "input_example")
                          and model.input_example is not None else
                          model.metadata.load_input_example())
print(json.dumps({
    "params": parent.data.params, "metrics": parent.data.metrics, "plots": plots,
    "inputs": model.metadata.signature.inputs.input_names(),
    "outputs": list(predicted.columns), "rows": len(predicted), "version": str(version.version),
}))
"""
    logged = installation.python(program)
    assert logged["params"]["cutoff"] == "2025-12-31"
    assert logged["metrics"]["mae"] <= 21.2
    assert set(logged["plots"]) == set(CANDIDATES)
    # Nobody looks at the losers' pictures: the scorecard has their figures.
    assert len(logged["plots"].pop(logged["params"]["champion"])) >= 3
    assert not any(logged["plots"].values())
    assert {"customer_id", "frequency", "recency", "T"} <= set(logged["inputs"])
    assert {"customer_id", "expected_orders", "predicted_value"} <= set(logged["outputs"])
    assert logged["rows"] >= 2
    assert installation.query("select distinct model_version from ml.clv_predictions") == [
        (logged["version"],)
    ]


# Each file's columns by those of its table; the rows of a table in the order of a file's key.
_FILES = {
    "clv_predictions.csv": (
        "select customer_id, predicted_value_12m, value_rank, value_percentile, business_segment,"
        " cluster from reporting.customer_360 where company_id = 'cdnow'",
        ["customer_id", "clv", "rank", "percentile", "segment", "cluster"],
    ),
    "segment_metrics.csv": (
        "select initcap(replace(segment, 'stage_', '')), rows, rmse, mae, bias"
        " from ml.clv_model_scores where segment like 'stage%%' and horizon = '26w'"
        " union all select 'all', rows, rmse, mae, bias from ml.clv_model_scores"
        " where segment = 'all' and horizon = '26w' and is_champion and cutoff = '2025-12-31'",
        ["customer_stage", "customers", "rmse", "mae", "bias"],
    ),
    "interactions.csv": (
        "select rank, feature_a, feature_b, strength from ml.feature_interactions",
        ["rank", "feature_a", "feature_b", "strength"],
    ),
    "business_segments.csv": (
        "select segment, customers, predicted_value_12m, strategy"
        " from reporting.segment_summary where segmentation = 'business'",
        ["segment", "size", "predicted_value_12m", "strategy"],
    ),
    "cluster_summary.csv": (
        "select cluster, customers, average_value_12m, clv_tier, suggested_action, description"
        " from ml.cluster_profiles",
        ["cluster", "size", "average_value_12m", "clv_tier", "suggested_action", "profile"],
    ),
}


def _plain(value: object) -> str:
    """Returns a number as Python writes it, whoever wrote it; a text as it is."""
    try:
        return str(float(str(value)))
    except ValueError:
        return "" if value is None else str(value)


def test_every_number_of_the_files_is_its_tables(
    installation: Installation, demo: subprocess.CompletedProcess[str]
) -> None:
    folder = installation.folder / "home" / "exports" / "cdnow" / "2026-06-30"
    assert {path.name for path in folder.iterdir()} == {
        *_FILES,
        "clv_model.joblib",
        "feature_importances.png",
        "model_metadata.json",
    }
    for name, (query, columns) in _FILES.items():
        with (folder / name).open(newline="", encoding="utf-8") as file:
            read = sorted(
                tuple(_plain(row[column]) for column in columns) for row in csv.DictReader(file)
            )
        expected = sorted(tuple(map(_plain, row)) for row in installation.query(query))
        if name == "segment_metrics.csv":
            # A stage that nobody was in at the cutoff has a row without figures.
            read = [row for row in read if row[1]]
        assert read, name
        assert read == expected, name


def test_the_picture_the_model_and_what_repeats_it_open(
    installation: Installation, demo: subprocess.CompletedProcess[str]
) -> None:
    folder = installation.folder / "home" / "exports" / "cdnow" / "2026-06-30"
    assert (folder / "feature_importances.png").read_bytes().startswith(b"\x89PNG")
    metadata = json.loads((folder / "model_metadata.json").read_text(encoding="utf-8"))
    assert [(metadata["run"],)] == installation.query(
        "select distinct run from ml.clv_model_scores"
    )
    assert metadata["data"]["customers"] == 23_570
    assert float(metadata["data"]["gross_revenue"]) == 2_500_315.63
    predicted = installation.python(f"""
import joblib, json
from ml.features.btyd import customer_features
from ml.horizons import horizon_days, in_weeks
from datetime import date
from orchestration.resources.customer_days import CustomerDays
days = CustomerDays().read("cdnow")
model = joblib.load({str(folder / "clv_model.joblib")!r})
customers = customer_features(days.daily, days.as_of)
path = model.predict(customers, [in_weeks(horizon_days(12))])
print(json.dumps(round(float(path["predicted_value"].sum()), 1)))
""")
    (total,) = installation.query(
        "select sum(predicted_value) from ml.clv_predictions where horizon_months = 12"
    )[0]
    assert float(predicted) == pytest.approx(float(total), abs=1)
    stored = installation.folder / "home" / "mlflow" / "artifacts"
    assert len(list(stored.rglob("deliverables/*"))) == len(_FILES) + 3


def test_the_run_is_repeated_to_the_same_bytes_from_its_metadata(
    installation: Installation, demo: subprocess.CompletedProcess[str]
) -> None:
    folder = installation.folder / "home" / "exports" / "cdnow" / "2026-06-30"
    metadata = json.loads((folder / "model_metadata.json").read_text(encoding="utf-8"))
    told = installation.clv("repeat", str(folder)).stdout
    said = [line.split("  ", 1) for line in told.splitlines()]
    assert {verdict for verdict, _ in said} == {"same bytes"}
    names = {name.strip() for _, name in said}
    assert names >= {"ml.clv_model_scores", "ml.clv_predictions", "ml.clv_prediction_paths"}
    assert names >= {"ml.customer_reasons", "ml.customer_clusters", "ml.drift_metrics"}
    # All of the eight but the metadata, which is what the run is repeated from.
    assert names >= {*_FILES, "clv_model.joblib", "feature_importances.png"}

    unknown = installation.clv("repeat", "0123456789abcdef", check=False)
    assert unknown.returncode == 1
    assert f"Known are: {metadata['run']} (cdnow, 2026-06-30)" in unknown.stderr
    for change, words in (
        ({"data": metadata["data"] | {"sha256": "0"}}, "The data moved on"),
        ({"code": "0"}, "The code of the models isn't the run's any more"),
        ({"settings": metadata["settings"] | {"discount_rate": 0.5}}, "discount_rate was 0.5"),
        ({"run": "0"}, "on which the model was fitted, have changed since"),
    ):
        other = installation.folder / "other.json"
        other.write_text(json.dumps(metadata | change), encoding="utf-8")
        refused = installation.clv("repeat", str(other), check=False)
        assert refused.returncode == 1
        assert words in " ".join(refused.stderr.split())


def test_a_second_demo_changes_nothing_and_a_third_beside_it_is_refused(
    installation: Installation, first_fingerprints: dict[str, str]
) -> None:
    assert len(first_fingerprints) >= 13
    second = installation.start("demo")
    lock = installation.folder / "home" / "run" / "refresh.lock"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and str(second.pid) not in lock.read_text():
        time.sleep(0.05)
    third = installation.clv("demo", check=False)
    assert third.returncode == 1
    assert "already running" in third.stderr
    assert str(second.pid) in third.stderr
    assert "Traceback" not in third.stderr + third.stdout
    assert second.wait(timeout=TIMEOUT) == 0
    assert installation.fingerprints() == first_fingerprints


@pytest.mark.faults
def test_a_killed_demo_is_made_up_for_by_the_next(
    installation: Installation, first_fingerprints: dict[str, str]
) -> None:
    kill_in_the_middle(installation, "worker", random.Random(1))
    installation.clv("demo")
    assert installation.fingerprints() == first_fingerprints


@pytest.mark.faults
@pytest.mark.parametrize("moment", range(20))
def test_twenty_kills_at_random_moments(
    installation: Installation, first_fingerprints: dict[str, str], moment: int
) -> None:
    chance = random.Random(moment)
    kill_in_the_middle(installation, chance.choice(["run", "worker", "postgres"]), chance)
    installation.clv("demo")
    assert installation.fingerprints() == first_fingerprints


def kill_in_the_middle(installation: Installation, victim: str, chance: random.Random) -> None:
    """Starts a demo and kills -9 a process of it after 2 to 40 seconds."""
    running = installation.start("demo")
    deadline = time.monotonic() + chance.uniform(2, 40)
    while time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.1)
    if running.poll() is None:
        os.kill(find_victim(installation, victim, running.pid), signal.SIGKILL)
    running.wait(timeout=TIMEOUT)


def find_victim(installation: Installation, victim: str, command: int) -> int:
    if victim == "postgres":
        pid_file = installation.folder / "home" / "postgres" / "data" / "postmaster.pid"
        return int(pid_file.read_text().splitlines()[0])
    if victim == "worker":
        for child in psutil.Process(command).children():
            with suppress(psutil.Error):
                if "orchestration.worker" in child.cmdline():
                    return child.pid
    return command


def test_a_new_order_changes_the_rows_that_it_should_and_bad_rows_none(
    installation: Installation, purchases: Path, first_fingerprints: dict[str, str]
) -> None:
    tables = ["fct_orders", "fct_order_lines", "customer_daily", "dim_customers", "customer_rfm"]
    before = {table: installation.rows(f"marts.{table}") for table in tables}
    # Who comes back was never gone, so retention "on or after" rises in the months before, too.
    on = (
        "(select company_id, cohort_month, months_since, cohort_size, active_customers, revenue,"
        " cumulative_revenue_per_customer from marts.cohort_retention)"
    )
    cells = installation.rows(on)
    features = installation.rows("marts.customer_features")
    content = purchases.read_text()
    try:
        with purchases.open("a", newline="") as file:
            csv.writer(file).writerow(["00001", "2026-05-15", 1, "20.00"])
            file.write('00001,2026-02-31,1,20.00\n00001,2026-02-01,1,"1,020.00"\n')
        shown = " ".join(installation.clv("demo").stdout.split())
        assert "cdnow.csv, line 69662, date: '2026-02-31' is not a date" in shown
        assert "cdnow.csv, line 69663, dollar_value: '1,020.00' has a comma" in shown
        found = installation.query(
            "select line_number, column_name from quarantine.rejected_rows order by 1"
        )
        assert found == [(69_662, "date"), (69_663, "dollar_value")]

        def changes(table: str) -> tuple[int, int]:
            after = installation.rows(f"marts.{table}")
            return len(before[table] - after), len(after - before[table])

        assert changes("fct_orders") == (0, 1)
        assert changes("fct_order_lines") == (0, 1)
        assert changes("customer_daily") == (0, 1)
        assert changes("dim_customers") == (1, 1)
        # The rank of one customer moves the quintile of those on the edge beside it, at most.
        gone, new = changes("customer_rfm")
        assert gone == new
        assert 1 <= gone <= 10
        changed = {
            row[0]
            for row in installation.query(
                "select distinct customer_id from marts.customer_features"
                " where as_of_date >= '2026-05-31' and customer_id = '00001'"
            )
        }
        assert changed == {"00001"}
        new_features = installation.rows("marts.customer_features") - features
        assert len(new_features) == 2  # the month ends of May and June 2026
        assert all("(cdnow,00001," in row for row in new_features)
        new_cells = installation.rows(on) - cells
        assert all("(cdnow,2025-01-01," in row for row in new_cells)
        assert len(new_cells) == 2  # May, and June's cumulative revenue
        assert installation.query("select sum(net_revenue_base) from marts.fct_orders") == [
            (Decimal("2500335.63"),)
        ]
    finally:
        purchases.write_text(content)


def test_the_models_pass_their_unit_tests(
    installation: Installation, demo: subprocess.CompletedProcess[str]
) -> None:
    program = """
import json, tempfile
from dbt.cli.main import dbtRunner
with tempfile.TemporaryDirectory() as folder:
    outcome = dbtRunner().invoke([
        "--quiet", "test", "--select", "resource_type:unit_test", "--target-path", folder,
        "--log-path", folder, "--project-dir", "dbt_project", "--profiles-dir", "dbt_project",
    ])
print(json.dumps([[result.node.name, result.status, result.message] for result in outcome.result]))
"""
    outcomes = installation.python(program)
    assert len(outcomes) >= 20
    assert [each for each in outcomes if each[1] != "pass"] == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(None, "is missing", marks=pytest.mark.faults),
        pytest.param(
            "customer_id,date,number_of_cds\n00001,2026-01-01,1\n",
            "column 'dollar_value' (amount)",
            marks=pytest.mark.faults,
        ),
        (
            "customer_id,date,number_of_cds,dollar_value\n00001,2026-01-01,1,12.00\n",
            "expect_table_row_count_to_be_between",
        ),
    ],
)
def test_a_file_that_cannot_be_used_leaves_the_marts_as_they_were(
    installation: Installation,
    purchases: Path,
    demo: subprocess.CompletedProcess[str],
    content: str | None,
    says: str,
) -> None:
    before = installation.fingerprints()
    whole = purchases.read_text()
    try:
        purchases.unlink()
        if content is not None:
            purchases.write_text(content)
        # `clv demo` would write a missing file anew.
        failed = installation.clv("run", "cdnow", check=False)
        assert failed.returncode == 1
        assert says in " ".join(failed.stdout.replace("│", " ").split())
        assert "Traceback" not in failed.stdout + failed.stderr
        now = installation.fingerprints()
        assert {k: v for k, v in now.items() if not k.startswith("quarantine")} == {
            k: v for k, v in before.items() if not k.startswith("quarantine")
        }
    finally:
        purchases.write_text(whole)
