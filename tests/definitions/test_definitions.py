"""The code location loads, and what others rely on has the agreed keys and names."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import dagster as dg
import pytest

from orchestration.environment import SILENCED
from orchestration.lib.freshness import CHECK, WATCHED
from orchestration.manifest import MANIFEST, ensure_manifest
from orchestration.refresh import JOBS
from warehouse.companies import Sources
from warehouse.settings import PROJECT_ROOT

#: Sources that are landed from an API.
APIS = ["shopify", "square", "stripe", "woocommerce"]
RAW = {
    "raw_files/companies",
    "raw_files/marketing_spend",
    "raw_files/order_lines",
    "raw_rates/exchange_rates",
}
MARTS = {
    "marts/bridge_customer_identities",
    "marts/channel_performance",
    "marts/cohort_retention",
    "marts/customer_daily",
    "marts/customer_features",
    "marts/customer_history",
    "marts/customer_labels",
    "marts/customer_pii",
    "marts/customer_rfm",
    "marts/dim_companies",
    "marts/dim_customers",
    "marts/dim_products",
    "marts/fct_order_lines",
    "marts/fct_orders",
    "marts/fct_subscriptions",
    "marts/fct_transactions",
    "marts/payment_fees_monthly",
}
ML = {
    "ml/churn_risk_factors",
    "ml/cluster_profiles",
    "ml/clv_model_scores",
    "ml/clv_prediction_paths",
    "ml/clv_predictions",
    "ml/cohort_forecasts",
    "ml/customer_clusters",
    "ml/customer_outlook",
    "ml/customer_reasons",
    "ml/drift_metrics",
    "ml/feature_contributions",
    "ml/feature_importances",
    "ml/feature_interactions",
    "ml/forecast_scores",
    "ml/interval_scores",
    "ml/realised_accuracy",
    "ml/revenue_forecasts",
    "ml/segment_migrations",
    "ml/survival_curves",
}
GROUPS = {
    "raw_files",
    "raw_rates",
    "raw_shopify",
    "raw_square",
    "raw_stripe",
    "raw_woocommerce",
    "reference",
    "staging",
    "intermediate",
    "quarantine",
    "marts",
    "ml",
    "reporting",
    "report",
    "governance",
}
REPORTING = {
    "reporting/at_risk_customers",
    "reporting/channel_targets",
    "reporting/clv_calculations",
    "reporting/cohort_ltv",
    "reporting/custom_segment_summary",
    "reporting/custom_segments",
    "reporting/customer_360",
    "reporting/geo_ltv",
    "reporting/product_ltv",
    "reporting/revenue_forecast",
    "reporting/segment_summary",
}


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    import os

    ensure_manifest({**os.environ, **SILENCED})
    from orchestration.definitions import defs

    return defs()


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    graph = definitions.resolve_asset_graph()
    return {
        key.to_user_string(): graph.get(key).to_asset_spec()
        for key in graph.materializable_asset_keys
    }


def test_the_agreed_assets_are_there(specs: dict[str, dg.AssetSpec]) -> None:
    assert set(specs) >= RAW | MARTS | ML | REPORTING | {"report/clv_report"}


def test_every_asset_is_described_owned_grouped_and_of_a_kind(
    specs: dict[str, dg.AssetSpec],
) -> None:
    for name, spec in specs.items():
        assert spec.description, name
        assert spec.owners, name
        assert spec.group_name in GROUPS, name
        assert spec.kinds, name


def test_the_flow_reads_in_one_direction(specs: dict[str, dg.AssetSpec]) -> None:
    layers = ["raw_files", "staging", "intermediate", "marts", "ml", "reporting"]

    def upstream(name: str) -> set[str]:
        direct = {dep.asset_key.to_user_string() for dep in specs[name].deps}
        return direct.union(*(upstream(each) for each in direct if each in specs))

    for name in MARTS | ML | REPORTING:
        layer = layers.index(name.split("/")[0])
        later = {each for each in upstream(name) if each.split("/")[0] in layers[layer + 1 :]}
        assert not later, f"{name} depends on {later}"
    assert "raw_files/order_lines" in upstream("reporting/customer_360")
    assert "ml/clv_predictions" in upstream("reporting/customer_360")


def test_what_lands_and_what_is_predicted_is_checked_and_blocks(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    blocking = {
        (key.asset_key.to_user_string(), key.name)
        for key in graph.asset_check_keys
        if graph.get_check_spec(key).blocking
    }
    assert {
        ("raw_files/companies", "great_expectations"),
        ("raw_files/order_lines", "great_expectations"),
        ("raw_files/order_lines", "reconciles_with_files"),
        ("raw_files/marketing_spend", "great_expectations"),
        ("raw_files/marketing_spend", "reconciles_with_files"),
        ("raw_rates/exchange_rates", "great_expectations"),
        ("ml/clv_model_scores", "great_expectations"),
        ("ml/clv_predictions", "great_expectations"),
        ("ml/clv_predictions", "covers_every_customer"),
        ("ml/clv_prediction_paths", "lead_to_the_predictions"),
        ("ml/customer_outlook", "covers_every_customer"),
        ("ml/revenue_forecasts", "add_up"),
    } <= blocking


def test_jobs_schedules_and_sensors(definitions: dg.Definitions) -> None:
    for name in ("land", "score", "train", "report"):
        partitions = definitions.resolve_job_def(name).partitions_def
        assert isinstance(partitions, dg.DynamicPartitionsDefinition)
        assert partitions.name == "company"
    for name in ("transform", "publish"):
        assert definitions.resolve_job_def(name).partitions_def is None
    schedule = definitions.resolve_schedule_def("nightly")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert schedule.job_name == "land"
    for name in ("nightly_flow", "run_failure", "dead_runs", "freshness", "alerts", "run_success"):
        sensor = definitions.resolve_sensor_def(name)
        assert sensor.default_status == dg.DefaultSensorStatus.RUNNING


def test_a_fetch_can_materialise_all_that_it_is_asked_for_and_checks_nothing(
    definitions: dg.Definitions,
) -> None:
    from orchestration.defs.automation.arrivals import ASSETS

    job = definitions.resolve_job_def("fetch")
    keys = {key for each in ASSETS.values() for key in each}
    assert keys <= set(job.asset_layer.selected_asset_keys)
    assert not [name for name in job.graph.node_dict if "expectations" in name or "check" in name]
    for name in ("arrivals", "refresh", "run_figures"):
        sensor = definitions.resolve_sensor_def(name)
        assert sensor.default_status == dg.DefaultSensorStatus.RUNNING


def test_every_asset_is_in_exactly_one_job(
    definitions: dg.Definitions, specs: dict[str, dg.AssetSpec]
) -> None:
    made = [
        key.to_user_string()
        for name in ("land", "transform", "train", "publish", "report", "governance")
        for key in definitions.resolve_job_def(name).asset_layer.selected_asset_keys
    ]
    assert sorted(made) == sorted(specs)
    # A night without a contest scores by the model in service.
    scored = {
        key.to_user_string()
        for key in definitions.resolve_job_def("score").asset_layer.selected_asset_keys
    }
    trained = {
        key.to_user_string()
        for key in definitions.resolve_job_def("train").asset_layer.selected_asset_keys
    }
    assert trained - scored == {"ml/clv_model_scores"}
    assert scored < trained


def test_every_job_of_the_flow_is_told_in_words() -> None:
    assert set(JOBS) == {"land", "transform", "score", "train", "publish", "report"}


@pytest.mark.parametrize("source", APIS)
def test_the_assets_of_an_api_are_the_landed_tables(
    specs: dict[str, dg.AssetSpec], definitions: dg.Definitions, source: str
) -> None:
    tables = import_module(f"ingestion.sources.{source}.tables").TABLES
    keys = import_module(f"warehouse.quality.raw_{source}").KEYS
    landed = {table.name for table in tables}
    assert {name.split("/")[1] for name in specs if name.startswith(f"raw_{source}/")} == landed
    assert set(keys) == landed
    for table in tables:
        assert set(keys[table.name]) == set(table.key), table.name
    graph = definitions.resolve_asset_graph()
    blocking = {
        (key.asset_key.to_user_string(), key.name)
        for key in graph.asset_check_keys
        if graph.get_check_spec(key).blocking
    }
    expected = {(f"raw_{source}/{table}", "great_expectations") for table in landed}
    assert expected <= blocking
    at = {"square": "payments", "stripe": "charges"}
    reconciled = f"raw_{source}/{at.get(source, 'orders')}"
    assert any(asset == reconciled and "reconciles" in name for asset, name in blocking)


def test_the_code_location_is_valid(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_the_entry_point_is_tiny() -> None:
    assert len((PROJECT_ROOT / "orchestration" / "definitions.py").read_text().splitlines()) <= 15


def test_loading_imports_nothing_heavy_and_opens_nothing() -> None:
    """A code server must answer within seconds, and before there is a database."""
    program = (
        "import sys\n"
        "from orchestration.definitions import defs\n"
        "defs()\n"
        "heavy = {'mlflow', 'great_expectations', 'lightgbm', 'shap', 'dlt', 'matplotlib.pyplot'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT_ROOT,
    )
    assert loaded.stdout.strip().splitlines()[-1] == "[]"


def test_only_settings_reads_the_environment() -> None:
    packages = ["ingestion", "ml", "reporting", "warehouse"]
    readers = {
        path.relative_to(PROJECT_ROOT).as_posix()
        for package in packages
        for path in Path(PROJECT_ROOT / package).rglob("*.py")
        if "os.environ[" in path.read_text() or "os.getenv" in path.read_text()
    }
    assert not readers


@pytest.mark.parametrize("source", APIS)
def test_what_every_row_of_an_api_needs_is_checked(source: str) -> None:
    suite = import_module(f"warehouse.quality.raw_{source}")
    for table in import_module(f"ingestion.sources.{source}.tables").TABLES:
        needed = {column.name for column in table.columns if column.required}
        assert needed <= {*suite.KEYS[table.name], *suite.REQUIRED[table.name]}, table.name


def test_keys_of_published_tables_are_enforced(definitions: dg.Definitions) -> None:
    manifest = json.loads(MANIFEST.read_text())
    for node in manifest["nodes"].values():
        # Quarantine keeps rows as they are, with or without what makes a key.
        if node["resource_type"] != "model" or node["schema"] != "marts":
            continue
        unique = [
            index["columns"] for index in node["config"].get("indexes", []) if index.get("unique")
        ]
        assert unique, f"{node['name']} has no unique index over its key"
        for column in unique[0]:
            constraints = [each["type"] for each in node["columns"][column]["constraints"]]
            assert "not_null" in constraints, f"{column} of {node['name']} may be null"


def test_every_column_and_model_is_described(definitions: dg.Definitions) -> None:
    manifest = json.loads(MANIFEST.read_text())
    for node in [*manifest["nodes"].values(), *manifest["sources"].values()]:
        if node["resource_type"] in ("model", "source", "seed"):
            assert node["description"], node["name"]
            for column in node["columns"].values():
                assert column["description"], f"{column['name']} of {node['name']}"


def test_every_source_of_companies_yml_is_watched(definitions: dg.Definitions) -> None:
    assert set(WATCHED) == set(Sources.model_fields)
    graph = definitions.resolve_asset_graph()
    watched = {key.asset_key for key in graph.asset_check_keys if key.name == CHECK}
    assert watched == set(WATCHED.values())
