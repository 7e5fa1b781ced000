"""The dbt models as assets, in two halves: what the models of ml/ read, and what reads them."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliResource,
    dbt_assets,
)

from orchestration.lib.dbt import dbt_project
from orchestration.lib.metadata import table_metadata

TRANSLATOR = DagsterDbtTranslator(
    settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True)
)


@dbt_assets(
    manifest=dbt_project.manifest_path,
    project=dbt_project,
    selector="transformation",
    name="transform",
    dagster_dbt_translator=TRANSLATOR,
)
def transform(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Builds and tests staging, intermediate and marts."""
    yield from _build(context, dbt)


@dbt_assets(
    manifest=dbt_project.manifest_path,
    project=dbt_project,
    selector="reporting",
    name="publish",
    dagster_dbt_translator=TRANSLATOR,
)
def publish(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Builds and tests reporting, which joins the predictions to the marts."""
    yield from _build(context, dbt)


def _build(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    # A folder for one build: dagster-dbt's own would pile up beside the models, one a run.
    with TemporaryDirectory(prefix="clv-dbt-") as target:
        for event in dbt.cli(["build"], context=context, target_path=Path(target)).stream():
            if isinstance(event, dg.Output):
                key = context.asset_key_for_output(event.output_name)
                yield event.with_metadata({**event.metadata, **table_metadata(*key.path)})
            else:
                yield event
